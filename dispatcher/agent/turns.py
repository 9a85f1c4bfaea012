"""Which of the things that one agent does at a time are this one's to do: asking a zone, judging who waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dispatcher.clock import Clock, stamp
from dispatcher.errors import AuthError, DispatchError, NotInstalledError
from dispatcher.ledger import Lease, Ledger

TURN = 90.0
"""Seconds for which a turn is kept without being asked for again: a few rounds of a busy agent."""

PASSED = (60.0, 300.0)
"""Seconds for which an agent that could not do a thing leaves it to others: a cloud that did not answer, and one
that does not let it in."""

SPREADING = 15.0
"""Seconds for which it leaves a thing to others that a right which may be on its way will let it do."""


@dataclass(slots=True)
class Turns:
    """The turns of one agent. `steady` is a clock that nobody sets."""

    ledger: Callable[[], Ledger]
    clock: Clock
    steady: Clock
    owner: str
    token: str
    alive: Callable[[str], bool | None]
    _passed: dict[str, float] = field(default_factory=dict)

    def mine(self, name: str) -> bool:
        """Take a turn, or keep it; False when it is another's, or could not be done from here a moment ago."""
        if self.steady() < self._passed.get(name, float("-inf")):
            return False
        now = self.clock()
        lease = Lease(self.token, self.owner, stamp(now + TURN))
        return self.ledger().turn(name, lease, stamp(now), self.alive)

    def unable(self, name: str, error: DispatchError) -> None:
        """Leave a turn to others for a while, from now on."""
        self.ledger().yield_turn(name, self.owner)
        outside = isinstance(error, AuthError | NotInstalledError)
        pause = SPREADING if error.propagating else PASSED[1] if outside else PASSED[0]
        self._passed[name] = self.steady() + pause

    def leave(self) -> None:
        """Give all of them back."""
        self.ledger().leave(self.owner)
