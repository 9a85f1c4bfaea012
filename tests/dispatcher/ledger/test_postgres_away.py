"""The PostgreSQL ledger where its server goes away, says no, or has another time than this machine."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest

from dispatcher.errors import AuthError, DispatchError, LedgerError, NotFoundError, UnreachableError
from dispatcher.ledger import Event, Filter
from dispatcher.ledger.engine import Unsure
from dispatcher.ledger.postgres.engine import PostgresEngine, PostgresLedger, is_exposed
from tests.dispatcher.ledger.given import NOW, add, entry
from tests.dispatcher.ledger.on_postgres import OTHERS, Ask, ledger
from tools.postgres.server import Server

__all__ = ["ledger"]  # a fixture

pytestmark = pytest.mark.postgres

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
        assert address.partition("?")[0] in raised.value.message


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
