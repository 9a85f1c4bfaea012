"""A PostgreSQL server for the tests and the bench: this machine's own, else Debian's, unpacked into the cache.

Nothing is installed and no root is needed (tools/debian.py). Where there is no apt, the machine has to have the
server; the newest one is taken.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools import debian
from tools.apart import NotInstalled

OLDEST = 13
"""The oldest release that is looked at; the tests say nothing about older ones."""

_BINARIES = "usr/lib/postgresql/*/bin"
# All libraries but LLVM's, which would be half of it: the server is asked not to compile queries.
_LIBRARIES = "usr/lib/*-linux-gnu/lib[!L]*.so*"
_KEPT = (_BINARIES, "usr/lib/postgresql/*/lib/*.so", "usr/share/postgresql/*", _LIBRARIES)
_UNPACKED = debian.Unpacked("postgres", ("postgresql",), _KEPT, "60 MB")
_PLACES = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin")
"""Where Debian and Homebrew put what they do not put on PATH."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The folder of `postgres` and `initdb`; `root` is where they were unpacked, None for the machine's own."""

    folder: Path
    root: Path | None = None

    def environment(self) -> dict[str, str]:
        """What they need around them; messages and sorting are the same on every machine."""
        plain = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
        return debian.reached(self.root, plain) if self.root else plain


def install() -> Programs:
    """Make sure that there is a server that runs, and return it. Raises NotInstalled with the line that helps."""
    found = next(_own(), None)
    if found is None:
        try:
            _UNPACKED.install()
        except NotInstalled as failure:
            raise _without(str(failure)) from None
        found = programs()
    version(found)
    return found


def programs() -> Programs:
    """The server of this machine, else the one that was unpacked. Raises NotInstalled."""
    found = next(_own(), None)
    if found is not None:
        return found
    for folder in sorted(_UNPACKED.target().glob(_BINARIES), key=_release, reverse=True):
        return Programs(folder, _UNPACKED.target())
    raise _without("`make test` gets one, or `.venv/bin/python -m tools.postgres`")


def version(found: Programs) -> str:
    """Such as `15.18`. Raises NotInstalled when the server does not run."""
    command = [str(found.folder / "postgres"), "--version"]
    ended = subprocess.run(command, env=found.environment(), capture_output=True, text=True, check=False)
    if ended.returncode:
        raise _without(f"{command[0]} does not run here: {ended.stderr.strip()}")
    return ended.stdout.split()[2]


def _own() -> Iterator[Programs]:
    """The servers of this machine, newest first; the one on PATH before all."""
    on_path = shutil.which("initdb")
    if on_path and (resolved := Path(on_path).resolve().parent / "postgres").exists():
        yield Programs(resolved.parent)
    folders = [folder for place in _PLACES for folder in Path("/").glob(place.lstrip("/"))]
    for folder in sorted(folders, key=_release, reverse=True):
        if (folder / "initdb").exists() and (folder / "postgres").exists() and _release(folder) >= OLDEST:
            yield Programs(folder)


def _release(folder: Path) -> int:
    """The release in a path such as `/usr/lib/postgresql/15/bin`; 0 where there is none."""
    digits = re.findall(r"\d+", folder.parent.name)
    return int(digits[0]) if digits else 0


def _without(why: str) -> NotInstalled:
    by_hand = "apt-get install postgresql, or brew install postgresql"
    return NotInstalled(f"not here: a PostgreSQL server; {why}; by hand: {by_hand}")
