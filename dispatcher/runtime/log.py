"""The job's log, which is standard error: writing there never fails, and waits for a reader that is slow."""

from __future__ import annotations

import os

_STDERR = 2


def write(data: bytes) -> None:
    """Write all of it, waiting where the reader is slow; nothing more of it where nobody reads, or a disk is full.

    Straight to the descriptor: what Python keeps of a failed write would fail again when it ends.
    """
    while data:
        try:
            data = data[os.write(_STDERR, data) :]
        except BlockingIOError:  # whoever shares it may have made it so
            import select

            select.select([], [_STDERR], [])
        except OSError:
            return
