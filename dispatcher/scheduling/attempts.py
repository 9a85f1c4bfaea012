"""One attempt after the other: when one is to be stopped, and how a submission goes back into its queue."""

from __future__ import annotations

import json
from collections.abc import Collection

from dispatcher.backends.base import Observation, State
from dispatcher.clock import moment, stamp
from dispatcher.ledger import Entry, Event
from dispatcher.scheduling import ending, interruptions, overstaying
from dispatcher.scheduling.interruptions import Again, Over
from dispatcher.scheduling.work import RELEASED, Report, Work
from dispatcher.sites import attempt, job_of

OF_AN_ATTEMPT = (
    "cloud_name", "provider_id", "request_digest", "vendor_state", "cause", "links", "last_seen_at",
    "last_error", "last_error_at", "not_before", "stop_reason", "preempted_by",
)  # fmt: skip
"""Columns of an entry that say something of one attempt only."""

_PRICE = ("unit_price", "currency", "price_source", "price_as_of")
_KINDS = {"interruption": "interrupted", "preemption": "preempted", "retry": "retried"}


def again(work: Work, entry: Entry, seen: Observation, step: Again, interrupted: int) -> None:
    """Put a submission back into the queue for its next attempt, which keeps its place there.

    `interrupted` is how often it has lost its machines by now.
    """
    billed, now = entry.billed_before + (seen.billable_seconds or 0), work.clock()
    columns: dict[str, object] = {
        "state": State.QUEUED.value,
        "attempt": entry.attempt + 1,
        "spot": int(step.spot),
        "interruptions": interrupted,
        "interruptions_before": interrupted,
        "billable_seconds": billed,
        "billed_before": billed,
        "reason": step.why,
        **dict.fromkeys(OF_AN_ATTEMPT),
        "queued_at": stamp(now),
        "queue_until": overstaying.until(now, entry.max_queue_time),
        **RELEASED,
    }
    for name in ("created_at", "started_at"):
        if getattr(entry, name) is None:
            columns[name] = getattr(seen, name)
    told: dict[str, object] = {"reason": step.why, "billed": billed}
    if step.by == "preemption":
        columns["preemptions"] = entry.preemptions + 1
        told["by"] = entry.preempted_by
    elif step.by == "retry":
        not_before = stamp(now + ending.pause(entry.retries))
        columns |= {"retries": entry.retries + 1, "billed_at_retry": billed, "not_before": not_before}
        told["not_before"] = not_before
    else:
        told["next"] = "spot" if step.spot else "on demand"
    if entry.spot and not step.spot:
        # What was paid until now; what the rest costs is not known here, and none is better than a wrong one.
        told |= {name: getattr(entry, name) for name in _PRICE}
        columns |= dict.fromkeys(_PRICE)
    event = work.event(entry, _KINDS[step.by], vendor_state=seen.vendor_state, **told)
    work.ledger.change(entry.id, columns, event, state=entry.state, attempt=entry.attempt)


def to_stop(work: Work, entry: Entry) -> Entry:
    """Note why an attempt that waits, runs or loses its machines too much is to be stopped.

    Returns the submission as it stands then, or `entry` when this attempt is over.
    """
    if not _suspect(entry, work.clock()) or not work.sure():
        return entry
    fresh = work.ledger.entry(entry.id) or entry
    if fresh.final or fresh.attempt != entry.attempt:
        return entry
    why = None if fresh.stop_reason or fresh.cancel_requested_at or fresh.preempted_by else _too_much(work, fresh)
    if why is None:
        return fresh
    kind = "out of time" if why.endswith((overstaying.QUEUE_TIME, overstaying.RUNTIME)) else "giving up on spot"
    event = work.event(fresh, kind, reason=why)
    work.ledger.change(fresh.id, {"stop_reason": why}, event, attempt=fresh.attempt)
    return work.ledger.entry(entry.id) or entry


def _suspect(entry: Entry, now: float) -> bool:
    """Whether it is worth reading what happened to an entry: of many live jobs, that is hardly ever so."""
    if entry.spot:
        job = job_of(entry)
        age = now - moment(entry.submitted_at)
        late = job.max_wait is not None and age >= job.max_wait + interruptions.MARGIN
        if late or job.max_interruptions is not None:
            return True
    if entry.state == State.PENDING and overstaying.waited_too_long(entry, now):
        return True
    return overstaying.may_run_too_long(entry, now)


def _too_much(work: Work, entry: Entry) -> str | None:
    now = work.clock()
    began = _began(work, entry)
    if entry.state == State.PENDING and began is None and (why := overstaying.waited_too_long(entry, now)):
        return why
    if (
        began is not None
        and overstaying.may_run_too_long(entry, now)
        and (why := overstaying.runs_too_long(entry, began, now))
    ):
        return why
    return interruptions.to_stop(entry, job_of(entry), waited(work, entry)) if entry.spot else None


def judge_waiting(work: Work, queues: Collection[str] | None, report: Report) -> None:
    """End what has waited in a queue for too long; a spot job may be allowed to go on demand instead."""
    if not work.sure():
        return
    now = work.clock()
    for entry in work.ledger.overdue(stamp(now)):
        if queues is None or entry.queue in queues:
            _time_out(work, entry, report)
    for entry in work.ledger.waiting_again():
        if queues is not None and entry.queue not in queues:
            continue
        job = job_of(entry)
        if job.max_wait is None or now - moment(entry.submitted_at) < job.max_wait:
            continue
        step = interruptions.waited_out(entry, job, waited(work, entry))
        if isinstance(step, Over):
            work.end(entry, step.state, step.why, report, cause=step.cause)
        elif step is not None:
            prices = {name: getattr(entry, name) for name in _PRICE}
            event = work.event(entry, "giving up on spot", reason=step.why, next="on demand", **prices)
            columns = {"spot": 0, "reason": step.why, "not_before": None, **dict.fromkeys(_PRICE)}
            work.ledger.change(entry.id, columns, event, state=State.QUEUED, attempt=entry.attempt)


def _time_out(work: Work, entry: Entry, report: Report) -> None:
    """End a submission that has waited for as long as it may; its next attempt never was on a cloud."""
    why = overstaying.waited_too_long(entry, work.clock())
    if why is None or entry.cancel_requested_at:
        return
    if entry.last_error:
        why = f"{why}; {entry.last_error}"
    # The ledger wants a name of whatever did not fail, and this one is nobody else's for ever.
    named = {"cloud_name": entry.cloud_name or attempt(entry).name}
    work.end(entry, State.TIMED_OUT, why, report, more=named)


def waited(work: Work, entry: Entry) -> float:
    """Seconds since the first attempt of a submission was sent."""
    first = work.ledger.first_events([entry.id], "claimed").get(entry.id)
    return work.clock() - moment(first.at if first else entry.submitted_at)


def ran_out(work: Work, entry: Entry, seen: Observation) -> bool:
    """Whether a job that was cancelled out of our sight had been running for its limit, as far as we know."""
    asked = entry.cancel_requested_at or entry.stop_reason or entry.preempted_by
    if not seen.times_unknown or seen.state is not State.CANCELLED or asked:
        return False
    since, limit = _began(work, entry), interruptions.run_left(entry)
    return since is not None and 0 < limit <= work.clock() - moment(since)


def _began(work: Work, entry: Entry) -> str | None:
    """When the present attempt was first seen running; None when it never was."""
    return next((event.at for event in work.ledger.events(entry.id) if _running(event, entry.attempt)), None)


def _running(event: Event, attempt: int) -> bool:
    return event.kind == State.RUNNING.value and json.loads(event.data).get("attempt") == attempt
