"""The clock that all machines of one ledger share: the database's.

Leases, back-off and the order of jobs compare times that different machines wrote. Were they each machine's own, a
laptop that is minutes ahead would take leases that still hold, and one behind would jump the line.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from dispatcher.clock import Clock
from dispatcher.errors import DispatchError

_FRESH = 60.0
"""Seconds after which the database is asked again."""
_JUMP = 2.0
"""Seconds between this machine's two clocks that say that it slept, or that somebody set its time."""


class SharedClock:
    """Seconds since 1970 as the database has them: asked once a minute, and a steady clock counts on from there.

    While the database does not answer, what it said last is counted on.
    """

    def __init__(self, ask: Callable[[], float], wall: Clock = time.time, steady: Clock = time.monotonic) -> None:
        """`ask` is the database's time now; raises DispatchError. `steady` only ever goes forward."""
        self._ask, self._wall, self._steady = ask, wall, steady
        self._known = False
        self._theirs = self._mine = self._asked = self._last = 0.0

    def __call__(self) -> float:
        steady = self._steady()
        passed = steady - self._asked
        jumped = abs((self._wall() - self._mine) - passed) > _JUMP
        if not self._known or passed > _FRESH or jumped:
            self._look()
            passed = self._steady() - self._asked
        now = self._theirs + passed
        # Asking takes a moment, and not always the same: within a second, time does not go back for that.
        self._last = self._last if 0 < self._last - now < 1 else now
        return self._last

    @property
    def ahead(self) -> float:
        """Seconds by which this machine's own clock is ahead of the database's; below 0 it is behind."""
        return self._wall() - self()

    def _look(self) -> None:
        before = self._steady()
        try:
            said = self._ask()
        except DispatchError:
            if not self._known:
                raise
            # Asked again in a minute; until then the steady clock goes on from what was known.
            self._theirs += before - self._asked
            self._asked, self._mine = before, self._wall()
            return
        self._asked = self._steady()
        self._mine = self._wall()
        self._theirs = said + (self._asked - before) / 2
        self._known = True
