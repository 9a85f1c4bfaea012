"""A ledger on the test's PostgreSQL database, and ways around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from dispatcher.ledger.postgres.engine import PostgresLedger

Ask = Callable[[str], list[tuple[object, ...]]]
"""Asks the database past the ledger: the fixture `sql`."""

OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
"""Cuts every connection but the one that says so."""


@pytest.fixture
def ledger(database_url: str) -> Iterator[PostgresLedger]:
    with closing(PostgresLedger(database_url)) as opened:
        yield opened
