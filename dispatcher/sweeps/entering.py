"""Recording a sweep and its trials: each once, whoever records it, and however often it was begun."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dispatcher import naming, plain, records
from dispatcher.clock import stamp
from dispatcher.errors import LedgerError
from dispatcher.ledger import Entry, Event, SweepRow
from dispatcher.sweeps.planning import Start, Trial
from dispatcher.sweeps.state import RUNNING

if TYPE_CHECKING:
    from dispatcher.sweeps.desk import Sweeping


def record(dispatcher: Sweeping, start: Start) -> SweepRow:
    """Record a sweep, then its trials as queued. What a crash leaves out, `resume` adds."""
    import platform

    document = {
        "sweep": records.plain(start.sweep),
        "job": records.plain(start.base),
        "queue": start.queue,
        "trials": len(start.trials),
        plain.KEY: _allowed(start),
    }
    row = SweepRow(
        id=start.id,
        name=start.sweep.name,
        who=dispatcher.who,
        host=platform.node(),
        submitted_at=dispatcher.stamp(),
        document=json.dumps(document, ensure_ascii=False),
        digest=naming.digest(document),
        state=RUNNING,
    )
    dispatcher.ledger.add_sweep(row)
    enter(dispatcher, row, start.trials)
    return row


def _allowed(start: Start) -> list[str]:
    """What somebody said is no secret, by its names and by its paths in the sweep's document."""
    names = start.base.allow_plain
    values = [
        f"sweep.parameters[{index}].values[{place}]"
        for index, parameter in enumerate(start.sweep.parameters)
        for place in range(len(parameter.values))
        if {parameter.name, parameter.name.partition(".")[2]} & {name.lstrip("-") for name in names}
    ]
    return [*names, *(f"job.{name}" for name in names), *values]


def enter(
    dispatcher: Sweeping,
    row: SweepRow,
    planned: Sequence[Trial],
    before: Mapping[int, Sequence[Entry]] | None = None,
) -> list[Entry]:
    """Record trials as queued, in their order. One that somebody else has recorded meanwhile is left alone.

    `before` has the earlier submissions of trials by their number: a trial goes on with the last one's
    checkpoints, and at its price where the plan has none.
    """
    import platform

    from dispatcher import planning
    from dispatcher.code import keeping

    now = dispatcher.clock()
    entered = []
    for place, trial in enumerate(planned):
        if trial.plan.packed is not None:
            keeping.keep(trial.plan.packed, dispatcher.places(write=True).archives)
        # Those of one moment go in the order of their ids, which are no order: a millisecond apart they do.
        at = stamp(now + (place + 0.5) / 1000)
        entry = planning.entry(trial.plan, who=dispatcher.who, host=platform.node(), now=at)
        earlier = (before or {}).get(trial.number, ())
        entry = dataclasses.replace(
            entry,
            id=naming.derived(row.id, trial.number, len(earlier)),
            sweep=row.id,
            trial=trial.number,
            parameters=json.dumps(trial.point, ensure_ascii=False),
        )
        entry = _after(entry, earlier[-1]) if earlier else entry
        data = {"queue": entry.queue, "sweep": row.id, "trial": trial.number}
        event = Event(entry.id, at, "queued", dispatcher.who, json.dumps(data))
        try:
            dispatcher.ledger.add(entry, event)
        except LedgerError:
            if dispatcher.ledger.entry(entry.id) is None:
                raise
        else:
            entered.append(entry)
    return entered


def _after(entry: Entry, earlier: Entry) -> Entry:
    """The submission of a trial that follows on an earlier one."""
    entry = dataclasses.replace(entry, retry_of=earlier.id, checkpoints_of=earlier.checkpoints_of or earlier.id)
    if entry.unit_price is not None or (entry.hardware, entry.spot) != (earlier.hardware, earlier.spot):
        return entry
    price = ("unit_price", "currency", "price_source", "price_as_of")
    return dataclasses.replace(entry, **{name: getattr(earlier, name) for name in price})
