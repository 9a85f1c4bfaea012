"""The job's archive becomes a folder: in bounds at every step, and nothing of it outside of that folder."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib

from .bounds import FILES, UNPACKED_BYTES
from .fault import Fault

_BLOCK = 1 << 20
_UNREADABLE = (tarfile.TarError, zlib.error, EOFError, OSError, ArithmeticError, RecursionError, MemoryError)
_HEADERS = 16384
"""Bytes between the contents of two files: a path and a link of 4,096 bytes each, in blocks of 512."""


def unpack(archive: bytes, target: str) -> None:
    """Write what a tar.gz holds into `target`, an empty directory without a link in its path.

    Raises Fault for what no packed folder holds, ValueError for what cannot be read. Even then everything that was
    written is below `target`.
    """
    try:
        stream = _Bounded(gzip.GzipFile(fileobj=io.BytesIO(archive)))
        with tarfile.open(fileobj=stream, mode="r:") as members:
            _extract(members, stream, target)
    except (
        tarfile.TarError,
        EOFError,
        OSError,
        ArithmeticError,
        RecursionError,
        MemoryError,
        zlib.error,
    ) as error:
        raise ValueError(str(error) or type(error).__name__) from error


class _Bounded(io.RawIOBase):
    """What an archive decompresses to, read forward, and never further than was allowed.

    A header may claim any length, or be followed by thousands of its kind; each of them would be read into memory.
    """

    def __init__(self, source: io.BufferedIOBase) -> None:
        self._source = source
        self._at = 0
        self._until = 0
        self.allow(_HEADERS)

    def allow(self, size: int) -> None:
        """Let so many bytes from here on be read."""
        self._until = self._at + size

    def read(self, size: int = -1, /) -> bytes:
        if size < 0 or self._at + size > self._until:
            raise Fault(f"the code of the job holds a header of more than {_HEADERS:,} bytes, which no path needs")
        data = self._source.read(size)
        self._at += len(data)
        return data

    def seek(self, position: int, whence: int = os.SEEK_SET, /) -> int:
        if whence != os.SEEK_SET or position < self._at:
            raise tarfile.ReadError("it leads back to what was read")
        self.read(position - self._at)
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True


def _extract(members: tarfile.TarFile, stream: _Bounded, target: str) -> None:
    """Write directories and files, and links at last: so that no file is written through one."""
    links: list[tuple[str, str]] = []
    files, size = 0, 0
    for member in members:
        name = os.path.join(target, _inside(member.name))
        files, size = files + 1, size + max(member.size, 0)
        if files > FILES or size > UNPACKED_BYTES:
            most = f"{FILES:,} files or {UNPACKED_BYTES:,} bytes"
            raise Fault(f"the code of the job unpacks to more than {most}", "data and models belong into inputs")
        if member.isdir():
            os.makedirs(name, exist_ok=True)
        elif member.isreg() and not member.issparse():
            os.makedirs(os.path.dirname(name), exist_ok=True)
            stream.allow(member.size)
            _copy(members, member, name)
        elif member.issym():
            links.append((member.linkname, name))
        else:
            raise Fault(f"the code of the job holds {member.name}, neither file, directory nor symbolic link")
        stream.allow(_HEADERS)
    for text, name in links:
        _link(text, name, target)
    for _, name in links:  # when all are there: one may lead out only through another
        if not (os.path.realpath(name) + os.sep).startswith(target + os.sep):
            raise _out(os.path.relpath(name, target))


def _inside(path: str) -> str:
    name = os.path.normpath(path)
    if os.path.isabs(path) or name == os.pardir or name.startswith(os.pardir + os.sep):
        raise Fault(f"the code of the job holds {path}, a path that leads out of it")
    return name


def _link(text: str, name: str, target: str) -> None:
    """Make a link that by its words stays inside; none is made below another, which may lead anywhere."""
    parent = os.path.dirname(name)
    if os.path.realpath(parent) != parent:
        raise Fault(f"the code of the job holds {os.path.relpath(name, target)}, a path through a link")
    led = os.path.normpath(os.path.join(parent, text))
    if not (led + os.sep).startswith(target + os.sep):
        raise _out(os.path.relpath(name, target))
    os.makedirs(parent, exist_ok=True)
    os.symlink(text, name)


def _out(name: str) -> Fault:
    return Fault(f"the code of the job holds a link that leads out of it: {name}")


def _copy(members: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> None:
    source = members.extractfile(member)
    assert source is not None, "a regular file has content"
    mode = 0o755 if member.mode & 0o100 else 0o644
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with source, open(descriptor, "wb") as file:
        for block in iter(lambda: source.read(_BLOCK), b""):
            file.write(block)
