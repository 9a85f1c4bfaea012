"""What a container has on every cloud: a private directory, a name that peers know, a bare environment.

A process cannot be given directories at the root of the file system without privileges, so they lie elsewhere, and
their paths in the command's arguments and in environment values are rewritten. A path written inside the program
is not: programs take their paths from the environment (docs/localcloud.md).
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HOSTS = Path("/etc/hosts")


@dataclass(frozen=True, slots=True)
class Node:
    """Node `rank` (from 0) of a job: its `name` on the cloud, the `host` by which peers reach it, its directory.

    `mounts` are the directories of a container that are elsewhere here, such as `/opt/ml`.
    """

    rank: int
    name: str
    host: str
    home: Path
    mounts: tuple[str, ...] = ()

    @property
    def work(self) -> Path:
        """The working directory: a copy of the image's files."""
        return self.home / "work"

    def mount(self, path: str) -> Path:
        """Where one of `mounts` really is."""
        return self.home / path.lstrip("/")

    def inside(self, text: str) -> str:
        """Rewrite the paths of all mounts in a text."""
        for path in self.mounts:
            real = str(self.mount(path)).replace("\\", r"\\")
            text = re.sub(rf"(?<![\w./~-]){re.escape(path)}(?=$|[^\w.-])", real, text)
        return text

    def path(self, container_path: str) -> Path:
        """Where a path below a mount really is; any other path is private too."""
        text = self.inside(container_path)
        return Path(text) if text != container_path else self.home / container_path.lstrip("/")


def hosts(names: Sequence[str]) -> list[str]:
    """Addresses by which nodes on one machine reach each other.

    Their names when the machine resolves them to loopback (entries in /etc/hosts), else 127.0.0.N: every node has
    an address of its own there, so all of them may listen on the same port, as machines do. A system with a single
    loopback address (macOS) keeps the names.
    """
    if loopback_names(HOSTS.read_text() if HOSTS.is_file() else "").issuperset(names):
        return list(names)
    addresses = [f"127.0.0.{rank}" for rank in range(1, len(names) + 1)]
    return addresses if all(map(_can_bind, addresses)) else list(names)


def loopback_names(table: str) -> set[str]:
    """The names that a hosts file gives to loopback addresses. A resolver is not asked: it may take long."""
    names: set[str] = set()
    for line in table.splitlines():
        address, *rest = line.partition("#")[0].split() or [""]
        if address.startswith("127.") or address == "::1":
            names.update(rest)
    return names


def _can_bind(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def build(node: Node, image: Path | None) -> None:
    """Make the node's directories anew, and copy the image's files."""
    shutil.rmtree(node.home, ignore_errors=True)
    (node.home / "tmp").mkdir(parents=True)
    if image is None:
        node.work.mkdir()
    else:
        ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__")
        shutil.copytree(image, node.work, symlinks=True, ignore=ignored)


def environment(node: Node) -> dict[str, str]:
    """A container's bare variables: programs of this Python environment are found first."""
    programs = [str(Path(sys.executable).parent), *os.defpath.split(os.pathsep), "/usr/local/bin"]
    path = list(dict.fromkeys([*programs, *os.environ.get("PATH", "").split(os.pathsep)]))
    return {
        "PATH": os.pathsep.join(filter(None, path)),
        "HOME": str(node.home),
        "TMPDIR": str(node.home / "tmp"),
        "LANG": "C.UTF-8",
        "HOSTNAME": node.host,
    }


def reaching(value: str, node: Node, peers: Sequence[Node]) -> str:
    """An environment value as the process needs it: a peer's name becomes its address, paths are rewritten.

    A container resolves its peers' names; here a value that is one of them is replaced.
    """
    return next((peer.host for peer in peers if peer.name == value), None) or node.inside(value)
