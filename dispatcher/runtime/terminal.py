"""Signals that a terminal sends: to every process it runs, so that the command has had them without our help."""

from __future__ import annotations

import os
import signal
from _thread import start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

TYPED = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def watch(hand_on: Callable[[int, object], None]) -> dict[str, Any]:
    """Hand these on only when a process sent them; return what `os.posix_spawn` has to know of it.

    Only on a terminal, where Ctrl-C is a signal to all processes in front of it, and only where the system tells
    who sent one (Linux, sigwaitinfo(2): `si_code` is positive for what the kernel sent).
    """
    if not hasattr(signal, "sigwaitinfo") or not _there():
        return {}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, TYPED)
    start_new_thread(_wait, (hand_on,))
    return {"setsigmask": before}  # the command is to have them


def _wait(hand_on: Callable[[int, object], None]) -> None:
    while True:
        found = signal.sigwaitinfo(TYPED)
        if found.si_code <= 0:
            hand_on(found.si_signo, None)


def _there() -> bool:
    """Whether this process has a terminal that it may be in front of, whatever its input and output are."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
