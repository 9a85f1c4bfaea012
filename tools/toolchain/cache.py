"""Where built tools are kept between checkouts: a folder appears there complete or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path


def root() -> Path:
    """`$XDG_CACHE_HOME/launchway`, shared by all checkouts of this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "launchway"


def key(*parts: bytes | str) -> str:
    """A short name for exactly this content on this kind of machine."""
    digest = hashlib.sha256(f"{platform.system()}-{platform.machine()}".encode())
    for part in parts:
        digest.update(b"\0" + (part.encode() if isinstance(part, str) else part))
    return digest.hexdigest()[:16]


def folder(target: Path, make: Callable[[Path], None], say: Callable[[str], None]) -> Path:
    """Return `target`, filled by `make(temporary folder)` when it is not there yet.

    Two who ask at once build once: the second waits and says so. An interrupted `make` leaves a
    temporary folder at worst, which the next one removes.
    """
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(target.with_name(f".{target.name}.lock"), say):
        if target.is_dir():
            return target
        for leftover in target.parent.glob(f".{target.name}.part-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.part-", dir=target.parent))
        try:
            make(part)
            part.chmod(0o755)
            part.rename(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return target


@contextlib.contextmanager
def _only_one(lock: Path, say: Callable[[str], None]) -> Iterator[None]:
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another build of the same tools")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
