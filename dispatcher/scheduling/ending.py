"""What follows on the end of an attempt: another one, an end in our own words, or what the cloud says."""

from __future__ import annotations

from dispatcher.backends.base import CAPACITY, Observation, State
from dispatcher.job import Job
from dispatcher.ledger import Entry
from dispatcher.scheduling import interruptions, overstaying
from dispatcher.scheduling.interruptions import Again, Over

PAUSE = (10.0, 600.0)
"""First and longest pause, in seconds, before a failed attempt is tried again; it doubles in between."""


def after(entry: Entry, job: Job, seen: Observation, waited: float) -> Again | Over | None:
    """Return what follows on an observation; None when the cloud's word is what becomes of the submission.

    A cancel comes before everything, giving way to another job before an interruption, and a further try last.
    `waited` is how many seconds ago the first attempt was sent.
    """
    if seen.state is None or not seen.state.final:
        return None
    if not entry.cancel_requested_at:
        if entry.preempted_by and (seen.state is State.CANCELLED or interruptions.lost(seen)):
            return _after_preemption(entry, seen)
        if seen.state is State.CANCELLED and overstaying.stopped(entry):
            return _again(entry, job, Over(State.TIMED_OUT, str(entry.stop_reason)))
    step = interruptions.after(entry, job, seen, waited) if entry.spot else None
    return step or (None if entry.cancel_requested_at else _retried(entry, job, seen))


def pause(retries: int) -> float:
    """Seconds before the next try of a job that has been tried again so often."""
    return min(PAUSE[0] * 2.0 ** min(retries, 10), PAUSE[1])


def _after_preemption(entry: Entry, seen: Observation) -> Again | Over:
    if interruptions.left(entry, seen) <= 0:
        return interruptions.used_up(entry)
    return Again(bool(entry.spot), f"it gave way to {entry.preempted_by}", "preemption")


def _again(entry: Entry, job: Job, over: Over) -> Again | Over:
    """Try once more what we stopped because it ran for too long, when the job wants that."""
    if overstaying.ran_too_long(entry) and "timed_out" in job.retry_on and entry.retries < job.retries:
        return Again(bool(entry.spot), over.why, "retry")
    return over


def _retried(entry: Entry, job: Job, seen: Observation) -> Again | None:
    """Try once more what ended by a cause that the job names."""
    if entry.retries >= job.retries or _cause(seen) not in job.retry_on:
        return None
    return Again(bool(entry.spot), seen.reason or f"it has {seen.vendor_state}", "retry")


def _cause(seen: Observation) -> str:
    """What an attempt ended by, in the words of `retry_on`; empty when it is none of them.

    A time-out is one of running: who waited for as long as it may is not to wait again.
    """
    if seen.state is State.FAILED:
        return seen.cause
    waited = seen.created_at is not None and seen.started_at is None and not seen.times_unknown
    return "timed_out" if seen.state is State.TIMED_OUT and seen.cause != CAPACITY and not waited else ""
