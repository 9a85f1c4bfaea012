"""buildah, skopeo and docker-registry for the tests: this machine's own, else Debian's, unpacked into the cache.

Nothing is installed and no root is needed (tools/debian.py). Where there is no apt, the machine has to have the
programs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tools import debian
from tools.apart import NotInstalled

PACKAGES = ("buildah", "docker-registry", "skopeo")
"""Debian's packages, each named as its program is."""
_KEPT = (*(f"usr/bin/{program}" for program in PACKAGES), "usr/lib/*-linux-gnu/lib*.so*")
_UNPACKED = debian.Unpacked("containers", PACKAGES, _KEPT, "26 MB")


def environment(home: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which the programs are found and keep everything they write below `home`.

    Raises NotInstalled.
    """
    root = _root()
    storage = home / "storage.conf"
    storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{home}/images"\nrunroot = "{home}/run"\n')
    policy = home / ".config" / "containers" / "policy.json"
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}\n')
    found = {**given, "HOME": str(home), "CONTAINERS_STORAGE_CONF": str(storage), "BUILDAH_ISOLATION": "chroot"}
    found.pop("XDG_RUNTIME_DIR", None)
    return debian.reached(root, found) if root else found


def install() -> None:
    """Make sure that every program is there and runs. Raises NotInstalled with the line that helps."""
    if _lacking(os.environ):
        try:
            _UNPACKED.install()
        except NotInstalled as failure:
            raise _without(str(failure)) from None
    root = _root()
    reached = debian.reached(root, os.environ) if root else dict(os.environ)
    for program in PACKAGES:
        ended = subprocess.run([program, "--version"], env=reached, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise _without(f"{program} does not run here: {ended.stderr.strip()}")


def _root() -> Path | None:
    """The folder they are unpacked in; None when the machine has them all."""
    if not _lacking(os.environ):
        return None
    if not _UNPACKED.target().is_dir():
        raise _without("`make test` gets them, or `.venv/bin/python -m tools.containers`")
    return _UNPACKED.target()


def _without(why: str) -> NotInstalled:
    lacking = ", ".join(_lacking(os.environ)) or "something they need"
    return NotInstalled(f"not here: {lacking}; {why}; by hand: apt-get install {' '.join(PACKAGES)}")


def _lacking(given: Mapping[str, str]) -> list[str]:
    return [program for program in PACKAGES if not shutil.which(program, path=given.get("PATH"))]
