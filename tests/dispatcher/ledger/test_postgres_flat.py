"""Lists, claims and history look at a handful of rows on PostgreSQL, however many there are: it counts them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, LiteralString

import psycopg
import pytest

from dispatcher.ledger import Caps, Filter, Lease, Ledger
from dispatcher.ledger.postgres.engine import PostgresEngine, PostgresLedger
from tests.dispatcher.ledger.given import LATER, MUCH_LATER, NOW, entry
from tests.postgres import make_database
from tools.postgres.server import Server

pytestmark = pytest.mark.postgres

ENDED, WAITING, LOOKED_AT = 6000, 1500, 150
FINAL = ("succeeded", "failed", "cancelled", "timed_out")
LEASE = Lease("t", "o", LATER)


COMMON = (
    "zone, cloud, region, slug, priority, attempt, who, host, job, job_digest, nodes, hardware, regime, job_type"
)
VALUES = "'z', 'aws', 'r', 's', i % 4, 1, 'who' || i % 7, 'h', '{}', 'd', 1, 'h', 'gdpr', 'train'"
AT = "'2026-01-' || lpad((1 + i / 400)::text, 2, '0') || 'T00:00:' || lpad((i % 400)::text, 6, '0') || 'Z'"


@pytest.fixture(scope="module")
def full(postgres: Server) -> Iterator[PostgresLedger]:
    """A ledger of four queues, in which thousands have ended and wait, and which PostgreSQL knows well."""
    url = postgres.url(make_database(postgres))
    with closing(PostgresLedger(url)) as ledger, psycopg.connect(url, autocommit=True) as db:
        db.execute("SET search_path TO launchway")
        for sql in (
            f"INSERT INTO submissions (id, queue, cloud_name, submitted_at, ended_at, state, {COMMON})"
            f" SELECT 'e' || i, 'q' || i % 4, 's-' || i, {AT}, {AT}, CASE WHEN i % 9 = 0 THEN 'failed'"
            f" ELSE 'succeeded' END, {VALUES} FROM generate_series(1, {ENDED}) AS i",
            f"INSERT INTO submissions (id, queue, submitted_at, state, {COMMON})"
            f" SELECT 'w' || i, 'q' || i % 4, {AT}, 'queued', {VALUES} FROM generate_series(1, {WAITING}) AS i",
            "INSERT INTO labels (submission, key, value, submitted_at)"
            " SELECT id, 'team', 't' || priority, submitted_at FROM submissions",
            "ANALYZE",
        ):
            db.execute(sql.encode())
        yield ledger


class Recording:
    """A connection that remembers what it was asked about submissions."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self.asked: list[tuple[bytes, Any]] = []
        self.number = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: bytes | LiteralString, values: Any = None) -> object:
        self.number += 1
        if isinstance(sql, bytes) and b"submissions" in sql and not sql.startswith(b"INSERT"):
            self.asked.append((sql, values))
        return self._connection.execute(sql, values)


def looked_at(ledger: PostgresLedger, step: Callable[[Ledger], object], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many rows of submissions PostgreSQL looks at for a step, those included that it throws away."""
    engine = ledger.engine
    assert isinstance(engine, PostgresEngine)
    connection = engine._connection
    recording = Recording(connection)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "_connection", recording)
        step(ledger)
    assert recording.asked
    total = 0
    for sql, values in recording.asked:
        with connection.transaction(force_rollback=True):  # what is explained so is also done
            explained = connection.execute(b"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + sql, values).fetchall()
            total += visited(explained[0][0][0]["Plan"])
    return total


def visited(node: dict[str, Any]) -> int:
    """Rows that a node of a plan and those below it read from submissions."""
    below = sum(visited(child) for child in node.get("Plans", ()))
    if node.get("Relation Name") not in ("submissions", "labels") or "Scan" not in node["Node Type"]:
        return below
    thrown = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    read: int = round((node["Actual Rows"] + thrown) * node["Actual Loops"])
    return below + read


def named(wanted: Filter) -> str:
    given = ((name, getattr(wanted, name)) for name in Filter.__dataclass_fields__)
    return " ".join(f"{name}={value}" for name, value in given if value) or "all"


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(),
        Filter(since="2026-01-02", until=MUCH_LATER),
        Filter(after=("2026-01-03", "a")),
        Filter(states=["queued"], queue="q1"),
        Filter(states=["running"], queue="q1"),
        Filter(states=FINAL),
        Filter(states=FINAL, queue="q1"),
        Filter(states=["failed"]),
        Filter(states=["cancelled"]),
        Filter(states=FINAL, who="who3"),
        Filter(states=FINAL, who="nobody"),
        Filter(states=FINAL, regime="hipaa"),
        Filter(queue="q2"),
        Filter(priority=1),
        Filter(who="who2"),
        Filter(job_type="none"),
        Filter(labels={"team": "t1"}),
        Filter(labels={"team": "nobody"}),
    ],
    ids=named,
)
def test_a_list_looks_at_little_more_than_it_shows(
    full: PostgresLedger, wanted: Filter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert looked_at(full, lambda ledger: ledger.entries(wanted, 20), monkeypatch) <= LOOKED_AT


def test_a_list_that_is_asked_for_again_is_not_planned_again(full: PostgresLedger) -> None:
    for number in range(20):
        full.entries(Filter(), 21)
        full.entries(Filter(states=FINAL, who=f"who{number % 7}"), 21)
    found = full.engine.rows(
        "SELECT custom_plans FROM pg_prepared_statements WHERE statement ~ 'id LIMIT (21|.[0-9]+)$'"
    )
    assert len(found) >= 2
    assert max(row[0] for row in found) <= 5


def test_a_claim_is_one_message_to_the_database_and_back(
    full: PostgresLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = full.engine
    assert isinstance(engine, PostgresEngine)
    recording = Recording(engine._connection)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "_connection", recording)
        claimed = full.claim("q1", lease=LEASE, now=NOW, caps=Caps())
    assert claimed is not None
    assert recording.number == 1
    assert [(event.kind, event.who) for event in full.events(claimed.id)] == [("claimed", "o")]


@pytest.mark.parametrize(
    "step",
    [
        lambda ledger: ledger.claim("q1", lease=LEASE, now=NOW, caps=Caps()),
        lambda ledger: ledger.claim("q1", lease=LEASE, now=NOW, caps=Caps(), takes=["train"]),
        lambda ledger: ledger.claim("q2", lease=LEASE, now=NOW, caps=Caps(3, 5)),
        lambda ledger: ledger.claim("q3", lease=LEASE, now=NOW, caps=Caps(3, 5), ageing=60),
        lambda ledger: ledger.head("q1", now=NOW),
        lambda ledger: ledger.ahead(entry("w9", queue="q1", priority=3, submitted_at=MUCH_LATER), 3, NOW, 60),
        lambda ledger: ledger.waiting("q1", 3),
        lambda ledger: ledger.waiting_queues(),
        lambda ledger: ledger.overdue(NOW),
        lambda ledger: ledger.active(),
        lambda ledger: ledger.entry("w7"),
    ],
    ids=["claim", "takes", "caps", "ageing", "head", "ahead", "waiting", "queues", "overdue", "active", "entry"],
)
def test_what_a_tick_asks_looks_at_few_whatever_waits_or_has_ended(
    full: PostgresLedger, step: Callable[[Ledger], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert looked_at(full, step, monkeypatch) <= LOOKED_AT
