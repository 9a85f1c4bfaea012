"""The ledger: every submission with its events, behind one small interface that any SQL store can fill."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dispatcher.ledger.rows import Entry, Event, ImageRow, QueueRow, Target, ZoneRow

__all__ = [
    "Caps",
    "Entry",
    "Event",
    "Filter",
    "ImageRow",
    "Lease",
    "Ledger",
    "Load",
    "QueueRow",
    "Target",
    "ZoneRow",
]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to submit one job until a moment: a change made with a stale token changes nothing."""

    token: str
    owner: str
    until: str


@dataclass(frozen=True, slots=True)
class Caps:
    """How many jobs and nodes of a queue may be active at once; None is no cap."""

    running: int | None = None
    nodes: int | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What a queue holds: jobs that wait, since when the oldest does, jobs that are active, and their nodes."""

    waiting: int = 0
    since: str | None = None
    running: int = 0
    nodes: int = 0


@dataclass(frozen=True, slots=True)
class Filter:
    """Which submissions to list; None does not filter."""

    queue: str | None = None
    states: Collection[str] | None = None
    who: str | None = None
    since: str | None = None


class Ledger(Protocol):
    """What the dispatcher needs of a ledger. Methods raise LedgerError (read-only, full, newer schema) and
    UnreachableError (locked, not answering); each change is one transaction, durable when the method returns."""

    @property
    def name(self) -> str:
        """The ledger as the user knows it: a path or an address without credentials."""
        ...

    @property
    def shareable(self) -> bool:
        """True when several machines can use it at once."""
        ...

    def close(self) -> None: ...

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

    def add(self, entry: Entry, event: Event) -> None:
        """Record a new submission. Raises LedgerError when the id is taken."""
        ...

    def entry(self, id: str) -> Entry | None: ...

    def find(self, text: str, limit: int) -> list[Entry]:
        """Submissions whose id starts with `text`, or whose cloud name is `text`."""
        ...

    def entries(self, wanted: Filter, limit: int | None) -> list[Entry]:
        """Submissions, newest first."""
        ...

    def count(self, wanted: Filter) -> int: ...

    def waiting(self, queue: str | None, limit: int | None = None) -> list[Entry]:
        """Queued submissions in the order in which they go: priority, time of submission, id."""
        ...

    def waiting_again(self) -> list[Entry]:
        """Queued spot submissions that were sent before: interrupted, or refused. Any order."""
        ...

    def loads(self) -> dict[str, Load]:
        """What waits and runs in each queue that has either, by name."""
        ...

    def active(self) -> list[Entry]:
        """Submissions that may exist on a cloud now."""
        ...

    def claim(
        self,
        entry: Entry,
        *,
        cloud_name: str,
        request_digest: str,
        lease: Lease,
        now: str,
        caps: Caps,
        passed: Collection[str],
    ) -> Entry | None:
        """Turn a queued submission into `submitting`, if it is still first in its queue and fits the caps.

        `passed` are ids ahead of it that cannot go now (their target holds back). None when it may not go:
        someone else took it, it was cancelled, the queue is paused or full, or a better one came in.
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

    def events(self, id: str) -> list[Event]: ...

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
