"""Sweeps and what their trials reported, in the ledger's database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from dispatcher.errors import LedgerError
from dispatcher.ledger.engine import Engine, RuleBroken
from dispatcher.ledger.rows import MetricRow, SweepRow
from dispatcher.ledger.statements import batches, insert, marks, read, replacing, values


def add(engine: Engine, sweep: SweepRow) -> None:
    """As Ledger.add_sweep."""
    with engine.change() as db:
        try:
            db.run(insert("sweeps", SweepRow), values(sweep))
        except RuleBroken as error:
            raise LedgerError(f"sweep {sweep.id} cannot be recorded: {error.message}") from error


def change(engine: Engine, id: str, columns: Mapping[str, object], state: str | None) -> bool:
    """As Ledger.change_sweep."""
    unknown = set(columns) - set(SweepRow.__dataclass_fields__)
    if unknown:
        raise ValueError(f"no such columns: {', '.join(sorted(unknown))}")
    assigned = ", ".join(f"{name} = ?" for name in columns)
    guard, held = ("", ()) if state is None else (" AND state = ?", (state,))
    with engine.change() as db:
        return db.run(f"UPDATE sweeps SET {assigned} WHERE id = ?{guard}", [*columns.values(), id, *held]) == 1


def record(engine: Engine, metrics: Sequence[MetricRow]) -> None:
    """As Ledger.record_metrics."""
    with engine.change() as db:
        db.many(replacing("metrics", MetricRow, ("submission", "name")), [values(metric) for metric in metrics])


def metrics(engine: Engine, ids: Collection[str]) -> list[MetricRow]:
    """As Ledger.metrics."""
    found: list[MetricRow] = []
    for part in batches(ids):
        reported = f"metrics WHERE submission IN ({marks(part)}) ORDER BY submission, name"
        found += read(engine, MetricRow, reported, part)
    return found
