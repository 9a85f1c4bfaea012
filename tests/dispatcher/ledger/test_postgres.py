"""The PostgreSQL ledger: the conformance suite, its schema, and every way its server can be away or say no."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from dispatcher.errors import AuthError, DispatchError, LedgerError, NotFoundError, UnreachableError
from dispatcher.ledger import Caps, Event, Filter, Lease, Ledger
from dispatcher.ledger.engine import Unsure
from dispatcher.ledger.migrations import MIGRATIONS, SCHEMA
from dispatcher.ledger.postgres.engine import PostgresEngine, PostgresLedger, is_exposed
from dispatcher.ledger.postgres.schema import PostgresSchema
from dispatcher.ledger.rows import ENTRY_COLUMNS, Entry
from tests.dispatcher.ledger.care import Upkeep
from tests.dispatcher.ledger.conformance import LATER, NOW, Conformance, Open, add, entry
from tools.postgres.server import Server

pytestmark = pytest.mark.postgres

Ask = Callable[[str], list[tuple[object, ...]]]
OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
"""Cuts every connection but the one that says so."""


@pytest.fixture
def open(database_url: str) -> Iterator[Open]:
    opened: list[PostgresLedger] = []

    def opener() -> Ledger:
        opened.append(PostgresLedger(database_url))
        return opened[-1]

    yield opener
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(database_url: str) -> Iterator[PostgresLedger]:
    with closing(PostgresLedger(database_url)) as opened:
        yield opened


class TestPostgres(Conformance):
    pass


class TestUpkeep(Upkeep):
    pass


# The schema


def test_the_columns_of_the_table_are_the_fields_of_an_entry(ledger: PostgresLedger, sql: Ask) -> None:
    assert ledger.shareable
    found = sql("SELECT column_name FROM information_schema.columns WHERE table_name = 'submissions'")
    assert sorted(str(row[0]) for row in found) == sorted(ENTRY_COLUMNS)


def test_everything_is_in_a_schema_of_its_own_and_every_text_sorts_by_its_bytes(
    ledger: PostgresLedger, sql: Ask
) -> None:
    add(ledger, entry("a"))
    assert sql("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'") == [(0,)]
    texts = (
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'launchway' AND data_type = 'text'"
    )
    (all_of_them,) = sql(texts)
    assert sql(f"{texts} AND collation_name = 'C'") == [all_of_them]
    assert int(str(all_of_them[0])) > 50


@pytest.mark.parametrize("schema", range(1, SCHEMA))
def test_a_ledger_of_every_earlier_schema_is_brought_up_to_date_with_all_that_is_in_it(
    database_url: str, schema: int
) -> None:
    old = Entry(**{**columns_of(entry("a", spot=1, interruptions=2)), "state": "running", "cloud_name": "s-a-1"})
    with psycopg.connect(database_url) as db:
        db.execute("CREATE SCHEMA launchway")
        db.execute("SET search_path TO launchway")
        for migration in MIGRATIONS[:schema]:
            migration(PostgresSchema(db.cursor()))
        db.execute("CREATE TABLE schema_version (version INTEGER NOT NULL)")
        db.execute("INSERT INTO schema_version VALUES (%s)", (schema,))
        known = [name for name in ENTRY_COLUMNS if name in table_columns(db)]
        marks = ", ".join(["%s"] * len(known))
        db.execute(
            f"INSERT INTO submissions ({', '.join(known)}) VALUES ({marks})".encode(),
            [getattr(old, name) for name in known],
        )
        db.execute("INSERT INTO events (submission, at, kind, who) VALUES ('a', %s, 'queued', 'ada')", (NOW,))
    for readonly in (True, False):
        with closing(PostgresLedger(database_url, readonly=readonly)) as ledger:
            assert ledger.entry("a") == old, "what it did not know has the value of a job that never had it"
            assert [event.kind for event in ledger.events("a")] == ["queued"]
    with closing(PostgresLedger(database_url)) as ledger:
        assert ledger.change("a", {"stop_reason": "max_wait", "labels": "{}"})


def columns_of(one: Entry) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ENTRY_COLUMNS}


def table_columns(db: psycopg.Connection[tuple[object, ...]]) -> set[object]:
    found = db.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'submissions'")
    return {row[0] for row in found}


def test_a_newer_schema_is_refused_politely_by_who_opens_it_and_by_who_has_it_open(
    ledger: PostgresLedger, database_url: str, sql: Ask
) -> None:
    sql(f"UPDATE launchway.schema_version SET version = {SCHEMA + 1}")
    for readonly in (False, True):
        with pytest.raises(LedgerError, match="newer launchway") as raised:
            PostgresLedger(database_url, readonly=readonly)
        assert raised.value.remedy == "upgrade this one: pip install -U launchway"
    sql(OTHERS)
    with pytest.raises(LedgerError, match="newer launchway"):
        ledger.entry("a")


def test_who_has_a_ledger_open_is_told_of_a_newer_schema_when_it_comes(ledger: PostgresLedger, sql: Ask) -> None:
    add(ledger, entry("a"))
    sql("SELECT pg_notify('launchway', 'schema')")
    assert ledger.wait(0)
    assert ledger.entry("a") is not None, "a schema that it knows changes nothing"
    sql(f"UPDATE launchway.schema_version SET version = {SCHEMA + 1}; SELECT pg_notify('launchway', 'schema')")
    assert ledger.wait(0)
    with pytest.raises(LedgerError, match="newer launchway"):
        add(ledger, entry("b"))


def test_who_brings_the_schema_up_to_date_tells_the_others(database_url: str, sql: Ask) -> None:
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("LISTEN launchway")
        PostgresLedger(database_url).close()
        assert [news.payload for news in other.notifies(timeout=5, stop_after=1)] == ["schema"]
        PostgresLedger(database_url).close()
        assert list(other.notifies(timeout=0)) == []


def test_many_who_open_an_empty_database_at_once_make_one_schema(database_url: str) -> None:
    failures: list[Exception] = []

    def open_it() -> None:
        try:
            PostgresLedger(database_url).close()
        except Exception as error:
            failures.append(error)

    together([open_it] * 6)
    assert failures == []


def test_events_can_neither_be_changed_nor_removed(ledger: PostgresLedger, sql: Ask) -> None:
    add(ledger, entry("a"))
    for statement in ("DELETE FROM", "UPDATE", "TRUNCATE"):
        rest = " SET kind = 'x'" if statement == "UPDATE" else ""
        with pytest.raises(psycopg.Error, match="append-only"):
            sql(f"{statement} launchway.events{rest}")


# Claims


def test_many_claim_side_by_side_each_job_once_and_every_one_in_order(
    database_url: str, ledger: PostgresLedger
) -> None:
    add(ledger, *[entry(f"{number:04d}", priority=number % 4) for number in range(120)])
    taken: dict[str, list[str]] = {}

    def work() -> None:
        name = threading.current_thread().name
        with closing(PostgresLedger(database_url)) as mine:
            while one := mine.claim("line", lease=Lease(name, name, LATER), now=NOW, caps=Caps()):
                taken.setdefault(name, []).append(one.id)

    together([work] * 4)
    assert sorted(id for ids in taken.values() for id in ids) == [f"{number:04d}" for number in range(120)]
    for ids in taken.values():
        assert ids == sorted(ids, key=lambda id: (int(id) % 4, id))


def test_caps_hold_between_those_who_claim_different_jobs_at_the_same_moment(
    ledger: PostgresLedger, database_url: str, sql: Ask
) -> None:
    add(ledger, entry("a", job_type="a"), entry("b", job_type="b"))
    claimed: list[Entry | None] = []

    def claim() -> None:
        with closing(PostgresLedger(database_url)) as mine:
            lease = Lease("t", "o", LATER)
            claimed.append(mine.claim("line", lease=lease, now=NOW, caps=Caps(running=1), takes=["b"]))

    other = threading.Thread(target=claim)
    with ledger.engine.change() as db:
        ledger.engine.serialise(db, "line")
        other.start()
        while not claimed and not sql("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            assert other.is_alive() or claimed
        db.run("UPDATE submissions SET state = 'submitting', cloud_name = 's-a-1' WHERE id = 'a'")
    other.join()
    assert claimed == [None]


def test_a_job_that_somebody_holds_is_passed_over_and_nobody_waits_for_it(
    ledger: PostgresLedger, database_url: str
) -> None:
    add(ledger, entry("a"), entry("b"))
    with psycopg.connect(database_url) as other:
        other.execute("SELECT 1 FROM launchway.submissions WHERE id = 'a' FOR UPDATE")
        claimed = ledger.claim("line", lease=Lease("t", "o", LATER), now=NOW, caps=Caps())
    assert claimed is not None
    assert claimed.id == "b"


def together(tasks: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# News


def test_who_waits_is_woken_by_the_news_of_others_and_not_by_its_own(
    database_url: str, ledger: PostgresLedger
) -> None:
    with closing(PostgresLedger(database_url)) as other:
        add(ledger, entry("a"))
        assert not ledger.wait(0)
        later = threading.Timer(0.05, lambda: add(other, entry("b")))
        later.start()
        assert ledger.wait(30)
        later.join()
        assert not ledger.wait(0)
        add(other, entry("c"))
        assert ledger.entries(Filter(), None)
        assert ledger.wait(30), "news that comes while something else is asked is not lost"


def test_a_connection_that_was_lost_counts_as_news(ledger: PostgresLedger, sql: Ask) -> None:
    sql(OTHERS)
    assert ledger.wait(0)
    assert not ledger.wait(0)


# A server that goes away


def test_a_lost_connection_is_made_again_for_the_next_question_and_the_next_change(
    ledger: PostgresLedger, sql: Ask
) -> None:
    add(ledger, entry("a"))
    sql(OTHERS)
    assert ledger.entry("a") is not None
    sql(OTHERS)
    add(ledger, entry("b"))
    assert ledger.count(Filter()) == 2


def test_a_change_that_is_cut_off_in_the_middle_says_so_and_leaves_nothing(
    ledger: PostgresLedger, sql: Ask
) -> None:
    add(ledger, entry("a"))

    def change() -> None:
        with ledger.engine.change() as db:
            db.run("UPDATE submissions SET reason = 'half'")
            sql(OTHERS)
            db.run("UPDATE submissions SET priority = 0")

    with pytest.raises(UnreachableError):
        change()
    assert ledger.entry("a") == entry("a")


@pytest.mark.parametrize("recorded", [True, False])
def test_a_job_whose_recording_was_not_confirmed_is_looked_for(
    ledger: PostgresLedger, sql: Ask, monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    engine = ledger.engine
    assert isinstance(engine, PostgresEngine)
    real = engine._connection

    class Cut:
        """The connection is lost around COMMIT: right after it, or right before."""

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def execute(self, sql_text: str | bytes, *values: object) -> object:
            if sql_text != "COMMIT":
                return real.execute(sql_text, *values)  # type: ignore[call-overload]  # as psycopg types it
            if recorded:
                real.execute("COMMIT")
            sql(OTHERS)
            return real.execute("SELECT 1")

    monkeypatch.setattr(engine, "_connection", Cut())
    if recorded:
        add(ledger, entry("a"))
    else:
        with pytest.raises(Unsure, match="may be there or not") as raised:
            add(ledger, entry("a"))
        assert "dispatch list" in raised.value.remedy
    assert [one.id for one in ledger.entries(Filter(), None)] == (["a"] if recorded else [])
    assert len(ledger.events("a")) == int(recorded)


def test_a_server_that_is_down_is_unreachable_until_it_is_back_and_has_lost_nothing() -> None:
    with Server() as server, closing(PostgresLedger(server.url())) as ledger:
        add(ledger, entry("a"))
        clock = ledger.clock
        assert clock is not None
        before = clock()
        server.stop()
        for attempt in (lambda: ledger.entry("a"), lambda: add(ledger, entry("b")), lambda: ledger.wait(0)):
            with pytest.raises(UnreachableError) as raised:
                attempt()
            assert raised.value.remedy
        assert clock() >= before, "time goes on"
        server.start()
        assert ledger.wait(0)
        assert ledger.entry("a") == entry("a")


# A server that says no


def test_who_may_not_come_in_and_what_is_not_there_are_told_apart(
    postgres: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    PostgresLedger(postgres.tcp(database)).close()
    monkeypatch.setenv("PGPASSWORD", "wrong-and-never-shown")
    cases: list[tuple[str, type[DispatchError], str]] = [
        (postgres.tcp(database), AuthError, "password authentication failed"),
        (postgres.url(database, user="eve"), AuthError, 'role "eve" does not exist'),
        (postgres.url("nothing"), NotFoundError, 'database "nothing" does not exist'),
        ("postgresql://ada@127.0.0.1:9/x", UnreachableError, "refused"),
        (f"postgresql://ada@/x?host={postgres.place}/none", UnreachableError, "does not answer"),
    ]
    for address, kind, words in cases:
        with pytest.raises(kind, match=words) as raised:
            PostgresLedger(address)
        assert raised.value.remedy
        assert "never-shown" not in str(raised.value)
        assert address in raised.value.message


def test_a_standby_or_read_only_user_can_look_and_is_told_why_it_cannot_change(
    postgres: Server, database: str, ledger: PostgresLedger, sql: Ask
) -> None:
    add(ledger, entry("a"))
    sql("CREATE ROLE reader LOGIN")
    sql("GRANT USAGE ON SCHEMA launchway TO reader")
    sql("GRANT SELECT ON ALL TABLES IN SCHEMA launchway TO reader")
    with closing(PostgresLedger(postgres.url(database, user="reader"), readonly=True)) as reader:
        assert reader.entry("a") == entry("a")
    with closing(PostgresLedger(postgres.url(database, user="reader"))) as reader:
        with pytest.raises(AuthError, match=r"not made compact: .*(permission denied|skipping)"):
            reader.engine.vacuum()
        with pytest.raises(AuthError, match="permission denied") as refused:
            add(reader, entry("b"))
        assert "docs/postgresql.md" in refused.value.remedy
    sql(f"ALTER DATABASE {database} SET default_transaction_read_only TO on")
    with closing(PostgresLedger(postgres.url(database))) as standby:
        assert standby.entry("a") == entry("a")
        with pytest.raises(LedgerError, match="read-only") as raised:
            add(standby, entry("b"))
        assert "primary" in raised.value.remedy


def test_who_may_not_make_the_schema_is_told_whom_to_ask(postgres: Server, database: str, sql: Ask) -> None:
    sql("CREATE ROLE guest LOGIN")
    with pytest.raises(AuthError, match="permission denied") as raised:
        PostgresLedger(postgres.url(database, user="guest"))
    assert "owner" in raised.value.remedy


def test_a_lock_that_is_not_given_up_is_one_clear_error_and_changes_nothing(database_url: str) -> None:
    with closing(PostgresLedger(database_url, patience=0.05)) as ledger, psycopg.connect(database_url) as other:
        add(ledger, entry("a"))
        other.execute("SELECT 1 FROM launchway.submissions FOR UPDATE")
        with pytest.raises(UnreachableError, match="locked by another process"):
            ledger.change("a", {"reason": "x"}, Event("a", NOW, "odd", "ada"))
        assert len(ledger.events("a")) == 1


def test_a_character_that_the_database_cannot_hold_is_replaced(ledger: PostgresLedger) -> None:
    add(ledger, entry("a"))
    assert ledger.change("a", {"reason": "bro\0ken"})
    found = ledger.entry("a")
    assert found is not None
    assert found.reason == "bro\ufffdken"


@pytest.mark.parametrize(
    ("host", "encrypted", "exposed"),
    [
        ("db.example", False, True),
        ("10.0.0.5", False, True),
        ("10.0.0.5", True, False),
        ("/var/run/postgresql", False, False),
        ("127.0.0.1", False, False),
        ("::1", False, False),
        ("localhost", False, False),
    ],
)
def test_only_a_connection_over_a_network_needs_encryption(host: str, encrypted: bool, exposed: bool) -> None:
    assert is_exposed(host, encrypted) is exposed


# Time


def test_its_clock_is_the_database_s(ledger: PostgresLedger, sql: Ask) -> None:
    assert ledger.clock is not None
    ((theirs,),) = sql("SELECT extract(epoch FROM clock_timestamp())::float8")
    assert isinstance(theirs, float)
    assert abs(ledger.clock() - theirs) < 5
