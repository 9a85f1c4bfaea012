"""Why a job waits: its place in the queue, what fills the queue, and what holds its hardware back."""

from __future__ import annotations

from dispatcher.clock import moment
from dispatcher.documents.quantities import human_duration
from dispatcher.ledger import Entry, Ledger
from dispatcher.sites import Line

IDLE = 300.0
"""Seconds without a tick after which waiting jobs are worth a warning."""


def reasons(ledger: Ledger, entry: Entry, line: Line, now: float) -> list[str]:
    """Every reason that holds a queued job back, in the order in which they matter; empty when nothing does."""
    if entry.state != "queued":
        return []
    found: list[str] = []
    if line.row is not None and line.row.paused:
        found.append(f"queue {entry.queue} is paused: {line.row.paused_reason or 'no reason given'}")
    ahead = [other for other in ledger.waiting(entry.queue) if other.order < entry.order]
    if ahead:
        names = ", ".join(other.id for other in ahead[:3]) + (", ..." if len(ahead) > 3 else "")
        why = f"; {ahead[0].id} met: {ahead[0].last_error}" if ahead[0].last_error else ""
        found.append(f"{len(ahead)} ahead of it in queue {entry.queue}: {names}{why}")
    active = [other for other in ledger.active() if other.queue == entry.queue]
    queue = line.queue
    if queue.max_running is not None and len(active) >= queue.max_running:
        found.append(f"queue {entry.queue} runs {len(active)} of {queue.max_running} jobs (max_running)")
    nodes = sum(other.nodes for other in active)
    if queue.max_nodes is not None and nodes + entry.nodes > queue.max_nodes:
        found.append(
            f"queue {entry.queue} uses {nodes} of {queue.max_nodes} nodes, it needs {entry.nodes} (max_nodes)"
        )
    for target in ledger.targets():
        if (target.zone, target.hardware, target.spot) == (entry.zone, entry.hardware, entry.spot):
            pause = moment(target.not_before) - now
            if pause > 0:
                again = human_duration(pause)
                found.append(f"{target.hardware} in {target.zone}: {target.reason}; next attempt in {again}")
    if entry.not_before and moment(entry.not_before) > now:
        found.append(f"held back for {human_duration(moment(entry.not_before) - now)} more")
    return found


def stalled(ledger: Ledger, now: float) -> str | None:
    """A warning when jobs wait and nobody has run a tick for a while."""
    loads = [load for load in ledger.loads().values() if load.waiting]
    if not loads:
        return None
    last = ledger.meta("last_tick_at")
    idle = now - moment(last or min(load.since for load in loads if load.since))
    if idle < IDLE:
        return None
    count = sum(load.waiting for load in loads)
    jobs = "1 job waits" if count == 1 else f"{count} jobs wait"
    first = ledger.waiting(None, 1)[0].id
    return f"{jobs} and nothing has run the queue for {human_duration(idle)}: `dispatch wait {first}` does"
