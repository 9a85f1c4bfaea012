"""The PostgreSQL ledger: the conformance suite, its schema, claims side by side, and news."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dispatcher.errors import AuthError, LedgerError, UnreachableError
from dispatcher.ledger import Caps, Event, Filter, Lease, Ledger
from dispatcher.ledger.copying import copy
from dispatcher.ledger.erasing import Order, erase
from dispatcher.ledger.migrations import MIGRATIONS, SCHEMA
from dispatcher.ledger.postgres import schema
from dispatcher.ledger.postgres.engine import PostgresLedger
from dispatcher.ledger.postgres.schema import PostgresSchema
from dispatcher.ledger.rows import ENTRY_COLUMNS, Entry
from dispatcher.ledger.sqlite import SqliteLedger
from tests.dispatcher.ledger.care import Upkeep, changed, everything, fill
from tests.dispatcher.ledger.conformance import Conformance
from tests.dispatcher.ledger.given import LATER, MUCH_LATER, NOW, Open, add, entry
from tests.dispatcher.ledger.on_postgres import OTHERS, Ask, ledger
from tests.dispatcher.ledger.surroundings import Surroundings
from tools.postgres.server import Server

__all__ = ["ledger"]  # a fixture

pytestmark = pytest.mark.postgres


@pytest.fixture
def open(database_url: str) -> Iterator[Open]:
    opened: list[PostgresLedger] = []

    def opener() -> Ledger:
        opened.append(PostgresLedger(database_url))
        return opened[-1]

    yield opener
    for one in opened:
        one.close()


class TestPostgres(Conformance):
    pass


class TestSurroundings(Surroundings):
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


def test_nothing_is_written_into_a_newer_schema_also_before_its_news_is_read(
    ledger: PostgresLedger, sql: Ask
) -> None:
    sql(f"UPDATE launchway.schema_version SET version = {SCHEMA + 1}; SELECT pg_notify('launchway', 'schema')")
    for _ in range(3):
        with pytest.raises(LedgerError, match="newer launchway"):
            add(ledger, entry("b"))
    assert sql("SELECT count(*) FROM launchway.submissions") == [(0,)]


@pytest.mark.parametrize("caps", [Caps(), Caps(running=1)], ids=["side by side", "in turn"])
def test_nothing_is_claimed_in_a_newer_schema_and_a_claim_without_its_event_is_none(
    ledger: PostgresLedger, sql: Ask, caps: Caps
) -> None:
    add(ledger, entry("a"))
    lease = Lease("t", "AKIA" + "IOSFODNN7EXAMPLQ", LATER)
    sql(f"UPDATE launchway.schema_version SET version = {SCHEMA + 1}")
    with pytest.raises(LedgerError, match="newer launchway"):
        ledger.claim("line", lease=lease, now=NOW, caps=caps)
    sql(f"UPDATE launchway.schema_version SET version = {SCHEMA}")
    sql("ALTER TABLE launchway.events ADD CONSTRAINT none CHECK (kind <> 'claimed')")
    with pytest.raises(LedgerError, match="none"):
        ledger.claim("line", lease=lease, now=NOW, caps=caps)
    assert sql("SELECT state, claimed_at FROM launchway.submissions") == [("queued", None)]
    sql("ALTER TABLE launchway.events DROP CONSTRAINT none")
    claimed = ledger.claim("line", lease=lease, now=NOW, caps=caps)
    assert claimed is not None
    [event] = [one for one in ledger.events("a") if one.kind == "claimed"]
    assert event.who == "[redacted]"
    assert json.loads(event.data) == {"attempt": 1, "cloud_name": claimed.cloud_name}


def test_who_brings_the_schema_up_waits_for_a_claim_that_has_begun(
    ledger: PostgresLedger, database_url: str, sql: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql(f"UPDATE launchway.schema_version SET version = {SCHEMA - 1}")
    monkeypatch.setattr(schema, "MIGRATIONS", [lambda schema: None] * SCHEMA)
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE launchway.submissions IN ROW EXCLUSIVE MODE")
        with pytest.raises(UnreachableError, match="locked by another process"):
            PostgresLedger(database_url, patience=0.1)


def test_who_brings_the_schema_up_waits_for_changes_that_have_begun(
    ledger: PostgresLedger, database_url: str, sql: Ask
) -> None:
    with ledger.engine.change():
        sql(f"UPDATE launchway.schema_version SET version = {SCHEMA - 1}")
        with pytest.raises(UnreachableError, match="locked by another process"):
            PostgresLedger(database_url, patience=0.1)


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


def test_a_change_is_on_the_disk_when_it_returns_also_where_the_server_would_not_wait(
    database: str, database_url: str, sql: Ask
) -> None:
    for kept, found in (("off", "on"), ("remote_write", "remote_write")):
        sql(f"ALTER DATABASE {database} SET synchronous_commit TO {kept}")
        with closing(PostgresLedger(database_url)) as ledger:
            assert ledger.engine.rows("SHOW synchronous_commit") == [(found,)]


def test_news_that_come_while_a_ledger_is_being_opened_are_heard(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = psycopg.Connection.execute

    def with_news(self: Any, query: Any, *rest: Any, **more: Any) -> Any:
        done = execute(self, query, *rest, **more)
        if query == f"LISTEN {schema.CHANNEL}".encode():
            with psycopg.connect(database_url, autocommit=True) as other:
                execute(other, f"NOTIFY {schema.CHANNEL}")
            execute(self, "SELECT 1")
        return done

    monkeypatch.setattr(psycopg.Connection, "execute", with_news)
    with closing(PostgresLedger(database_url)) as ledger:
        assert ledger.wait(0)


def test_events_can_neither_be_changed_nor_removed(ledger: PostgresLedger, sql: Ask) -> None:
    add(ledger, entry("a"))
    for statement in ("DELETE FROM", "UPDATE", "TRUNCATE"):
        rest = " SET kind = 'x'" if statement == "UPDATE" else ""
        with pytest.raises(psycopg.Error, match="append-only"):
            sql(f"{statement} launchway.events{rest}")


# Rights


@pytest.fixture
def team(postgres: Server, database: str, ledger: PostgresLedger, sql: Ask) -> Iterator[str]:
    """The address for a role with the rights of the documentation, and no others."""
    sql("CREATE ROLE team LOGIN")
    _, rights = Path("docs/postgresql.md").read_text().split("```sql\n")
    sql(rights.split("```")[0])
    yield postgres.url(database, user="team")
    sql("DROP OWNED BY team; DROP ROLE team")


def test_the_rights_of_the_documentation_do_for_work_and_for_what_later_releases_add(team: str, sql: Ask) -> None:
    with closing(PostgresLedger(team)) as mine:
        fill(mine)
        assert mine.change("c1", {"reason": "x"}, Event("c1", NOW, "said", "eve"))
        assert mine.claim("line", lease=Lease("t", "o", LATER), now=NOW, caps=Caps(running=1)) is None
        sql("CREATE TABLE launchway.later (seq BIGSERIAL, name TEXT)")
        with mine.engine.change() as db:
            assert db.run("INSERT INTO later (name) VALUES ('x')") == 1


def test_who_is_not_the_owner_can_neither_erase_nor_rewrite_an_event(team: str, sql: Ask) -> None:
    sql("GRANT UPDATE ON launchway.events TO team")  # as a ledger has it that was granted more than is needed
    with closing(PostgresLedger(team)) as mine:
        fill(mine)
        before = everything(mine.engine)
        with pytest.raises(AuthError, match="only the owner of the ledger"):
            erase(mine.engine, Order(MUCH_LATER, None, "team", MUCH_LATER))
        mark = "UPDATE submissions SET erased = 'under way' WHERE id = 'a1'"
        with pytest.raises(LedgerError, match="append-only"):
            changed(mine, mark, "UPDATE events SET who = 'erased' WHERE submission = 'a1'")
        assert everything(mine.engine) == before


def test_who_is_not_the_owner_is_told_so_by_a_restore_and_nothing_is_copied(team: str, tmp_path: Path) -> None:
    with closing(SqliteLedger(tmp_path / "backup.db")) as backup, closing(PostgresLedger(team)) as mine:
        fill(backup)
        with pytest.raises(AuthError, match="only the owner of the ledger"):
            copy(backup.engine, mine.engine)
        assert mine.entries(Filter(), None) == []


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
