"""A `pulumi` that is already on this machine: which one, how new, and whether its Python host is with it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OLDEST = (3, 250)
LANGUAGE_HOST = "pulumi-language-python"


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A usable command line: its program, its Python language host, and the version it reports."""

    pulumi: Path
    host: Path
    version: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """One that was found and cannot be used, and why."""

    pulumi: Path
    reason: str


def on_path(path: str, skip: Path) -> CommandLine | Unusable | None:
    """Judge the first `pulumi` on `path` outside the folder `skip` (the one we install into ourselves)."""
    folders = [f for f in path.split(os.pathsep) if f and Path(f).resolve() != skip.resolve()]
    elsewhere = os.pathsep.join(folders)
    found = shutil.which("pulumi", path=elsewhere)
    return judge(Path(found), elsewhere) if found else None


def judge(pulumi: Path, path: str = "") -> CommandLine | Unusable:
    """Run `pulumi version`, and look for the language host beside the real program, then on `path`."""
    version = version_of(pulumi)
    if version is None:
        return Unusable(pulumi, "`pulumi version` does not answer with a version")
    if numbers(version) < OLDEST:
        return Unusable(pulumi, f"{version} is older than {'.'.join(map(str, OLDEST))}")
    beside = pulumi.resolve().with_name(LANGUAGE_HOST)
    host = str(beside) if os.access(beside, os.X_OK) else shutil.which(LANGUAGE_HOST, path=path)
    if host is None:
        return Unusable(pulumi, f"{LANGUAGE_HOST} is neither beside it nor on PATH")
    return CommandLine(pulumi, Path(host), version)


def version_of(pulumi: Path) -> str | None:
    """Return what `pulumi version` prints, such as `v3.259.0`, or None when it prints no version."""
    settings = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run([pulumi, "version"], capture_output=True, text=True, timeout=30, env=settings)
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = answer.stdout.strip()
    return text if answer.returncode == 0 and numbers(text) else None


def numbers(version: str) -> tuple[int, ...]:
    """`v3.259.0-alpha.1` -> (3, 259, 0); empty when it is not a version."""
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    return tuple(map(int, match.groups())) if match else ()
