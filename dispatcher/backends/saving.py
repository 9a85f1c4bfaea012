"""Where fetched files land: below the directory the user named, and nowhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from dispatcher.errors import UnreachableError, UsageError

LEAVES = "fetch it by hand if you trust it"
"""Remedy for an object whose name leads out of the directory."""
_TRIES = 5
"""Times that a download is taken up again where it broke off."""


def below(target: Path, name: str, uri: str) -> Path:
    """Return the file for an object called `name`, its directory made. Raises UsageError when it is not below."""
    parts = PurePosixPath(name).parts
    if ".." in parts or PurePosixPath(name).is_absolute():
        raise UsageError(f"{uri} would be written outside {target}", LEAVES)
    path = target.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Raise what the file system refuses inside as a UsageError that names the directory."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"outputs cannot be written to {target}: {reason}", "name another directory") from error


def download(
    read: Callable[[int], Iterator[bytes]], path: Path, uri: str, size: int | None, md5: bytes | None = None
) -> None:
    """Save one object: `read(start)` yields its bytes from there on. What arrives is whole, or not there at all.

    A download that breaks off goes on behind its last byte. `size` None says that neither size nor digest are
    known, as of what comes unpacked: then it cannot go on, and one that breaks off is an error at once.
    Raises UnreachableError when it breaks off for good, or when what came is not what was promised.
    """
    part = path.with_name(f".{path.name}.part")
    digest, have, tries = hashlib.md5(usedforsecurity=False), 0, 0
    try:
        with part.open("wb") as file:
            while True:
                try:
                    for chunk in read(have):
                        file.write(chunk)
                        digest.update(chunk)
                        have += len(chunk)
                except UnreachableError:
                    if size is not None and have == size:
                        break  # behind the last byte there is nothing to ask for
                    tries += 1
                    if size is None or tries == _TRIES:
                        raise
                    continue
                break
        if size is not None and (have != size or (md5 is not None and digest.digest() != md5)):
            raise UnreachableError(f"{uri} came incomplete or changed: {have} of {size} bytes", "fetch it again")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
