"""Programs of Debian's for the tests, unpacked into the user's cache: nothing is installed, no root is needed.

apt fetches and checks the packages in folders of its own, and dpkg-deb unpacks them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.apart import NotInstalled
from tools.toolchain import cache, progress


@dataclass(frozen=True)
class Unpacked:
    """`packages` with what they depend on; `kept` is what is kept of all of it, as patterns of paths.

    `folder` is its place below the cache, `size` what is fetched, for people.
    """

    folder: str
    packages: tuple[str, ...]
    kept: tuple[str, ...]
    size: str

    def target(self) -> Path:
        """Another list, release or processor is another folder."""
        release = Path("/etc/os-release")
        described = release.read_bytes() if release.exists() else ""
        return cache.root() / self.folder / cache.key(*self.packages, described)

    def install(self) -> Path:
        """Fetch and unpack it when it is not there yet. Raises NotInstalled with the reason."""
        if not self.target().is_dir() and not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            raise NotInstalled("this machine has no apt to get them with")
        return cache.folder(self.target(), self._fill, lambda line: print(line, file=sys.stderr, flush=True))

    def _fill(self, part: Path) -> None:
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
        fetch = ["--yes", "--no-install-recommends", "--download-only", "install", *self.packages]
        for what, rest in (
            ("asking Debian what it has", ["update"]),
            (f"fetching {', '.join(self.packages)} ({self.size})", fetch),
        ):
            code, output = progress.run(what, [*command, *rest], environment=os.environ, directory=part)
            if code != 0:
                raise NotInstalled(f"apt-get could not get them:\n{output}")
        unpacked = part / "unpacked"
        for package in sorted(archives.glob("*.deb")):
            subprocess.run(["dpkg-deb", "--extract", str(package), str(unpacked)], check=True)
        for found in sorted(found for pattern in self.kept for found in unpacked.glob(pattern)):
            target = part / found.relative_to(unpacked)
            target.parent.mkdir(parents=True, exist_ok=True)
            found.rename(target)
        shutil.rmtree(unpacked)
        shutil.rmtree(apt)


def reached(root: Path, given: Mapping[str, str], programs: str = "usr/bin") -> dict[str, str]:
    """The environment in which the programs below `root` are found, with their libraries."""
    libraries = [str(folder) for folder in (root / "usr" / "lib").iterdir() if folder.name.endswith("-linux-gnu")]
    searched = [*libraries, *filter(None, [given.get("LD_LIBRARY_PATH")])]
    path = f"{root / programs}{os.pathsep}{given.get('PATH', '')}"
    return {**given, "PATH": path, "LD_LIBRARY_PATH": os.pathsep.join(searched)}
