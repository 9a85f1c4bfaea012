"""Ledgers with as many rows as wanted, made by the database itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dispatcher.ledger import Ledger, address
from dispatcher.ledger.sql import SqlLedger
from dispatcher.opened import open_ledger
from tools.postgres.server import Server


def rest(number: str, by: int) -> str:
    """What is left of a whole number that is divided; ledgers' SQL has no percent sign."""
    return f"({number} - {number} / {by} * {by})"


def _digits(number: str) -> str:
    return f"substr(CAST(100 + {number} AS TEXT), 2)"


STAMP = (
    f"'2026-01-' || {_digits('1 + i / 86400')} || 'T' || {_digits(rest('(i / 3600)', 24))}"
    f" || ':' || {_digits(rest('(i / 60)', 60))} || ':' || {_digits(rest('i', 60))} || '.000Z'"
)
"""Row `i` came in `i` seconds after the year began: one expression for both engines."""

ROW: Mapping[str, str] = {
    "id": "'b' || CAST(i AS TEXT)",
    "queue": "'q'",
    "zone": "'aws'",
    "cloud": "'aws'",
    "region": "'eu-central-1'",
    "slug": "'train'",
    "state": "'queued'",
    "priority": rest("i", 4),
    "attempt": "1",
    "submitted_at": STAMP,
    "queued_at": STAMP,
    "who": f"'person-' || CAST({rest('i', 10)} AS TEXT)",
    "host": "'laptop'",
    "job": """'{"image": "train", "command": ["python", "train.py"]}'""",
    "job_digest": "'0'",
    "nodes": "1",
    "hardware": "'ml.m5.large'",
    "max_runtime": "86400",
}
"""A waiting job by its columns."""

ON_CLOUD: Mapping[str, str] = {
    "cloud_name": "'train-b' || CAST(i AS TEXT) || '-1'",
    "provider_id": "'arn:aws:sagemaker:eu-central-1:123456789012:training-job/train-b' || CAST(i AS TEXT) || '-1'",
    "claimed_at": STAMP,
    "started_at": STAMP,
    "last_seen_at": STAMP,
}
"""What one has in addition that was sent."""


def fill(ledger: Ledger, rows: int, columns: Mapping[str, str], first: int = 1) -> None:
    """Add rows `first` to `rows`; `columns` are expressions over `i` that go on top of those of a waiting job."""
    assert isinstance(ledger, SqlLedger)
    row = {**ROW, **columns}
    with ledger.engine.change() as db:
        db.run(
            f"WITH RECURSIVE numbers(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM numbers WHERE i < {rows})"
            f" INSERT INTO submissions ({', '.join(row)}) SELECT {', '.join(row.values())} FROM numbers"
        )
    ledger.engine.vacuum()


def opened(named: str) -> Ledger:
    """A ledger as `--ledger` names it."""
    return open_ledger(address.place(named, {}))


def databases(server: Server, *names: str) -> list[str]:
    """Make empty databases, and return their addresses."""
    import psycopg

    with psycopg.connect(server.url(), autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE DATABASE {name}".encode())
    return [server.url(name) for name in names]


def named(folder: Path, server: Server, *names: str) -> list[tuple[str, str]]:
    """A ledger of each kind for each name: what it is called in a table, and its address."""
    files = [("SQLite", str(folder / f"{name}.db")) for name in names]
    return [*files, *(("PostgreSQL", url) for url in databases(server, *names))]
