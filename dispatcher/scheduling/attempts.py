"""One attempt after the other: when one is to be stopped, and how a submission goes back into its queue."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import replace

from dispatcher.backends.base import Observation, State
from dispatcher.clock import moment, stamp
from dispatcher.ledger import Entry, Event
from dispatcher.scheduling import absences, ending, interruptions, overstaying
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
        # Its pause is ours and no part of its wait: else a short one would end it before it may go.
        columns["queue_until"] = overstaying.until(moment(not_before), entry.max_queue_time)
        told["not_before"] = not_before
    else:
        told["next"] = "spot" if step.spot else "on demand"
    if entry.spot and not step.spot:
        # What was paid until now; what the rest costs is not known here, and none is better than a wrong one.
        told |= {name: getattr(entry, name) for name in _PRICE}
        columns |= dict.fromkeys(_PRICE)
    event = work.event(entry, _KINDS[step.by], vendor_state=seen.vendor_state, **told)
    work.ledger.change(entry.id, columns, event, state=entry.state, attempt=entry.attempt)


def to_stop(work: Work, shown: Iterable[tuple[Entry, Observation]]) -> dict[str, Entry]:
    """Note why attempts that wait, run or lose their machines too much are to be stopped.

    `shown` are those that their cloud has just said to go on. Returns those that were looked at closely, by id, as
    they stand then: a few queries, however many they are.
    """
    now = work.clock()
    ids = {entry.id: entry.attempt for entry, seen in shown if _suspect(entry, seen, now)}
    if not ids or not work.sure():
        return {}
    found = work.ledger.several(ids)
    looked = {id: entry for id, entry in found.items() if _under_way(entry) and entry.attempt == ids[id]}
    ran, sent = work.ledger.events_of(ids, State.RUNNING.value), work.ledger.first_events(ids, "claimed")
    for id, entry in looked.items():
        if entry.stop_reason or entry.cancel_requested_at or entry.preempted_by:
            continue
        began = _first_of(ran.get(id, []), entry.attempt)
        first = sent.get(id)
        age = now - moment(first.at if first else entry.submitted_at)
        if why := _too_much(entry, began, age, now):
            looked[id] = _stopped(work, entry, why)
    return looked


def _under_way(entry: Entry) -> bool:
    return not entry.final and entry.state != State.QUEUED


def _stopped(work: Work, entry: Entry, why: str) -> Entry:
    kind = "out of time" if why.endswith((overstaying.QUEUE_TIME, overstaying.RUNTIME)) else "giving up on spot"
    event = work.event(entry, kind, reason=why)
    noted = work.ledger.change(entry.id, {"stop_reason": why}, event, state=entry.state, attempt=entry.attempt)
    return replace(entry, stop_reason=why) if noted else entry


def _suspect(entry: Entry, seen: Observation, now: float) -> bool:
    """Whether it is worth reading what happened to an entry: of many live jobs, that is hardly ever so."""
    if entry.stop_reason or entry.cancel_requested_at or entry.preempted_by:
        return False
    if entry.spot:
        job = job_of(entry)
        late = job.max_wait is not None and now - moment(entry.submitted_at) >= job.max_wait + interruptions.MARGIN
        allowed = job.max_interruptions
        if late or (allowed is not None and interruptions.counted(entry, seen) > allowed):
            return True
    if overstaying.waited_too_long(entry, now) and State.PENDING in (entry.state, seen.state):
        return True
    return overstaying.may_run_too_long(entry, now)


def _too_much(entry: Entry, began: str | None, age: float, now: float) -> str | None:
    """Why an attempt is to be stopped that began to run then; the first was sent `age` seconds ago."""
    if entry.state == State.PENDING and began is None and (why := overstaying.waited_too_long(entry, now)):
        return why
    if (
        began is not None
        and overstaying.may_run_too_long(entry, now)
        and (why := overstaying.runs_too_long(entry, began, now))
    ):
        return why
    return interruptions.to_stop(entry, job_of(entry), age) if entry.spot else None


def judge_waiting(work: Work, queues: Collection[str] | None, report: Report) -> None:
    """End what has waited in a queue for too long; a spot job may be allowed to go on demand instead.

    Time in which nobody ran the queue is not counted (dispatcher.scheduling.absences).
    """
    now = work.clock()
    if not work.sure():
        return
    absences.excuse(work, queues)
    for entry in work.ledger.overdue(stamp(now)):
        if (queues is None or entry.queue in queues) and absences.sends(work, entry):
            _time_out(work, entry.id, report)
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


def _time_out(work: Work, id: str, report: Report) -> None:
    """End a submission that has waited for as long as it may; its next attempt never was on a cloud."""
    entry = work.ledger.entry(id)  # it may have gone out and come back since it was found
    why = None if entry is None else overstaying.waited_too_long(entry, work.clock())
    if entry is None or why is None or entry.state != State.QUEUED or entry.cancel_requested_at:
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
    ran = work.ledger.events_of([entry.id], State.RUNNING.value)
    return _first_of(ran.get(entry.id, []), entry.attempt)


def _first_of(events: Iterable[Event], attempt: int) -> str | None:
    return next((event.at for event in events if json.loads(event.data).get("attempt") == attempt), None)
