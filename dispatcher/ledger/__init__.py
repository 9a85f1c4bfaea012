"""The ledger: every submission with its events, behind one small interface that any SQL store can fill."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from dispatcher.clock import Clock
from dispatcher.ledger.rows import (
    AgentRow,
    Entry,
    Event,
    ImageRow,
    MetricRow,
    QueueRow,
    SweepRow,
    Target,
    Turn,
    ZoneRow,
)
from dispatcher.ledger.values import Caps, Filter, Lease, Load

__all__ = [
    "AgentRow",
    "Caps",
    "Entry",
    "Event",
    "Filter",
    "ImageRow",
    "Lease",
    "Ledger",
    "Load",
    "MetricRow",
    "QueueRow",
    "SweepRow",
    "Target",
    "Turn",
    "ZoneRow",
]


class Ledger(Protocol):
    """What the dispatcher needs of a ledger. Methods raise LedgerError (read-only, full, newer schema) and
    UnreachableError (locked, not answering); each change is one transaction, durable when the method returns.
    Times are texts of dispatcher.clock; `now` is always the caller's."""

    @property
    def name(self) -> str:
        """The ledger as the user knows it: a path or an address without credentials."""
        ...

    @property
    def shareable(self) -> bool:
        """True when several machines can use it at once."""
        ...

    @property
    def exposed(self) -> bool:
        """True when what is said to it goes over a network in the clear."""
        ...

    @property
    def clock(self) -> Clock | None:
        """The time that all its users agree on; None when that is each machine's own."""
        ...

    def close(self) -> None: ...

    def wait(self, seconds: float) -> bool:
        """Sleep for so long, or until somebody else has queued, changed or cancelled a job, or changed a queue.

        True when that happened; a change made since the last `wait` counts, so that none is missed.
        """
        ...

    # What surrounds the jobs

    def meta(self, key: str) -> str | None:
        """One remembered fact: `environment`, `last_tick_at`."""
        ...

    def remember(self, key: str, value: str) -> None: ...

    def zones(self) -> list[ZoneRow]: ...

    def queues(self) -> list[QueueRow]: ...

    def synchronise(self, zones: Sequence[ZoneRow], queues: Sequence[QueueRow], environment: str) -> None:
        """Make zones and queues exactly these, in one transaction."""
        ...

    def pause(self, queue: str, reason: str | None) -> None:
        """Stop claiming from a queue, or go on when `reason` is None."""
        ...

    def drain(self, queue: str, on: bool) -> None:
        """Mark a queue as one that takes nothing new and runs what it has, or take the mark away."""
        ...

    def targets(self) -> list[Target]: ...

    def hold_back(self, target: Target) -> None: ...

    def release(self, zone: str, hardware: str, spot: int) -> None:
        """Forget the back-off of a target: it took a job."""
        ...

    def record_image(self, image: ImageRow) -> None:
        """Record an image as the newest of its name in its zone; one that was pushed stays so."""
        ...

    def images(self, zone: str | None = None, name: str | None = None) -> list[ImageRow]:
        """Recorded images, newest first."""
        ...

    # Looking at jobs

    def entry(self, id: str) -> Entry | None: ...

    def several(self, ids: Collection[str]) -> dict[str, Entry]:
        """Submissions by id; one that does not exist is left out."""
        ...

    def find(self, text: str, limit: int) -> list[Entry]:
        """Submissions whose id starts with `text`, or whose cloud name is `text`."""
        ...

    def entries(self, wanted: Filter, limit: int | None) -> list[Entry]:
        """Submissions, newest first."""
        ...

    def count(self, wanted: Filter, limit: int | None = None) -> int:
        """How many there are; counting stops at `limit`."""
        ...

    def events(self, id: str) -> list[Event]: ...

    def first_events(self, ids: Collection[str], kind: str) -> dict[str, Event]:
        """The first event of a kind of each of many submissions; one without is left out."""
        ...

    def events_of(self, ids: Collection[str], kind: str) -> dict[str, list[Event]]:
        """The events of a kind of many submissions, in their order; one without is left out."""
        ...

    def waiting(self, queue: str | None, limit: int | None = None) -> list[Entry]:
        """Queued submissions in the order in which they go, ageing aside: priority, time of submission, id."""
        ...

    def waiting_again(self) -> list[Entry]:
        """Queued spot submissions that were sent before: interrupted, or refused. Any order."""
        ...

    def place(self, entry: Entry, now: str, ageing: int | None = None) -> int:
        """How many wait in its queue ahead of a queued submission, whether they may go now or not."""
        ...

    def ahead(self, entry: Entry, limit: int, now: str, ageing: int | None = None) -> list[Entry]:
        """The first of those, in the order in which they go."""
        ...

    def overdue(self, now: str) -> list[Entry]:
        """Queued submissions that may not wait any longer (`queue_until`). Any order."""
        ...

    def withdrawn(self) -> list[Entry]:
        """Queued submissions that were cancelled while they were on their way, and came back. Any order."""
        ...

    def rivals(self, entry: Entry) -> int:
        """How many other submissions are active in its zone, on whichever hardware."""
        ...

    def left(self, entry: Entry, since: str) -> set[tuple[str, str, int]]:
        """The targets (zone, hardware, spot) in its zone that others have left since a moment: they ended, or an
        attempt did after which they wait again. A job that was submitted long before it ended may be missed."""
        ...

    def waiting_queues(self) -> list[str]:
        """The names of the queues in which somebody waits."""
        ...

    def loads(self) -> dict[str, Load]:
        """What waits and runs in each queue that has either, by name."""
        ...

    def active(self, queues: Collection[str] | None = None) -> list[Entry]:
        """Submissions that may exist on a cloud now, of some queues or of all."""
        ...

    # Changing jobs

    def add(self, entry: Entry, event: Event) -> None:
        """Record a new submission, and its labels. Raises LedgerError when the id is taken, and UsageError when
        another one, which has not ended, goes on with the same checkpoints."""
        ...

    def head(
        self,
        queue: str,
        *,
        now: str,
        takes: Collection[str] = (),
        skip: Collection[str] = (),
        ageing: int | None = None,
        host: str | None = None,
    ) -> Entry | None:
        """Who would be claimed next, caps and pauses aside; the arguments are those of `claim`."""
        ...

    def claim(
        self,
        queue: str,
        *,
        lease: Lease,
        now: str,
        caps: Caps,
        takes: Collection[str] = (),
        skip: Collection[str] = (),
        ageing: int | None = None,
        host: str | None = None,
    ) -> Entry | None:
        """Turn the first submission of a queue that may go into `submitting`, and give its caller the lease.

        First by priority, time of submission, id; with `ageing`, every so many seconds of waiting make it one
        priority more urgent, but never critical. It may go when it is not cancelled and due, its target is not
        held back, its job type is in `takes` (empty: any), its id not in `skip` (what the caller cannot send), and
        it came from `host`, if one is given. None when there is none, when the queue is paused, or when the
        first does not fit the caps: nobody overtakes it. Where the first of all is of another job type than those
        taken, room is kept for it. Its cloud name is `<slug>-<id>-<attempt>`; the digest of
        its request is recorded by `change` before it is sent.
        """
        ...

    def take_over(self, entry: Entry, lease: Lease, now: str, *, dead: bool) -> Entry | None:
        """Take the lease of a `submitting` entry that ran out, or whose owner is known to be `dead`."""
        ...

    def change(
        self,
        id: str,
        columns: Mapping[str, object],
        event: Event | None = None,
        *,
        token: str | None = None,
        state: str | None = None,
        attempt: int | None = None,
    ) -> bool:
        """Update a submission that has not ended, and add the event; False when nothing changed.

        With `token`, only while that lease still holds; with `state`, only while it is in that state; with
        `attempt`, only while it is at that one.
        """
        ...

    def reprioritise(self, id: str, priority: int, event: Event) -> bool:
        """Give a submission another priority while it waits; False when it no longer does."""
        ...

    def seen(self, ids: Collection[str], now: str) -> None:
        """Note that the cloud was asked about many jobs and has nothing new: one transaction for all of them."""
        ...

    def unseen(self, ids: Collection[str], error: str, now: str) -> None:
        """Note why the cloud could not be asked about many jobs, which is no state: one transaction."""
        ...

    # Who is at work

    def turn(
        self, name: str, lease: Lease, now: str, alive: Callable[[str], bool | None] = lambda owner: None
    ) -> bool:
        """Whether the caller holds the turn of this name now: it was free, its own, run out, or its owner is gone.

        A turn is its owner's, whatever the token. `alive` is as of dispatcher.scheduling.process.
        """
        ...

    def turns(self) -> list[Turn]: ...

    def leave(self, owner: str) -> None:
        """Give back every turn of an owner."""
        ...

    def yield_turn(self, name: str, owner: str) -> None:
        """Give back one turn of an owner."""
        ...

    def check_in(self, agent: AgentRow, *, stale: str, dead: Collection[str] = ()) -> bool:
        """Record an agent, or that it is still there.

        False when another one has its name, was seen after `stale`, and its owner is not among the `dead`.
        """
        ...

    def agents(self) -> list[AgentRow]:
        """Agents that have not checked out, by name."""
        ...

    def check_out(self, name: str, token: str) -> None:
        """Take an agent off the list, unless another one has its name by now."""
        ...

    # Sweeps

    def add_sweep(self, sweep: SweepRow) -> None:
        """Record a new sweep. Raises LedgerError when the id is taken."""
        ...

    def sweep(self, id: str) -> SweepRow | None: ...

    def sweeps(self, states: Collection[str] | None = None) -> list[SweepRow]:
        """Sweeps in some states, or all, newest first."""
        ...

    def change_sweep(self, id: str, columns: Mapping[str, object], *, state: str | None = None) -> bool:
        """Update a sweep, with `state` only while it is in that state; False when nothing changed."""
        ...

    def trials(self, sweep: str) -> list[Entry]:
        """The submissions of a sweep, by their number."""
        ...

    def record_metrics(self, metrics: Sequence[MetricRow]) -> None:
        """Keep what jobs reported, in place of what they reported under the same name before."""
        ...

    def metrics(self, ids: Collection[str]) -> list[MetricRow]:
        """What these submissions reported, by submission and name."""
        ...
