"""A ledger from one database into another, whichever each is: a backup, its way back, and a move to a team's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dispatcher.errors import LedgerError
from dispatcher.ledger.engine import Engine, Row, Transaction
from dispatcher.ledger.rows import Entry, Event, ImageRow, MetricRow, QueueRow, SweepRow, Target, ZoneRow
from dispatcher.ledger.statements import marks, names

_PORTION = 1000
"""Rows that are read and written at once."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its columns and its key, in whose order it is read."""

    name: str
    columns: str
    key: tuple[str, ...]


def _of(name: str, kind: Any, *key: str) -> Table:
    return Table(name, names(kind), key)


TABLES = (
    Table("meta", "key, value", ("key",)),
    _of("zones", ZoneRow, "name"),
    _of("queues", QueueRow, "name"),
    _of("submissions", Entry, "id"),
    _of("events", Event, "seq"),
    Table("labels", "submission, key, value, submitted_at", ("submission", "key")),
    _of("sweeps", SweepRow, "id"),
    _of("metrics", MetricRow, "submission", "name"),
    _of("targets", Target, "zone", "hardware", "spot"),
    Table("images", f"{names(ImageRow)}, seq", ("seq",)),
)
"""All that a ledger keeps, what is referred to first. Who is at work right now (agents, turns) is not kept."""

_REPLACED = ("targets", "queues", "zones", "meta")
"""What a ledger without jobs may have all the same; queues refer to zones."""


def copy(source: Engine, target: Engine) -> int:
    """Copy everything as it is at one moment, and return how many submissions there are.

    Raises LedgerError when there are jobs, sweeps or images in the target already; then, and after any failure,
    nothing was copied. What the target knew of zones, queues and back-off is replaced.
    """
    with source.snapshot() as old, target.change() as new:
        target.alone(new)
        for name, words in (("submissions", "jobs"), ("sweeps", "sweeps"), ("images", "images")):
            if new.rows(f"SELECT 1 FROM {name} LIMIT 1"):
                raise LedgerError(
                    f"there are {words} in the ledger {target.name} already", "copy into an empty one"
                )
        for name in _REPLACED:
            new.run(f"DELETE FROM {name}")
        for table in TABLES:
            filled = marks(table.columns.split(", "))
            for rows in _portions(old, table):
                new.many(f"INSERT INTO {table.name} ({table.columns}) VALUES ({filled})", rows)
        for table in TABLES:
            if table.key == ("seq",):
                target.count_on(new, table.name)
        submissions: int = new.rows("SELECT count(*) FROM submissions")[0][0]
        return submissions


def _portions(db: Transaction, table: Table) -> Iterator[list[Row]]:
    """A table's rows, a portion at a time, each found by the key of the last one before."""
    key = ", ".join(table.key)
    places = [table.columns.split(", ").index(column) for column in table.key]
    where, last = "", ()
    while True:
        sql = f"SELECT {table.columns} FROM {table.name}{where} ORDER BY {key} LIMIT ?"
        rows = db.rows(sql, [*last, _PORTION])
        if not rows:
            return
        yield rows
        where = f" WHERE ({key}) > ({marks(places)})"
        last = tuple(rows[-1][place] for place in places)


def submissions(source: Engine) -> Iterator[tuple[Entry, Sequence[Event]]]:
    """Every submission with its events, by id, as all of it is at one moment."""
    events = next(table for table in TABLES if table.name == "events")
    with source.snapshot() as db:
        for rows in _portions(db, next(table for table in TABLES if table.name == "submissions")):
            entries = [Entry(*row) for row in rows]
            found: dict[str, list[Event]] = {entry.id: [] for entry in entries}
            sql = f"SELECT {events.columns} FROM events WHERE submission >= ? AND submission <= ?"
            for row in db.rows(f"{sql} ORDER BY submission, seq", (entries[0].id, entries[-1].id)):
                event = Event(*row)
                found[event.submission].append(event)
            yield from ((entry, found[entry.id]) for entry in entries)
