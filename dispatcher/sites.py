"""Queues and zones as the ledger holds them, and the opened cloud behind each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dispatcher import records
from dispatcher.clock import moment
from dispatcher.code import keeping
from dispatcher.errors import NotFoundError, UsageError
from dispatcher.job import RUNTIME_DEFAULT, Job
from dispatcher.ledger import Caps, Entry, Ledger, QueueRow, ZoneRow
from dispatcher.ledger.rows import LOCAL as LOCAL
from dispatcher.queue import THIS_MACHINE, Queue
from dispatcher.scheduling import interruptions
from dispatcher.scheduling.silence import Silence
from dispatcher.scheduling.work import YOUNG, Site

if TYPE_CHECKING:
    from dispatcher.backends.base import Backend, Request, Submission
    from dispatcher.contract import Zone
    from dispatcher.documents.changes import Defaults


@dataclass(frozen=True, slots=True)
class Line:
    """A queue with the zone behind it; both rows are None for the built-in queue `local`."""

    queue: Queue
    row: QueueRow | None
    zone: ZoneRow | None

    @property
    def cloud(self) -> str:
        """The cloud behind the queue; `local` for this machine."""
        return self.zone.cloud if self.zone else LOCAL

    def contract(self) -> Zone | None:
        """The zone's contract, typed; None for this machine."""
        from dispatcher import contract

        return contract.trusted(json.loads(self.zone.document)) if self.zone else None

    def defaults(self) -> Defaults:
        """What the queue fills in where a job file says nothing; the usual run time is cut to what is allowed."""
        from dispatcher.documents.changes import Defaults

        queue, zone = self.queue, self.contract()
        caps = (queue.max_runtime, zone.limits.max_runtime if zone else None)
        shortest = min([RUNTIME_DEFAULT, *(cap for cap in caps if cap is not None)])
        word = queue.priority.word if queue.priority is not None else None
        return Defaults(queue.image, word, queue.nodes, shortest, queue.runtime)


def line(ledger: Ledger, name: str | None) -> Line:
    """The queue of this name; without a name, the only one there is.

    Raises NotFoundError, or UsageError when there are several, naming those known.
    """
    rows = {row.name: row for row in ledger.queues()}
    if name is None:
        open_rows = [row for row in rows.values() if not row.retired]
        if len(open_rows) != 1:
            known = ", ".join(row.name for row in open_rows)
            if known:
                raise UsageError(
                    "there is more than one queue: say which", f"-q or DISPATCH_QUEUE with one of {known}, local"
                )
            raise NotFoundError("there is no queue yet", "run `dispatch sync` after `pulumi up`, or use -q local")
        name = open_rows[0].name
    if name == LOCAL:
        return Line(THIS_MACHINE, None, None)
    if name not in rows:
        from dispatcher.documents.reading import did_you_mean

        if not rows:
            raise NotFoundError(
                f"there is no queue {name}: nothing has been synced into this ledger",
                "run `dispatch sync` after `pulumi up`, or use -q local",
            )
        raise NotFoundError(f"there is no queue {name}", did_you_mean(name, [*rows, LOCAL]))
    row = rows[name]
    zone = next((zone for zone in ledger.zones() if zone.name == row.zone), None)
    if zone is None:
        raise NotFoundError(f"queue {name} names zone {row.zone}, which is gone", "run `dispatch sync`")
    return Line(records.rebuild(Queue, json.loads(row.document)), row, zone)


@dataclass(slots=True)
class Sites:
    """Opens each cloud once, when it is first needed, and anew when a sync has changed its zone.

    `open_backend` is dispatcher.backends.open_backend. `place` holds the jobs of this machine, `archives` the code
    of jobs that were submitted here.
    """

    ledger: Ledger
    user: str
    place: Path
    archives: Path
    open_backend: Callable[..., Backend]
    _backends: dict[tuple[str, str, str], Backend] = field(default_factory=dict)
    _staged: set[tuple[str, str]] = field(default_factory=set)
    _elsewhere: dict[str, float] = field(default_factory=dict)
    _silence: Silence = field(default_factory=Silence)

    def backend(self, found: Line) -> Backend:
        """The cloud behind a queue. Raises UsageError when its package is not installed."""
        row = found.zone
        key = (found.queue.zone, found.queue.identity, row.document if row else "")
        if key not in self._backends:
            zone = found.contract()
            self._backends[key] = self.open_backend(
                zone,
                identity=found.queue.identity,
                user=self.user,
                place=self.place,
                environment=row.environment if row else "",
                regime=row.regime if row else "none",
            )
        return self._backends[key]

    def line(self, entry: Entry) -> Line:
        """The queue of a submission, or what stands in for it when a sync has removed it since."""
        try:
            return line(self.ledger, entry.queue)
        except NotFoundError:
            zone = next((zone for zone in self.ledger.zones() if zone.name == entry.zone), None)
            if zone is None:
                raise
            return Line(Queue(name=entry.queue, zone=zone.name), None, zone)

    def site(self, entry: Entry) -> Site:
        """What a tick needs to submit this entry."""
        found = self.line(entry)
        backend = self.backend(found)

        def render(entry: Entry, submission: Submission) -> Request:
            job = interruptions.of_attempt(job_of(entry), entry)
            return backend.render(job, found.queue, submission)

        def stage(request: Request) -> None:
            for upload in request.uploads:
                # Once for an attempt: a job may be looked at many times before there is room for it.
                if (request.name, upload.uri) not in self._staged:
                    backend.stage(upload, keeping.place(self.archives, upload.sha256))
                    self._staged.add((request.name, upload.uri))

        caps = Caps(found.queue.max_running, found.queue.max_nodes)
        ageing = found.queue.ageing
        return Site(backend, render, caps, _updated(found), stage, ageing, self._elsewhere, self._silence)

    def young(self, entry: Entry, now: float) -> bool:
        """Whether the zone of this entry was changed so lately that a grant may not have spread yet."""
        return now - _updated(self.line(entry)) < YOUNG


def attempt(entry: Entry) -> Submission:
    """The present attempt of a submission, as backends know it."""
    from dispatcher.backends.base import Submission

    return Submission(entry.id, entry.attempt, entry.slug, entry.checkpoints_of or "")


def job_of(entry: Entry) -> Job:
    """The job of a submission, as it was checked when it came in."""
    job: Job = records.rebuild(Job, json.loads(entry.job))
    return job


def _updated(found: Line) -> float:
    try:
        return moment(found.zone.updated_at) if found.zone else 0.0
    except ValueError:
        return 0.0
