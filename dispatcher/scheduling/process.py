"""Who holds a lease: one process of one person on one machine, and whether that process still runs."""

from __future__ import annotations

import os


def owner(who: str, host: str) -> str:
    """This process, as `who@host#pid`."""
    return f"{who}@{host}#{os.getpid()}"


def alive(other: str, host: str) -> bool | None:
    """Whether that process still runs; None when it is on another machine and nobody here can know."""
    place, _, pid = other.rpartition("#")
    if place.rpartition("@")[2] != host or not pid.isdecimal():
        return None
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
