"""What becomes of a spot job that lost its machines: another attempt on spot, the last one on demand, or its end.

SageMaker and Vertex AI start such a job again by themselves, and only tell when they give up; Azure ML ends it,
and the next attempt is ours. An attempt resumes from the checkpoint, which all attempts of a submission share.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from dispatcher.backends.base import CAPACITY, INTERRUPTED, Observation, State
from dispatcher.documents.quantities import human_duration
from dispatcher.job import Job
from dispatcher.ledger import Entry

RESTARTS = 6
"""How often an interrupted job is submitted anew unless it says otherwise. Our own choice: as many as Vertex AI is
said, but not documented, to allow."""

MARGIN = 120.0
"""Seconds behind `max_wait` after which the dispatcher stops a job: a cloud that does it itself comes first."""


@dataclass(frozen=True, slots=True)
class Again:
    """The attempt ended and another follows, on spot machines or not; `why` is for people, `by` what counts it."""

    spot: bool
    why: str
    by: Literal["interruption", "preemption", "retry"] = "interruption"


@dataclass(frozen=True, slots=True)
class Over:
    """The attempt ended and none follows: how the submission ends, and why; `cause` as of an Observation."""

    state: State
    why: str
    cause: str = ""


def of_attempt(job: Job, entry: Entry) -> Job:
    """Return the job as its present attempt runs it: for the time that is left, and perhaps on demand."""
    if run_left(entry) < entry.max_runtime:
        job = replace(job, max_runtime=max(1, run_left(entry)))
    if job.spot and not entry.spot:
        job = replace(job, spot=False, max_wait=None, max_interruptions=None, last_attempt_on_demand=False)
    return job


def run_left(entry: Entry) -> int:
    """Seconds that the present attempt may run: all of them together run for `max_runtime`, anew with each retry.

    Counted by what was billed, which is less than what ran where a cloud bills a spot job for less (SageMaker).
    """
    return entry.max_runtime - (entry.billed_before - entry.billed_at_retry)


def counted(entry: Entry, seen: Observation) -> int:
    """How often the submission has lost its machines, all attempts together.

    A spot job that ran and waits for machines again has lost some, whether its cloud counts that or not.
    """
    told = max(entry.interruptions, entry.interruptions_before + seen.interruptions)
    return told + (1 if lost(seen) or guessed(entry, seen) else 0)


def guessed(entry: Entry, seen: Observation) -> bool:
    """Whether only its waiting again says that a job lost its machines: so would a list that lags behind."""
    told = max(entry.interruptions, entry.interruptions_before + seen.interruptions)
    waits_again = entry.spot and entry.state == State.RUNNING and seen.state is State.PENDING
    return bool(waits_again) and told == entry.interruptions


def after(entry: Entry, job: Job, seen: Observation, waited: float) -> Again | Over | None:
    """Return what follows on the end of an attempt; None when its end is the submission's, as the cloud tells it.

    `waited` is how many seconds ago the first attempt was sent.
    """
    if entry.cancel_requested_at:
        return Over(State.CANCELLED, seen.reason) if lost(seen) else None
    if not entry.spot:
        return None
    stopped = entry.stop_reason is not None and seen.state is State.CANCELLED
    if lost(seen):
        return _after_interruption(entry, job, counted(entry, seen), seen, waited)
    if not stopped and seen.cause != CAPACITY:
        return None
    why = entry.stop_reason if stopped and entry.stop_reason else seen.reason
    if job.last_attempt_on_demand and left(entry, seen) > 0:
        return Again(spot=False, why=why)
    if not stopped:
        return None
    too_often = job.max_interruptions is not None and entry.interruptions > job.max_interruptions
    return Over(State.FAILED, why, INTERRUPTED) if too_often else Over(State.TIMED_OUT, why)


def _after_interruption(entry: Entry, job: Job, count: int, seen: Observation, waited: float) -> Again | Over:
    allowed = RESTARTS if job.max_interruptions is None else job.max_interruptions
    if left(entry, seen) <= 0:
        return used_up(entry)
    late = job.max_wait is not None and waited >= job.max_wait
    if not late and count <= allowed:
        return Again(spot=True, why=seen.reason)
    why = _waited(job, waited) if late else _too_often(count, allowed, said=job.max_interruptions is not None)
    if job.last_attempt_on_demand:
        return Again(spot=False, why=why)
    return Over(State.TIMED_OUT if late else State.FAILED, f"{why}; {seen.reason}", INTERRUPTED)


def to_stop(entry: Entry, job: Job, waited: float) -> str | None:
    """Return why the present attempt of a spot job is to be stopped; None when it may go on."""
    if not entry.spot or entry.cancel_requested_at or entry.stop_reason:
        return None
    if job.max_interruptions is not None and entry.interruptions > job.max_interruptions:
        return _too_often(entry.interruptions, job.max_interruptions, said=True)
    if job.max_wait is not None and waited >= job.max_wait + MARGIN:
        return _waited(job, waited)
    return None


def waited_out(entry: Entry, job: Job, waited: float) -> Again | Over | None:
    """Return what becomes of a spot job that waits in our queue for its next attempt; None while it may.

    No cloud bounds that wait, so there is no margin either. It has failed, and not timed out: what is next never
    was on a cloud.
    """
    if job.max_wait is None or waited < job.max_wait or entry.cancel_requested_at:
        return None
    why = _waited(job, waited)
    if job.last_attempt_on_demand and run_left(entry) > 0:
        return Again(spot=False, why=why)
    last = entry.last_error or entry.reason
    cause = INTERRUPTED if entry.interruptions else CAPACITY
    return Over(State.FAILED, f"{why}; {last}" if last else why, cause)


def lost(seen: Observation) -> bool:
    """Whether an attempt ended because its machines were taken."""
    return seen.state is State.FAILED and seen.cause == INTERRUPTED


def left(entry: Entry, seen: Observation) -> int:
    """Seconds that an attempt leaves to the next one."""
    return run_left(entry) - (seen.billable_seconds or 0)


def used_up(entry: Entry) -> Over:
    """The end of a job whose attempts leave nothing to another one."""
    return Over(State.TIMED_OUT, f"its attempts ran for {human_duration(entry.max_runtime)} (max_runtime)")


def _too_often(count: int, allowed: int, *, said: bool) -> str:
    times = "once" if count == 1 else f"{count} times"
    rule = "max_interruptions" if said else "where max_interruptions is not set"
    return f"it lost its machines {times}, allowed is {allowed} ({rule})"


def _waited(job: Job, waited: float) -> str:
    allowed = human_duration(job.max_wait or 0)
    return f"it waited and ran for {human_duration(waited)}, allowed is {allowed} (max_wait)"
