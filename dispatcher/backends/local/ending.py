"""End every job of a place that is about to be removed: asked first, killed when that does not help."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from dispatcher.backends.local.backend import status_of, supervised

PATIENCE = 5.0
"""Seconds the jobs together get between being asked to end and being killed."""
_KILL_SECONDS = 5.0
_LOOK = 0.05


def end_all(place: Path, patience: float = PATIENCE) -> int:
    """End the jobs in `place/jobs` that still have a supervisor, and return how many there were.

    A job without one is left alone: its process id may be somebody else's by now. Takes at most `patience`
    seconds and five more.
    """
    running = [lock.parent for lock in sorted(place.glob("jobs/*/lock")) if supervised(lock.parent)]
    for home in running:
        (home / "cancel").touch()  # its supervisor sends SIGTERM to the job's group
    left = _left(running, patience)
    for home in left:
        pid = (status_of(home) or {}).get("pid")
        if pid is not None and supervised(home):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
    _left(left, _KILL_SECONDS)
    return len(running)


def _left(homes: list[Path], seconds: float) -> list[Path]:
    """Wait until nobody supervises these jobs, and return those that still have a supervisor."""
    deadline = time.monotonic() + seconds
    while (homes := [home for home in homes if supervised(home)]) and time.monotonic() < deadline:
        time.sleep(_LOOK)
    return homes
