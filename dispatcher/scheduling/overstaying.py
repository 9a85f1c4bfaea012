"""How long a job may wait and run: bounds that no cloud keeps, or not every cloud, kept by the dispatcher."""

from __future__ import annotations

from dispatcher.backends.base import State
from dispatcher.clock import moment, stamp
from dispatcher.documents.quantities import human_duration
from dispatcher.ledger import Entry
from dispatcher.scheduling.interruptions import MARGIN, run_left

QUEUE_TIME, RUNTIME = "(max_queue_time)", "(max_runtime)"
"""How the reason ends for which an attempt is stopped: with the key of the job that says so."""


def until(now: float, max_queue_time: int | None) -> str | None:
    """The moment until which a submission may wait that comes into the queue now, or comes back to it."""
    return None if max_queue_time is None else stamp(now + max_queue_time)


def waited_too_long(entry: Entry, now: float) -> str | None:
    """Return why a job that waits, here or on its cloud, is to end; None while it may wait."""
    if entry.queue_until is None or now < moment(entry.queue_until):
        return None
    allowed = human_duration(entry.max_queue_time or 0)
    return f"it waited {allowed} in the queue and on its cloud without running {QUEUE_TIME}"


def may_run_too_long(entry: Entry, now: float) -> bool:
    """Whether the attempt was sent so long ago that it may have run for longer than it may.

    A spot job that lost its machines in this attempt waits as part of it: `max_wait` bounds that one.
    """
    lost = entry.interruptions > entry.interruptions_before
    if entry.state != State.RUNNING or entry.claimed_at is None or lost:
        return False
    return now - moment(entry.claimed_at) >= run_left(entry) + MARGIN


def runs_too_long(entry: Entry, since: str, now: float) -> str | None:
    """Return why a job that has been seen running since then is to be stopped; None while its cloud may do it."""
    if now - moment(since) < run_left(entry) + MARGIN:
        return None
    return f"it ran for longer than {human_duration(run_left(entry))}, and its cloud did not end it {RUNTIME}"


def stopped(entry: Entry) -> bool:
    """Whether it was stopped for waiting or running too long, and for nothing else."""
    return entry.stop_reason is not None and entry.stop_reason.endswith((QUEUE_TIME, RUNTIME))


def ran_too_long(entry: Entry) -> bool:
    """Whether it was stopped for running too long."""
    return entry.stop_reason is not None and entry.stop_reason.endswith(RUNTIME)
