"""Archives on this machine, beside the ledger, until they have been sent: one file for each content."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dispatcher.errors import UsageError

if TYPE_CHECKING:
    from dispatcher.code.packing import Packed

DAYS = 28
"""Days after which an archive that no new submission has used is removed: what waits longer is packed anew."""


def beside(ledger: Path) -> Path:
    """The directory of archives that goes with a ledger."""
    return ledger.parent / "code"


def place(archives: Path, sha256: str) -> Path:
    """Where the archive of a digest is kept, whether or not it is there."""
    return archives / f"{sha256}.tar.gz"


def keep(packed: Packed, archives: Path) -> Path:
    """Write an archive into the directory `archives`, once for each content. Raises UsageError when it cannot be.

    It is there as a whole or not at all, and one that was damaged is made anew. Archives that nobody has submitted
    for long are removed.
    """
    import hashlib  # commands that only look get here for the place alone

    path = place(archives, packed.code.sha256)
    try:
        archives.mkdir(parents=True, exist_ok=True, mode=0o700)
        _forget(archives)
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == packed.code.sha256:
            os.utime(path)
            return path
        descriptor, part = tempfile.mkstemp(dir=archives, suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                packed.content.seek(0)
                shutil.copyfileobj(packed.content, file)
            Path(part).replace(path)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(
            f"{archives} cannot be written: {error}", "free the disk, or name another ledger"
        ) from error
    return path


def _forget(archives: Path) -> None:
    oldest = time.time() - DAYS * 86_400
    for path in archives.iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()
