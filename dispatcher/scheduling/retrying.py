"""Repeating a job that has ended: a new submission, which goes on with the checkpoints of the earlier one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from dispatcher.errors import UsageError
from dispatcher.job import Job, Priority
from dispatcher.ledger import Entry, Filter, Ledger, resuming
from dispatcher.ledger.rows import ACTIVE, QUEUED
from dispatcher.sites import LOCAL, job_of

if TYPE_CHECKING:
    from dispatcher.planning import Plan


def planned(ledger: Ledger, entry: Entry, plan: Callable[[Job, str], Plan], *, fresh: bool, host: str) -> Plan:
    """The plan of a retry of `entry`; its own row stays as it is. `host` is this machine.

    A job with checkpoints goes on with them, unless it is to begin `fresh`. Raises UsageError when it has not
    ended, has nothing left to do, or its checkpoints are out of reach or in use.
    """
    job = job_of(entry)
    if not entry.final:
        raise UsageError(
            f"job {entry.id} has not ended, it is {entry.state}",
            f"dispatch cancel {entry.id} ends it, dispatch wait {entry.id} waits for that",
        )
    if entry.state == "succeeded" and not fresh:
        raise UsageError(f"job {entry.id} succeeded: there is nothing left to do", "--fresh runs all of it again")
    job = replace(job, priority=Priority(entry.priority))  # which may have been set since it came in
    found = replace(plan(job, entry.queue), retry_of=entry.id)
    if fresh or not job.checkpoint:
        return found
    _check_reachable(entry, found.line.queue.zone, host)
    first = entry.checkpoints_of or entry.id
    for other in ledger.entries(Filter(queue=entry.queue, states=(QUEUED, *ACTIVE)), None):
        if other.checkpoints_of == first:
            # Early, for planning may ask a person; whoever comes meanwhile is met by `Ledger.add`.
            raise resuming.in_use(other.id, other.state, first)
    return replace(found, checkpoints_of=first)


def _check_reachable(entry: Entry, zone: str, host: str) -> None:
    if zone != entry.zone:
        raise UsageError(
            f"queue {entry.queue} leads to zone {zone} now, and the checkpoints of {entry.id} are in {entry.zone}",
            "--fresh begins without them",
        )
    if zone == LOCAL and entry.host != host:
        raise UsageError(
            f"job {entry.id} ran on {entry.host}, and its checkpoints are there", "--fresh begins without them"
        )
