"""Programs that copy images between registries: skopeo or crane when there; else we do it ourselves."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from dispatcher.errors import DispatchError, NotFoundError, UsageError
from dispatcher.images import transport

OURSELVES = "dispatch"


@dataclass(frozen=True, slots=True)
class Carrier:
    """One program; `command(source, target, plain)` copies the one manifest that a digest names, unchanged.

    `plain` says that both are on this machine, and speak no TLS.
    """

    name: str
    command: Callable[[str, str, bool], list[str]]


def _skopeo(source: str, target: str, plain: bool) -> list[str]:
    insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"] if plain else []
    # Whoever has no policy of signatures yet would get an error; what is copied is named by its digest.
    return [
        "skopeo",
        "--insecure-policy",
        "copy",
        "--preserve-digests",
        *insecure,
        f"docker://{source}",
        f"docker://{target}",
    ]


def _crane(source: str, target: str, plain: bool) -> list[str]:
    return ["crane", "copy", *(["--insecure"] if plain else []), source, target]


CARRIERS = (Carrier("skopeo", _skopeo), Carrier("crane", _crane))
NAMES = (*(carrier.name for carrier in CARRIERS), OURSELVES)


def find(name: str | None, environment: Mapping[str, str]) -> Carrier | None:
    """Return the program of this name, or the first that is there; None to do it ourselves.

    Raises NotFoundError when the one named is not there, UsageError for a name that is none.
    """
    if name is not None and name not in NAMES:
        raise UsageError(f"there is no program {name} to copy with", f"one of {', '.join(NAMES)}")
    for carrier in CARRIERS:
        if name in (None, carrier.name) and shutil.which(carrier.name, path=environment.get("PATH")):
            return carrier
    if name not in (None, OURSELVES):
        raise NotFoundError(f"{name} is not installed", f"leave --with out, or say --with {OURSELVES}")
    return None


def address(host: str, repository: str) -> str:
    """Return what such a program calls a repository, on a registry that stands in for all where there is one."""
    local = transport.stand_in()
    return f"{urlsplit(local).netloc}/{host}/{repository}" if local else f"{host}/{repository}"


def carry(carrier: Carrier, source: str, target: str, environment: Mapping[str, str]) -> None:
    """Copy `source` (by digest) to `target` (by tag). Raises DispatchError with the program's last words."""
    command = carrier.command(source, target, transport.stand_in() is not None)
    ended = _run(command, environment)
    if ended.returncode:
        words = " ".join(ended.stderr.split())[-500:]
        raise DispatchError(f"{carrier.name} could not copy {source}: {words}", f"or let us: --with {OURSELVES}")


def _run(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
