"""What tests of ledgers begin with: moments, queued jobs, queues, and a claim in a word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dispatcher.ledger import Caps, Entry, Event, Lease, Ledger, QueueRow, ZoneRow

Open = Callable[[], Ledger]
NOW, LATER, MUCH_LATER = "2026-11-21T08:00:00.000Z", "2026-11-21T08:05:00.000Z", "2026-11-21T09:00:00.000Z"
LEASE = Lease("token-1", "ada@here#1", LATER)
ANY = Caps()


def entry(id: str, **columns: Any) -> Entry:
    """A queued submission."""
    given: dict[str, Any] = {"queue": "line", "zone": "z", "cloud": "aws", "region": "r", "slug": "s"}
    given |= {"state": "queued", "priority": 2, "attempt": 1, "submitted_at": NOW, "who": "ada", "host": "here"}
    given |= {"job": "{}", "job_digest": "d", "nodes": 1, "hardware": "h", **columns}
    return Entry(id=id, **given)


def add(ledger: Ledger, *entries: Entry) -> None:
    for one in entries:
        ledger.add(one, Event(one.id, NOW, "queued", "ada"))


def sync(ledger: Ledger, queues: Sequence[str]) -> None:
    """Make these the queues of a ledger, all of one zone."""
    zone = ZoneRow("z", "aws", "r", "dev", "none", "stack", 1, NOW, NOW, "{}")
    ledger.synchronise([zone], [QueueRow(name, "z", "{}", NOW) for name in queues], "dev")


def claim(
    ledger: Ledger, queue: str = "line", lease: Lease = LEASE, caps: Caps = ANY, now: str = NOW, **more: Any
) -> str | None:
    """The id of the job that was claimed from a queue."""
    claimed = ledger.claim(queue, lease=lease, now=now, caps=caps, **more)
    return claimed.id if claimed is not None else None
