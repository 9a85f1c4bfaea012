"""Where fetched files land: below the directory the user named, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from dispatcher.errors import UsageError

LEAVES = "fetch it by hand if you trust it"
"""Remedy for an object whose name leads out of the directory."""


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
