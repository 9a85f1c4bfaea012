"""Who holds a lease: one process of one person on one machine, and whether that process still runs."""

from __future__ import annotations

import os
from pathlib import Path

_SPACE = ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid")
"""What tells apart two places of one host name in which the same number is another process: a machine before and
after it was started anew, and containers (proc(5), pid_namespaces(7)). Missing where there is no Linux."""

_started: tuple[int, str] = (0, "")


def owner(who: str, host: str) -> str:
    """This process, as `who@host#pid-space-token`; the token is of this run of it, for numbers are used again."""
    return f"{who}@{host}#{os.getpid()}-{_space()}-{_token()}"


def alive(other: str, host: str) -> bool | None:
    """Whether that process still runs; None when it is on another machine and nobody here can know."""
    place, _, process = other.rpartition("#")
    pid, _, rest = process.partition("-")
    space, _, token = rest.partition("-")
    if place.rpartition("@")[2] != host or not pid.isdecimal() or (space and space != _space()):
        return None
    if token and int(pid) == os.getpid():
        # The first process of a container has the number of the one before it.
        return token == _token()
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _token() -> str:
    global _started
    if _started[0] != os.getpid():  # a fork is a process of its own
        _started = (os.getpid(), os.urandom(4).hex())
    return _started[1]


def _space() -> str:
    import zlib

    boot, numbers = map(Path, _SPACE)
    try:
        return f"{zlib.crc32(boot.read_bytes() + str(numbers.readlink()).encode()):08x}"
    except OSError:
        return "0"
