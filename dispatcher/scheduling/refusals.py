"""No capacity, or a quota that is used up: whether a job can ever go, and how long its hardware is held back."""

from __future__ import annotations

import re

from dispatcher.clock import stamp
from dispatcher.errors import CapacityError, DispatchError, QuotaError
from dispatcher.ledger import Entry, Target
from dispatcher.scheduling.work import Work, target

BACKOFF = (30.0, 900.0)
"""First and longest pause, in seconds, of a target that had no room; it doubles in between."""

GIVEN_BACK = 900.0
"""Seconds after the end of a job in which its cloud may count it still: quotas come back minutes later."""

_ZERO = re.compile(r"\b(?:is|limit\W{0,3}(?:of|is)?) ?0(?:\.0)?(?![\d.])", re.IGNORECASE)
"""A limit of nothing, as in SageMaker's "service limit '...' is 0 Instances". A cloud that words it otherwise only
keeps the job waiting for as long as others of ours are there."""


def hopeless(work: Work, entry: Entry, error: DispatchError) -> bool:
    """Whether no end of a job of ours can free what a job was refused for.

    Other hardware counts too, for a quota may be of a whole family, and so does what has just ended.
    """
    if not isinstance(error, QuotaError):
        return False
    if _ZERO.search(error.message):
        return True
    return not work.ledger.rivals(entry) and not work.ledger.left(entry, _lately(work))


def hold_back(work: Work, entry: Entry, error: DispatchError) -> None:
    """Leave the hardware of a refused job alone for a while, which grows.

    A quota that one on the same hardware is about to give back is no shortage: that pause is the first one always.
    """
    if not isinstance(error, CapacityError | QuotaError):
        return
    kept = _of(work, entry)
    failures = kept.failures if kept else 0
    if isinstance(error, CapacityError) or target(entry) not in work.ledger.left(entry, _lately(work)):
        failures += 1
    pause = min(BACKOFF[0] * 2 ** min(max(failures - 1, 0), 10), BACKOFF[1])
    until = stamp(work.clock() + pause)
    work.ledger.hold_back(Target(*target(entry), failures, until, error.message))


def release(work: Work, entry: Entry) -> None:
    """There was room for a job: its hardware has no pause any more."""
    if _of(work, entry):
        work.ledger.release(*target(entry))


def _of(work: Work, entry: Entry) -> Target | None:
    same = (t for t in work.ledger.targets() if (t.zone, t.hardware, t.spot) == target(entry))
    return next(same, None)


def _lately(work: Work) -> str:
    return stamp(work.clock() - GIVEN_BACK)
