"""Whether anybody runs the queues: all that lists ask of scheduling, and light enough for them."""

from __future__ import annotations

from dispatcher.clock import moment
from dispatcher.documents.quantities import human_duration
from dispatcher.ledger import Ledger

IDLE = 300.0
"""Seconds without a tick after which waiting jobs are worth a warning."""


def stalled(ledger: Ledger, now: float) -> str | None:
    """A warning when jobs wait and nobody has run a tick for a while."""
    last = ledger.meta("last_tick_at")
    if (last and now - moment(last) < IDLE) or not ledger.waiting_queues():
        return None  # nearly always: what waits is only counted for the warning
    loads = [load for load in ledger.loads().values() if load.waiting]
    idle = now - moment(last or min(load.since for load in loads if load.since))
    if idle < IDLE:
        return None
    count = sum(load.waiting for load in loads)
    jobs = "1 job waits" if count == 1 else f"{count} jobs wait"
    first = ledger.waiting(None, 1)[0].id
    remedy = f"`dispatch agent` does, or `dispatch wait {first}`"
    return f"{jobs} and nothing has run the queue for {human_duration(idle)}: {remedy}"
