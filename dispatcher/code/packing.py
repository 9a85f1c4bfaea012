"""A folder becomes an archive whose bytes depend on nothing but the files: names, contents, who may run them."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dispatcher.clock import Clock
from dispatcher.code import ignoring
from dispatcher.contract import CODE_DAYS
from dispatcher.errors import Problem, SpecError
from dispatcher.job import Code
from dispatcher.runtime import bounds

KEY = "code"
"""The job's key, which every problem names."""
_RENEWED = CODE_DAYS * 86_400 // 2
"""Seconds after which the same files make another archive: no job is sent with one that its zone soon deletes."""
_LEAVE_OUT = f"leave out what the job does not need, in {ignoring.FILE}"


@dataclass(frozen=True, slots=True)
class Packed:
    """An archive that nothing keeps yet: `content` is a file without a name, at its beginning."""

    code: Code
    content: IO[bytes]


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the folder: its path there, where it leads if it is a link, its bytes if it is none."""

    name: str
    path: Path
    status: os.stat_result
    link: str | None


def pack(folder: Path, clock: Clock = time.time) -> Packed:
    """Pack a folder as tar.gz. Raises SpecError for one that is missing, empty or too large, or a link out of it.

    The same files give the same bytes for half of the time that a zone keeps them, which gzip's header tells apart
    (its time is when that half began): members are in the order of their names, without times, owners and groups,
    with 0644 or, for what its owner may execute, 0755. (The bytes are those of one zlib: another one may compress
    them otherwise, and then there are two archives of one content.) What is not a file is left out: so are folders
    without files, as in git.
    """
    if not folder.is_dir():
        raise _wrong(f"{folder} is not a folder", "name it as the job file sees it")
    files = sorted(_files(folder), key=lambda file: file.name.encode())
    if not files:
        raise _wrong(f"{folder} holds no files that are not left out", f"see {ignoring.FILE} in it")
    _check(folder, files)
    content = tempfile.TemporaryFile()  # noqa: SIM115 - it is the result; whoever keeps it closes it
    try:
        with (
            gzip.GzipFile("", "wb", 6, content, mtime=int(clock() // _RENEWED * _RENEWED)) as zipped,
            tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for file in files:
                _add(archive, file)
        size = content.tell()
        if size > bounds.ARCHIVE_BYTES:
            raise _large(
                folder, files, f"makes an archive of {_mib(size)}, more than {_mib(bounds.ARCHIVE_BYTES)}"
            )
        content.seek(0)
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        content.seek(0)
    except BaseException:
        content.close()
        raise
    return Packed(Code(folder.resolve().name, digest, size), content)


def _add(archive: tarfile.TarFile, file: _File) -> None:
    member = tarfile.TarInfo(file.name)  # time, owner and group are 0 and nobody
    if file.link is not None:
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, file.link, 0o777
        archive.addfile(member)
        return
    member.mode = 0o755 if file.status.st_mode & stat.S_IXUSR else 0o644
    try:
        with file.path.open("rb") as content:
            member.size = os.fstat(content.fileno()).st_size
            archive.addfile(member, content)
    except OSError as error:
        raise _wrong(f"{file.path} cannot be read: {error.strerror or error}", _LEAVE_OUT) from error


def _files(folder: Path) -> Iterator[_File]:
    """Every file and link that is not left out; what is neither (a socket, a pipe) has no content to take."""
    rules = folder / ignoring.FILE
    try:
        patterns = ignoring.read(rules.read_text(encoding="utf-8") if rules.is_file() else "")
    except ValueError as error:
        raise _wrong(str(error), "patterns are those of a .gitignore") from error
    root = folder.resolve()

    def walk(directory: Path, prefix: str) -> Iterator[_File]:
        try:
            entries = list(os.scandir(directory))
        except OSError as error:
            raise _wrong(f"{directory} cannot be read: {error.strerror}", _LEAVE_OUT) from error
        for entry in entries:
            name, path = prefix + entry.name, Path(entry.path)
            real_folder = entry.is_dir(follow_symlinks=False)
            if ignoring.ignored(name, patterns, folder=real_folder):
                continue
            if real_folder:
                yield from walk(path, f"{name}/")
            elif entry.is_symlink():
                yield _File(name, path, entry.stat(follow_symlinks=False), _inside(path, root))
            elif entry.is_file():
                yield _File(name, path, entry.stat(), None)

    yield from walk(folder, "")


def _inside(path: Path, root: Path) -> str:
    """Where a link leads, relative to itself. Raises SpecError for one that would lead out of the archive."""
    target = path.readlink()
    if target.is_absolute() or not (path.parent.resolve() / target).resolve().is_relative_to(root):
        rule = f"{path} is a link to {target}, outside the folder, where the job has nothing"
        raise _wrong(rule, f"put the file itself there, or leave the link out, in {ignoring.FILE}")
    return target.as_posix()


def _check(folder: Path, files: list[_File]) -> None:
    if len(files) > bounds.FILES:
        raise _large(folder, files, f"holds {len(files):,} files, more than {bounds.FILES:,}")
    total = sum(_size(file) for file in files)
    if total > bounds.UNPACKED_BYTES:
        raise _large(folder, files, f"holds {_mib(total)}, more than {_mib(bounds.UNPACKED_BYTES)}")


def _size(file: _File) -> int:
    return 0 if file.link is not None else file.status.st_size


def _large(folder: Path, files: list[_File], rule: str) -> SpecError:
    """Too much, with what it is mostly: the entries of the folder itself that hold the most."""
    sizes: dict[str, int] = {}
    for file in files:
        top = file.name.partition("/")[0]
        sizes[top] = sizes.get(top, 0) + _size(file)
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:3]
    mostly = ", ".join(f"{name} ({_mib(sizes[name])})" for name in largest)
    return _wrong(
        f"{folder} {rule}; mostly {mostly}", f"{_LEAVE_OUT}; data goes into inputs, libraries into the image"
    )


def _mib(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"


def _wrong(rule: str, remedy: str) -> SpecError:
    return SpecError([Problem("job", None, KEY, rule, remedy)])
