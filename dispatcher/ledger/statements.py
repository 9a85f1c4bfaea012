"""Rows as SQL: the names, marks and values of a dataclass, and lists of ids in portions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

from dispatcher.ledger.engine import Engine, Transaction
from dispatcher.ledger.rows import Entry

T = TypeVar("T")

_MOST = 500
"""Ids in one statement: below what any database takes, and few enough that one is prepared again and again."""


def names(kind: Any) -> str:
    """The columns of a row's table."""
    return ", ".join(kind.__dataclass_fields__)


def values(row: Any) -> tuple[object, ...]:
    """The values of a row, in the order of its columns."""
    return tuple(getattr(row, name) for name in row.__dataclass_fields__)


def marks(of: Collection[object]) -> str:
    """As many marks as there are values."""
    return ", ".join("?" * len(of))


def insert(table: str, kind: Any) -> str:
    """INSERT one row of a kind."""
    return f"INSERT INTO {table} ({names(kind)}) VALUES ({marks(kind.__dataclass_fields__)})"


def replacing(table: str, kind: Any, key: Collection[str]) -> str:
    """INSERT one row of a kind, or give the one with the same key the other values."""
    rest = ", ".join(f"{name} = excluded.{name}" for name in kind.__dataclass_fields__ if name not in key)
    return f"{insert(table, kind)} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {rest}"


def put(db: Transaction, table: str, row: Any, key: Collection[str]) -> None:
    """Record a row in place of the one with the same key."""
    db.run(replacing(table, type(row), key), values(row))


def read(engine: Engine, kind: type[T], source: str, given: Sequence[object] = ()) -> list[T]:
    """Rows of a kind; `source` is what follows FROM: the table, which of its rows, and in which order."""
    return [kind(*row) for row in engine.rows(f"SELECT {names(kind)} FROM {source}", given)]


def entries(engine: Engine, which: str, given: Sequence[object] = ()) -> list[Entry]:
    """Submissions: `which`, and in which order."""
    return read(engine, Entry, f"submissions {which}", given)


def labelling(entry: Entry) -> tuple[str, list[tuple[object, ...]]]:
    """INSERT the labels of a submission, with the values of each."""
    labels: dict[str, str] = json.loads(entry.labels) if entry.labels else {}
    rows: list[tuple[object, ...]] = [(entry.id, *label, entry.submitted_at) for label in labels.items()]
    return "INSERT INTO labels (submission, key, value, submitted_at) VALUES (?, ?, ?, ?)", rows


def batches(ids: Collection[str]) -> Iterator[list[str]]:
    """Ids in portions that fit one statement."""
    every = sorted(ids)
    for start in range(0, len(every), _MOST):
        yield every[start : start + _MOST]
