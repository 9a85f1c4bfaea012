"""What every part of a tick works with: the ledger, the clouds, the clock, and who is at work."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dispatcher.backends.base import Backend, Request, State, Submission
from dispatcher.clock import Clock, Sleep, stamp
from dispatcher.errors import DispatchError
from dispatcher.ledger import Caps, Entry, Event, Lease, Ledger
from dispatcher.scheduling.silence import Silence

LEASE = 900.0
"""Seconds a submitter has for one call; after that another may look the job up by name and go on.

Longer than the slowest call, all of its retries included, so that two never send at once; one that is known to
be dead is not waited for.
"""

YOUNG = 300.0
"""Seconds after `contract.updated_at` in which a role that cannot be assumed may simply not have spread yet."""

RELEASED: dict[str, object] = {"lease_token": None, "lease_owner": None, "lease_until": None}
"""Columns of an entry that nobody holds."""


@dataclass(frozen=True, slots=True)
class Site:
    """All that is needed to submit from one queue: who renders and sends, its caps, and what waiting counts there.

    `render` turns an entry into its request; `stage` puts into the zone what that goes with; `updated_at` is when
    the zone was last changed (epoch seconds). `ageing` is the queue's. `elsewhere` are jobs that cannot be sent
    from here, each with when it may be tried again, and `silence` are the zones that do not answer; both are kept
    for as long as this process has the queue's cloud open.
    """

    backend: Backend
    render: Callable[[Entry, Submission], Request]
    caps: Caps
    updated_at: float = 0.0
    stage: Callable[[Request], None] = lambda request: None
    ageing: int | None = None
    elsewhere: dict[str, float] = field(default_factory=dict)
    silence: Silence = field(default_factory=Silence)


@dataclass(slots=True)
class Report:
    """What a tick did: ids submitted and finished, and the errors met, each with the ids it concerns."""

    submitted: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    errors: list[tuple[DispatchError, tuple[str, ...]]] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    """Ids that are not sent in this round: their sweep may be over, and nobody knows yet."""
    watched: float = 0.0
    """Seconds that were spent on what had been sent before."""
    left: bool = False
    """Whether jobs wait for no more than the next round."""

    def error_of(self, id: str) -> DispatchError | None:
        """The error that concerned one submission."""
        return next((error for error, ids in self.errors if id in ids), None)


@dataclass(frozen=True, slots=True)
class Work:
    """A scheduler's surroundings. `site` opens a queue's cloud (lazily); `owner` names this process; `token`
    makes lease tokens; `alive` says whether another owner's process still runs (None: cannot be known); `notice`
    tells the person what a tick waits for. What is recorded goes into the ledger, which takes secrets out of it
    (dispatcher.ledger.cleaning). `host` is this machine.

    `takes` are the job types that this process sends, all when it is empty. `beside` opens the ledger once more,
    for a thread. An agent has more to say: `turn` whether what one process does at a time is its to do now
    (`unable`: this process could not), `stopping` that nothing new is to be begun, `sure` that the clock can be
    believed (it did not jump just now), `may_send` whether it sends from a queue at present. It hears by
    `progress` of each step that ended, and by `sent` that something was sent from a queue, or what keeps it
    out of there. `puzzling` are jobs that cannot be observed for an error that nobody foresaw."""

    ledger: Ledger
    site: Callable[[Entry], Site]
    clock: Clock
    sleep: Sleep
    owner: str
    token: Callable[[], str]
    alive: Callable[[str], bool | None]
    notice: Callable[[str], None] = lambda text: None
    takes: tuple[str, ...] = ()
    host: str = ""
    beside: Callable[[], Ledger] | None = None
    turn: Callable[[str], bool] = lambda name: True
    unable: Callable[[str, DispatchError], None] = lambda name, error: None
    stopping: Callable[[], bool] = lambda: False
    progress: Callable[[], None] = lambda: None
    sure: Callable[[], bool] = lambda: True
    may_send: Callable[[str], bool] = lambda queue: True
    sent: Callable[[str, DispatchError | None], None] = lambda queue, outside: None
    puzzling: Silence = field(default_factory=Silence)

    def now(self) -> str:
        """This moment, as the ledger writes it."""
        return stamp(self.clock())

    def lease(self) -> Lease:
        """A fresh lease of this process."""
        return Lease(self.token(), self.owner, stamp(self.clock() + LEASE))

    def event(self, entry: Entry, kind: str, **data: object) -> Event:
        """Something that happens to an entry now; empty data is left out."""
        given = {name: value for name, value in data.items() if value}
        return Event(entry.id, self.now(), kind, self.owner, json.dumps({"attempt": entry.attempt, **given}))

    def end(
        self,
        entry: Entry,
        state: State,
        reason: str,
        report: Report,
        *,
        error: DispatchError | None = None,
        cause: str = "",
        more: Mapping[str, object] | None = None,
    ) -> None:
        """End an entry without the cloud: refused, cancelled before it was sent, never sendable, or waited out.

        `cause` is as of an Observation, `more` are other columns. Changes nothing when someone else has taken it
        up since it was read.
        """
        columns = {"state": state.value, "reason": reason, "ended_at": self.now(), **RELEASED, **(more or {})}
        if cause:
            columns["cause"] = cause
        event = self.event(entry, state.value, reason=reason)
        if self.ledger.change(
            entry.id, columns, event, token=entry.lease_token, state=entry.state, attempt=entry.attempt
        ):
            if error is not None:
                report.errors.append((error, (entry.id,)))
            report.finished.append(entry.id)

    def unseen(self, entries: list[Entry], error: DispatchError, report: Report) -> None:
        """Keep an error beside the last known state: not being able to ask is no state."""
        report.errors.append((error, tuple(entry.id for entry in entries)))
        self.ledger.unseen([entry.id for entry in entries], error.message, self.now())


def target(entry: Entry) -> tuple[str, str, int]:
    """What back-off belongs to: the zone, the hardware, and whether it is spot."""
    return (entry.zone, entry.hardware, entry.spot)
