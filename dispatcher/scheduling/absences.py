"""Time in which nobody ran a queue: it does not end a job that nobody could have sent meanwhile."""

from __future__ import annotations

from collections.abc import Collection

from dispatcher.clock import moment, stamp
from dispatcher.ledger import Entry
from dispatcher.scheduling.work import Work
from dispatcher.sites import LOCAL

NOTED = 10.0
"""Seconds for which a note of who ran a queue is fresh enough; each is a transaction."""

SLACK = 30.0
"""Seconds between two rounds that nobody need be told of."""

COUNTED = (0.25, 900.0)
"""How much of the time between two rounds counts at most: as a part of `max_queue_time`, and in seconds. A queue
that is run now and then (`dispatch agent --once` in cron) so tries a job a few times, and ends it all the same."""


def excuse(work: Work, queues: Collection[str] | None) -> None:
    """Note that this process runs some queues, or all, and let who waited there while nobody did wait for longer.

    Two that come back at the same moment may both do the latter: nobody is ended too early by that.
    """
    now = work.clock()
    for queue in work.ledger.waiting_queues():
        if queues is not None and queue not in queues:
            continue
        notes = {note: _noted(work, note) for note in (_note(work, queue, kind) for kind in work.takes or ("",))}
        if any(at is None or now - at > SLACK for at in notes.values()):
            for entry in work.ledger.waiting(queue):
                if entry.queue_until is not None and sends(work, entry):
                    _wait_on(work, entry, now)
        for note, at in notes.items():
            if at is None or not 0 <= now - at < NOTED:
                work.ledger.remember(note, work.now())


def sends(work: Work, entry: Entry) -> bool:
    """Whether this process is one that sends such a job: of its type, and not of another machine alone."""
    elsewhere = entry.cloud == LOCAL and work.ledger.shareable and entry.host != work.host
    return not elsewhere and (not work.takes or entry.job_type in work.takes)


def _wait_on(work: Work, entry: Entry, now: float) -> None:
    """Move the end of a wait by the time that does not count."""
    begins = moment(entry.queued_at or entry.submitted_at)
    if entry.not_before:
        begins = max(begins, moment(entry.not_before))
    notes = {_note(work, entry.queue, kind) for kind in ("", entry.job_type or "")}
    last = max((at for note in notes if (at := _noted(work, note)) is not None), default=0.0)
    share, most = COUNTED
    gap = now - max(begins, last)
    uncounted = gap if last < begins else gap - min(share * (entry.max_queue_time or 0), most)
    if uncounted <= SLACK:
        return
    until = stamp(moment(str(entry.queue_until)) + uncounted)
    event = work.event(entry, "nobody ran its queue", seconds=round(uncounted), queue_until=until)
    work.ledger.change(entry.id, {"queue_until": until}, event, state=entry.state, attempt=entry.attempt)


def _note(work: Work, queue: str, kind: str) -> str:
    """Where it is noted when a queue was run last, by somebody who takes every type of job, or only this one."""
    place = f"{queue} of {work.host}" if queue == LOCAL else queue
    return f"ran {place} {kind}".rstrip()


def _noted(work: Work, note: str) -> float | None:
    at = work.ledger.meta(note)
    return None if at is None else moment(at)
