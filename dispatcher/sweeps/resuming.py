"""Going on with a sweep: the trials that were never recorded, and those that were stopped, in their order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from dispatcher.errors import UsageError
from dispatcher.ledger import Entry
from dispatcher.sweeps import entering, planning, rules, space, state
from dispatcher.sweeps.state import RUNNING, STOPPED, STOPPING, State

if TYPE_CHECKING:
    from dispatcher.sweeps.desk import Sweeping


def resume(
    dispatcher: Sweeping, found: State, *, failed: bool = False, prices: str | Path | None = None
) -> list[Entry]:
    """Record again what a sweep has not finished, and return it; with `failed`, what ended badly too.

    A trial goes on with the checkpoints of its earlier submission. Where nothing was left out, nothing happens.
    Raises UsageError while trials are being stopped, or when the rule that stopped the sweep would do it again.
    """
    again = ("cancelled", *rules.BAD) if failed else ("cancelled",)
    redone = [trial.number for trial in found.trials if trial.entry.state in again]
    numbers = sorted({*found.missing, *redone})
    id = found.row.id
    if (why := rules.reached(found) or rules.spent(found)) is not None:
        raise UsageError(f"sweep {id} cannot go on: {why}", "start another one with another limit")
    stopping = [trial.entry for trial in found.trials if trial.entry.cancel_requested_at and not trial.entry.final]
    if stopping:
        many = "1 trial is" if len(stopping) == 1 else f"{len(stopping)} trials are"
        raise UsageError(f"{many} still being stopped", f"dispatch sweep stop {id} --wait, and then again")
    if not numbers and found.row.state not in (STOPPING, STOPPED):
        return []
    points = dict(enumerate(space.points(found.sweep), start=1))
    chosen = {number: points[number] for number in numbers}
    planned = planning.plans(dispatcher, id, found.sweep, found.job, found.queue, chosen, prices=prices)
    document = {**json.loads(found.row.document), "resumed_at": dispatcher.stamp()}
    opened = {
        "state": RUNNING,
        "reason": None,
        "ended_at": None,
        "document": json.dumps(document, ensure_ascii=False),
    }
    if not dispatcher.ledger.change_sweep(id, opened, state=found.row.state):
        raise UsageError(f"sweep {id} has changed meanwhile", f"dispatch sweep status {id}, and try again")
    return entering.enter(dispatcher, found.row, planned, state.submissions(dispatcher.ledger, id))
