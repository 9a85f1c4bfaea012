"""What a ledger is asked with, and answers with, beside its rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


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
    """Which submissions to list; None does not filter.

    `since` is the first moment of submission that is meant, `until` the first that no longer is. `after` is the
    `submitted_at` and `id` of the last one of a page before. `priority` is a number (dispatcher.job.Priority);
    all of `labels` have to be there.
    """

    queue: str | None = None
    states: Collection[str] | None = None
    who: str | None = None
    since: str | None = None
    until: str | None = None
    priority: int | None = None
    regime: str | None = None
    job_type: str | None = None
    sweep: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, str] | None = None
