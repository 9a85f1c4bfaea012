"""buildah, skopeo and docker-registry for the tests: this machine's own, else Debian's, unpacked into the cache.

Nothing is installed and no root is needed: apt fetches and checks the packages in folders of its own, and dpkg-deb
unpacks them. Where there is no apt, the machine has to have the programs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.apart import NotInstalled
from tools.toolchain import cache, progress

PACKAGES = ("buildah", "docker-registry", "skopeo")
"""Debian's packages, each named as its program is."""
_KEPT = (*(f"usr/bin/{program}" for program in PACKAGES), "usr/lib/*-linux-gnu/lib*.so*")
"""What is kept of everything that apt fetches along with them, as patterns."""


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
    return _reached(root, found) if root else found


def install() -> None:
    """Make sure that every program is there and runs. Raises NotInstalled with the line that helps."""
    if _lacking(os.environ) and not _target().is_dir():
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            raise _without("this machine has no apt to get them with")
        cache.folder(_target(), _fill, lambda line: print(line, file=sys.stderr, flush=True))
    root = _root()
    reached = _reached(root, os.environ) if root else dict(os.environ)
    for program in PACKAGES:
        ended = subprocess.run([program, "--version"], env=reached, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise _without(f"{program} does not run here: {ended.stderr.strip()}")


def _root() -> Path | None:
    """The folder they are unpacked in; None when the machine has them all."""
    if not _lacking(os.environ):
        return None
    if not _target().is_dir():
        raise _without("`make test` gets them, or `.venv/bin/python -m tools.containers`")
    return _target()


def _without(why: str) -> NotInstalled:
    lacking = ", ".join(_lacking(os.environ)) or "something they need"
    return NotInstalled(f"not here: {lacking}; {why}; by hand: apt-get install {' '.join(PACKAGES)}")


def _lacking(given: Mapping[str, str]) -> list[str]:
    return [program for program in PACKAGES if not shutil.which(program, path=given.get("PATH"))]


def _reached(root: Path, given: Mapping[str, str]) -> dict[str, str]:
    libraries = [str(folder) for folder in (root / "usr" / "lib").iterdir() if folder.name.endswith("-linux-gnu")]
    searched = [*libraries, *filter(None, [given.get("LD_LIBRARY_PATH")])]
    path = f"{root / 'usr' / 'bin'}{os.pathsep}{given.get('PATH', '')}"
    return {**given, "PATH": path, "LD_LIBRARY_PATH": os.pathsep.join(searched)}


def _target() -> Path:
    """Another list, release or processor is another folder."""
    release = Path("/etc/os-release")
    return cache.root() / "containers" / cache.key(*PACKAGES, release.read_bytes() if release.exists() else "")


def _fill(part: Path) -> None:
    apt = part / "apt"
    archives = apt / "archives"
    for folder in (apt / "lists" / "partial", archives / "partial"):
        folder.mkdir(parents=True)
    settings = {
        "Dir::State::lists": apt / "lists",
        "Dir::Cache": apt,
        "Dir::Cache::archives": archives,
        "Debug::NoLocking": "1",  # of the machine's own folders, which somebody else owns
        "APT::Sandbox::User": "",
    }
    command = [
        "apt-get",
        "--quiet",
        *(word for key, value in settings.items() for word in ("-o", f"{key}={value}")),
    ]
    fetch = ["--yes", "--no-install-recommends", "--download-only", "install", *PACKAGES]
    for what, rest in (
        ("asking Debian what it has", ["update"]),
        (f"fetching {', '.join(PACKAGES)} (26 MB)", fetch),
    ):
        code, output = progress.run(what, [*command, *rest], environment=os.environ, directory=part)
        if code != 0:
            raise _without(f"apt-get could not get them:\n{output}")
    unpacked = part / "unpacked"
    for package in sorted(archives.glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", str(package), str(unpacked)], check=True)
    for file in sorted(file for pattern in _KEPT for file in unpacked.glob(pattern)):
        target = part / file.relative_to(unpacked)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.rename(target)
    shutil.rmtree(unpacked)
    shutil.rmtree(apt)
