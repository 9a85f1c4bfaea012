"""Fixtures of tests on a real PostgreSQL server: one server for each test process, a database for each test."""

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
def database(postgres: Server) -> str:
    """The name of an empty database."""
    return make_database(postgres)


@pytest.fixture
def url(postgres: Server, database: str) -> str:
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
    """Make an empty database, and return its name."""
    import psycopg

    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} STRATEGY file_copy".encode())
    return name
