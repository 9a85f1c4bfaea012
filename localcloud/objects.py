"""The objects of one bucket or container, as files of a directory: what a job sees when it is mounted.

The directory is the truth about live objects: a file that a job writes there is an object at once, one it removes
is gone. Old generations, and names that are no paths (`a//b`, `a/`, `a` beside `a/b`), lie beside it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20
_NAME_BYTES = 255  # of one segment, as file systems have it

Stamp = tuple[int, int, int]


@dataclass
class Object:
    """One generation of an object. Times are seconds since 1970; `fields` are those that the writer may choose."""

    name: str
    path: Path
    generation: int
    created: float
    updated: float
    stamp: Stamp
    fields: dict[str, Any] = field(default_factory=dict)
    metageneration: int = 1
    deleted: float | None = None
    _sums: tuple[Stamp, str, str] | None = None

    @property
    def size(self) -> int:
        return self.stamp[1]

    @property
    def md5(self) -> str:
        """As `md5Hash` has it, in base64."""
        return self._checksums()[1]

    @property
    def crc32c(self) -> str:
        """As `crc32c` has it, in base64 of its big-endian bytes."""
        return self._checksums()[2]

    def _checksums(self) -> tuple[Stamp, str, str]:
        if self._sums is None or self._sums[0] != self.stamp:
            self._sums = (self.stamp, *checksums(self.path))
        return self._sums

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` up to `end`, not included."""
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(end - start)


def checksums(path: Path) -> tuple[str, str]:
    """MD5 and CRC32C of a file, in base64."""
    crc32c: Any = importlib.import_module("google_crc32c")  # has no types; comes with Google's client
    md5, crc = hashlib.md5(usedforsecurity=False), crc32c.Checksum()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            md5.update(chunk)
            crc.update(chunk)
    return base64.b64encode(md5.digest()).decode(), base64.b64encode(crc.digest()).decode()


@dataclass
class Objects:
    """`view` is the directory of live objects, `held` that of everything else. Hold the state's lock."""

    view: Path
    held: Path
    clock: Callable[[], float]
    _live: dict[str, Object] = field(default_factory=dict)
    _old: dict[str, list[Object]] = field(default_factory=dict)
    _last: int = 0
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        for directory in (self.view, self.held):
            directory.mkdir(parents=True, exist_ok=True)

    def find(self, name: str, generation: int | None = None) -> Object | None:
        """The live object of a name, or the given generation of it."""
        self._look(name)
        live = self._live.get(name)
        if generation is None or (live and live.generation == generation):
            return live
        return next((one for one in self._old.get(name, []) if one.generation == generation), None)

    def all(self, *, versions: bool = False) -> list[Object]:
        """Live objects by name, with their older generations before them when asked for."""
        self._scan()
        found = list(self._live.values())
        if versions:
            found += itertools.chain.from_iterable(self._old.values())
        return sorted(found, key=lambda one: (one.name.encode(), one.generation))

    def put(self, name: str, content: Path, fields: Mapping[str, Any], *, keep: bool) -> Object:
        """Make a file the live object of a name (the file moves); `keep` keeps what it replaces as an old one."""
        self._retire(name, keep=keep)
        now = self.clock()
        path = self._place(name)
        shutil.move(content, path)
        made = Object(name, path, self._next(), now, now, _stamp(path), dict(fields))
        self._live[name] = made
        return made

    def remove(self, found: Object, *, keep: bool) -> None:
        """Delete a generation; a live one becomes an old one when `keep` says so."""
        if self._live.get(found.name) is found:
            self._retire(found.name, keep=keep)
        else:
            self._old[found.name].remove(found)
            found.path.unlink(missing_ok=True)

    def destroy(self) -> None:
        """Remove the directories with all that is in them."""
        for directory in (self.view, self.held):
            shutil.rmtree(directory, ignore_errors=True)

    def fresh(self) -> Path:
        """A path for content on its way in."""
        return self.held / f"new-{next(self._numbers)}"

    def _retire(self, name: str, *, keep: bool) -> None:
        self._look(name)
        found = self._live.pop(name, None)
        if found is None:
            return
        if not keep:
            found.path.unlink(missing_ok=True)
        else:
            place = self.held / f"{found.generation}"
            shutil.move(found.path, place)
            found.path, found.deleted = place, self.clock()
            self._old.setdefault(name, []).append(found)
        if path := _below(self.view, name):
            self._prune(path.parent)

    def _prune(self, directory: Path) -> None:
        """Remove directories that an object left empty: a bucket has none of its own."""
        while directory != self.view and directory.is_relative_to(self.view):
            try:
                directory.rmdir()
            except OSError:
                return
            directory = directory.parent

    def _place(self, name: str) -> Path:
        """Where the content of a live object goes."""
        if path := _below(self.view, name):
            with contextlib.suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                if not path.is_dir():
                    return path
        return self.held / f"live-{hashlib.sha256(name.encode()).hexdigest()}"

    def _look(self, name: str) -> None:
        """Bring what is known of one name up to date with the directory."""
        path = _below(self.view, name)
        known = self._live.get(name)
        if known is not None and known.path.parent == self.held:
            return
        if path is None or not _plain(path, self.view):
            self._live.pop(name, None)
            return
        stamp = _stamp(path)
        if known is None or known.stamp != stamp:
            # Written by a job: gcsfuse would name a content type only when it knows one.
            now = stamp[0] / 1e9
            self._live[name] = Object(name, path, self._next(), now, now, stamp)

    def _scan(self) -> None:
        names = {path.relative_to(self.view).as_posix() for path in _files(self.view)}
        for name in [*names, *self._live]:
            self._look(name)

    def _next(self) -> int:
        """A generation: microseconds since 1970 that never repeat."""
        self._last = max(self._last + 1, int(self.clock() * 1e6))
        return self._last


def _below(directory: Path, name: str) -> Path | None:
    """The file that a name stands for; None when it cannot be one."""
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\0" in part or len(part.encode()) > _NAME_BYTES for part in parts):
        return None
    return directory.joinpath(*parts)


def _plain(path: Path, below: Path) -> bool:
    """Whether a path is a file of its own: nothing that a job links to from there is an object."""
    inner = path
    while inner != below:
        if inner.is_symlink():
            return False
        inner = inner.parent
    return path.is_file()


def _files(directory: Path) -> Iterator[Path]:
    for root, _, names in os.walk(directory):
        yield from (Path(root) / name for name in names)


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino
