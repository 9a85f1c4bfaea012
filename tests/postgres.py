"""Fixtures of tests on a real PostgreSQL server: one server a test process, an empty database for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tools.postgres.server import Server

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server that runs as long as this test process does."""
    with Server() as server:
        yield server


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """The name of an empty database; what was made in it is gone after the test, and so are those who use it."""
    import psycopg

    name = "ledger"
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchall():
            connection.execute(f"CREATE DATABASE {name}".encode())
    yield name
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        connection.execute(f"ALTER DATABASE {name} RESET ALL".encode())
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        # A database of its own for each test would be three hundred files to make and to remove.
        connection.execute("DROP SCHEMA IF EXISTS launchway CASCADE")


@pytest.fixture
def database_url(postgres: Server, database: str) -> str:
    """The address of an empty database."""
    return postgres.url(database)


@pytest.fixture
def sql(postgres: Server, database: str) -> Callable[[str], list[tuple[object, ...]]]:
    """Asks the test's database, past the ledger."""
    import psycopg

    def ask(text: str) -> list[tuple[object, ...]]:
        with psycopg.connect(postgres.url(database), autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    return ask


def make_database(server: Server) -> str:
    """Make an empty database of another name, and return that."""
    import psycopg

    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return name
