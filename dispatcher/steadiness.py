"""Noticing that the clock was set: what hangs on how much time went by is then left alone for a while."""

from __future__ import annotations

import time

from dispatcher.clock import Clock

JUMP = 30.0
"""Seconds between two looks that the clock may gain or lose; less is a clock that is being kept right."""

SETTLED = 300.0
"""Seconds after a jump in which nobody is timed out, and no lease of others is taken for its age: the clock may be
set once more, and other machines may still have the time that this one had."""


def steady() -> float:
    """Seconds since the machine was started, its sleep included where the system counts that (CLOCK_BOOTTIME)."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class Steadiness:
    """Compares a clock that can be set with one that cannot, whenever it is asked."""

    def __init__(self, clock: Clock, steady: Clock = steady) -> None:
        self._clock, self._steady = clock, steady
        self._ahead = clock() - steady()
        self._settled = float("-inf")
        self._untold = 0.0

    def look(self) -> float:
        """Seconds by which the clock jumped since the last look, forward or back; 0 when it did not."""
        self._compare()
        jump, self._untold = self._untold, 0.0
        return jump

    def sure(self) -> bool:
        """Whether the clock can be believed; to be asked when it was read, for it may be set within a round."""
        self._compare()
        return self._steady() >= self._settled

    def _compare(self) -> None:
        ahead = self._clock() - self._steady()
        jump, self._ahead = ahead - self._ahead, ahead
        if abs(jump) >= JUMP:
            self._untold += jump
            self._settled = self._steady() + SETTLED
