"""The SQLite ledger: the conformance suite, its schema, and every way its file can be wrong."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dispatcher.errors import ExitCode, LedgerError, UnreachableError
from dispatcher.ledger import Caps, Entry, Event, Filter, Lease, Ledger, listing
from dispatcher.ledger.erasing import Order, erase
from dispatcher.ledger.migrations import APPLICATION, MIGRATIONS, SCHEMA, SqliteSchema
from dispatcher.ledger.opening import translated
from dispatcher.ledger.rows import ACTIVE, ENTRY_COLUMNS
from dispatcher.ledger.sqlite import SqliteLedger
from tests.dispatcher.ledger.care import Upkeep
from tests.dispatcher.ledger.conformance import Conformance
from tests.dispatcher.ledger.given import LATER, MUCH_LATER, NOW, Open, add, claim, entry
from tests.dispatcher.ledger.surroundings import Surroundings


@pytest.fixture
def open(tmp_path: Path) -> Iterator[Open]:
    opened: list[SqliteLedger] = []

    def opener() -> Ledger:
        opened.append(SqliteLedger(tmp_path / "ledger.db"))
        return opened[-1]

    yield opener
    for ledger in opened:
        ledger.close()


def as_columns(one: Entry) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ENTRY_COLUMNS}


class TestSqlite(Conformance):
    pass


class TestSurroundings(Surroundings):
    pass


class TestUpkeep(Upkeep):
    pass


def test_the_columns_of_the_table_are_the_fields_of_an_entry(open: Open, tmp_path: Path) -> None:
    open()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        names = [row[1] for row in db.execute("PRAGMA table_info(submissions)")]
    assert sorted(names) == sorted(ENTRY_COLUMNS)


def test_a_change_is_on_the_disk_when_it_returns(open: Open) -> None:
    ledger = open()
    assert isinstance(ledger, SqliteLedger)
    pragma = {
        name: ledger.engine.rows(f"PRAGMA {name}")[0][0]
        for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_events_can_neither_be_changed_nor_removed(open: Open, tmp_path: Path) -> None:
    add(open(), entry("a"))
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        for sql in ("DELETE FROM events", "UPDATE events SET kind = 'x'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(sql)


FINAL_STATES = ("succeeded", "failed", "cancelled", "timed_out")
LISTS = (
    (Filter(), "recent"),
    (Filter(since=NOW, until=LATER), "recent"),
    (Filter(after=(NOW, "a")), "recent"),
    (Filter(states=["queued"]), "queued"),
    (Filter(states=["queued"], queue="q"), "queued_by_queue"),
    (Filter(states=["running"], who="ada"), "active"),
    (Filter(states=["running"], queue="q"), "load"),
    (Filter(states=["queued", *ACTIVE]), "queued active"),
    (Filter(states=FINAL_STATES), "ended"),
    (Filter(states=FINAL_STATES, since=NOW), "ended"),
    (Filter(states=["failed"]), "ended_by_state"),
    (Filter(states=FINAL_STATES, queue="q"), "ended_by_queue"),
    (Filter(states=["failed"], who="ada", since=NOW), "ended_by_who"),
    (Filter(states=FINAL_STATES, regime="gdpr"), "ended_by_regime"),
    (Filter(priority=1), "queued active ended_by_priority"),
    (Filter(job_type="train"), "queued active ended_by_job_type"),
    (Filter(who="ada"), "queued_by_who active ended_by_who"),
    (Filter(sweep="s"), "of_sweep"),
    (Filter(labels={"team": "vision"}, states=FINAL_STATES), ""),
)


def plans(ledger: SqliteLedger, step: Callable[[], object]) -> list[str]:
    """How SQLite finds what each statement of a step asks for."""
    statements: list[str] = []
    connection = ledger.engine._connection  # type: ignore[attr-defined]  # the engine is SQLite's here
    connection.set_trace_callback(statements.append)
    step()
    connection.set_trace_callback(None)
    asked = [sql for sql in statements if sql.startswith(("SELECT", "UPDATE", "WITH"))]
    return [row[3] for sql in asked for row in ledger.engine.rows(f"EXPLAIN QUERY PLAN {sql}")]


def indexes(found: list[str]) -> set[str]:
    """The indexes of submissions in a plan; every one is walked in the order of the list and to its limit."""
    assert not [
        step for step in found if step.startswith("SCAN") and "submissions" in step and "INDEX" not in step
    ]
    return {match[1] for step in found if (match := re.search(r"INDEX submissions_(\w+)", step))}


@pytest.mark.parametrize(("wanted", "expected"), LISTS)
def test_a_list_walks_indexes_in_its_order_however_long_the_ledger_is(
    open: Open, wanted: Filter, expected: str
) -> None:
    ledger = open()
    assert isinstance(ledger, SqliteLedger)
    assert indexes(plans(ledger, lambda: ledger.entries(wanted, 20))) == set(expected.split())
    for part in listing.parts(wanted, 20):
        steps = plans(ledger, partial(ledger.engine.rows, part.text, part.values))
        sorts = [step for step in steps if "TEMP B-TREE" in step]
        assert len(sorts) == (expected == "of_sweep"), "only the few trials of a sweep are sorted"


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda ledger: claim(ledger), "waiting"),
        (lambda ledger: claim(ledger, caps=Caps(3, 5)), "waiting load"),
        (lambda ledger: claim(ledger, caps=Caps(3, 5), ageing=60), "waiting load"),
        (lambda ledger: ledger.head("line", now=NOW), "waiting"),
        (lambda ledger: ledger.place(entry("a"), NOW), "waiting"),
        (lambda ledger: ledger.ahead(entry("a"), 3, NOW, 60), "waiting"),
        (lambda ledger: ledger.waiting("line", 3), "waiting"),
        (lambda ledger: ledger.waiting_queues(), "waiting"),
        (lambda ledger: ledger.waiting_again(), "waiting_again"),
        (lambda ledger: ledger.overdue(NOW), "overdue"),
        (lambda ledger: ledger.withdrawn(), "withdrawn"),
        (lambda ledger: ledger.trials("s"), "of_sweep"),
        (lambda ledger: ledger.find("abc", 3), "cloud_name"),
    ],
)
def test_what_a_tick_asks_costs_no_more_when_more_has_ended_or_waits(
    open: Open, ask: Callable[[Ledger], object], expected: str
) -> None:
    ledger = open()
    assert isinstance(ledger, SqliteLedger)
    assert indexes(plans(ledger, lambda: ask(ledger))) == set(expected.split())


def test_many_processes_worth_of_threads_claim_each_job_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(SqliteLedger(path)) as ledger:
        add(ledger, *[entry(f"{number:04d}", priority=number % 4) for number in range(60)])

    def work(name: str) -> None:
        with closing(SqliteLedger(path, patience=30)) as mine:
            while claim(mine, lease=Lease(name, name, LATER)):
                pass

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(SqliteLedger(path)) as ledger:
        claimed = [
            row[0]
            for row in ledger.engine.rows("SELECT submission FROM events WHERE kind = 'claimed' ORDER BY seq")
        ]
    assert claimed == sorted((f"{number:04d}" for number in range(60)), key=lambda id: (int(id) % 4, id))


@pytest.mark.parametrize("schema", range(1, SCHEMA))
def test_a_ledger_of_every_earlier_schema_is_brought_up_to_date_with_all_that_is_in_it(
    tmp_path: Path, schema: int
) -> None:
    old = {**as_columns(entry("a", job='{"spot": true}', spot=1, interruptions=2)), "state": "running"}
    old |= {"cloud_name": "s-a-1", "provider_id": "arn"}
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        for migration in MIGRATIONS[:schema]:
            migration(SqliteSchema(db))
        known = {row[1] for row in db.execute("PRAGMA table_info(submissions)")}
        kept = {name: value for name, value in old.items() if name in known}
        marks = ", ".join("?" * len(kept))
        db.execute(f"INSERT INTO submissions ({', '.join(kept)}) VALUES ({marks})", [*kept.values()])
        db.execute("INSERT INTO events (submission, at, kind, who) VALUES ('a', ?, 'queued', 'ada')", (NOW,))
        db.execute(f"PRAGMA user_version = {schema}")
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.commit()
    for readonly in (True, False):
        ledger = SqliteLedger(tmp_path / "ledger.db", readonly=readonly)
        found = ledger.entry("a")
        assert found == Entry(**old), "what it did not know has the value of a job that never had it"
        assert [event.kind for event in ledger.events("a")] == ["queued"]
        ledger.close()
    with closing(SqliteLedger(tmp_path / "ledger.db")) as ledger:
        assert ledger.change("a", {"stop_reason": "max_wait", "interruptions_before": 2})


def test_a_newer_schema_is_refused_politely(open: Open, tmp_path: Path) -> None:
    before = open()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    for readonly in (False, True):
        with pytest.raises(LedgerError, match="newer launchway") as raised:
            SqliteLedger(tmp_path / "ledger.db", readonly=readonly)
        assert raised.value.remedy == "upgrade this one: pip install -U launchway"
    with pytest.raises(LedgerError, match="newer launchway"):
        add(before, entry("a"))
    assert before.entry("a") is None, "who had it open already writes nothing either"


def test_a_file_that_is_no_database_and_another_program_s_database_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is not a database, it is a shopping list\n" * 50)
    with closing(sqlite3.connect(tmp_path / "other")) as db:
        db.execute("CREATE TABLE cookies (name)")
    for name, words in (("text", "is not a ledger"), ("other", "another program"), (".", "is a directory")):
        for readonly in (False, True):
            with pytest.raises(LedgerError, match=words) as raised:
                SqliteLedger(tmp_path / name, readonly=readonly)
            assert "--ledger" in raised.value.remedy


def test_a_place_under_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LedgerError, match="cannot be made"):
        SqliteLedger(tmp_path / "file" / "ledger.db")


@contextmanager
def unprivileged() -> Iterator[Path]:
    """A directory, and rights that file modes apply to (root ignores them)."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o777)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            yield Path(directory)
        finally:
            os.seteuid(before)


def test_a_read_only_ledger_can_be_read_and_says_so_when_written() -> None:
    with unprivileged() as directory:
        path = directory / "sub" / "ledger.db"
        with closing(SqliteLedger(path)) as ledger:
            add(ledger, entry("a"))
        path.chmod(0o444)
        path.parent.chmod(0o555)
        try:
            with closing(SqliteLedger(path, readonly=True)) as reader:
                assert [one.id for one in reader.entries(Filter(), None)] == ["a"]
            with pytest.raises(LedgerError, match="read-only") as raised, closing(SqliteLedger(path)) as writer:
                writer.remember("a", "b")
            assert f"chmod u+w {path}" in raised.value.remedy
        finally:
            path.parent.chmod(0o755)


def test_a_full_disk_is_one_clear_error_and_changes_nothing(open: Open) -> None:
    ledger = open()
    assert isinstance(ledger, SqliteLedger)
    add(ledger, entry("a"))
    pages = ledger.engine.rows("PRAGMA page_count")[0][0]
    ledger.engine.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerError, match=r"disk of the ledger .* is full") as raised:
        add(ledger, *[entry(f"b{number}", job="x" * 5000) for number in range(50)])
    assert raised.value.remedy == "free some space, then try again"
    assert ledger.entry("a") == entry("a")
    assert open().count(Filter()) == ledger.count(Filter())


@pytest.mark.parametrize(("free", "words"), [(4096, "is full; nothing was recorded"), (10**9, "failed: disk I/O")])
def test_a_disk_too_full_for_the_log_s_index_is_full_and_not_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, words: str
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    with pytest.raises(LedgerError, match=words), translated(tmp_path / "ledger.db"):
        raise error


def test_a_locked_ledger_is_unreachable_and_says_that_nothing_changed(open: Open, tmp_path: Path) -> None:
    open()
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with closing(SqliteLedger(tmp_path / "ledger.db", patience=0.01)) as ledger:
            with pytest.raises(UnreachableError, match="locked by another process") as raised:
                add(ledger, entry("a"))
            assert raised.value.exit_code == ExitCode.UNREACHABLE
            assert ledger.entries(Filter(), None) == []


def test_the_lock_is_tried_for_often_so_that_nobody_starves_among_those_who_write_without_a_break(
    open: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open()
    pauses: list[float] = []
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 30:
                holder.execute("COMMIT")

        monkeypatch.setattr(time, "sleep", pause)
        with closing(SqliteLedger(tmp_path / "ledger.db")) as ledger:
            ledger.remember("now", "and then")
    assert len(pauses) == 30
    assert max(pauses) < 0.02
    assert len(set(pauses)) > 10, "or two would try at the same moments for ever"


def test_reading_where_there_is_no_ledger_yet_finds_nothing_and_makes_nothing(tmp_path: Path) -> None:
    with closing(SqliteLedger(tmp_path / "none" / "ledger.db", readonly=True)) as ledger:
        assert ledger.entries(Filter(), None) == []
    assert not (tmp_path / "none").exists()


def test_a_ledger_is_private_to_its_user(tmp_path: Path) -> None:
    with closing(SqliteLedger(tmp_path / "state" / "ledger.db")):
        assert (tmp_path / "state" / "ledger.db").stat().st_mode & 0o077 == 0


def test_an_event_of_an_unknown_submission_is_refused(open: Open) -> None:
    ledger = open()
    add(ledger, entry("a"))
    with pytest.raises(LedgerError):
        ledger.change("a", {"reason": "x"}, Event("other", NOW, "odd", "ada"))
    assert ledger.entry("a") == entry("a")


def test_an_erased_name_is_in_no_byte_of_the_files_also_while_others_have_them_open(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    with closing(SqliteLedger(path, patience=0.2)) as ledger, closing(SqliteLedger(path)) as other:
        for connection in (ledger, other):
            connection.engine.rows("PRAGMA secure_delete = OFF")  # as SQLite is built elsewhere
        for number in range(50):
            add(
                ledger,
                entry(f"{number}", who="zanzibar", state="succeeded", ended_at=LATER, cloud_name=f"{number}"),
            )
        assert other.entry("1") is not None
        order = Order(MUCH_LATER, "zanzibar", "root", MUCH_LATER)
        with other.engine.snapshot() as reading:
            assert reading.rows("SELECT 1 FROM submissions LIMIT 1")
            left = erase(ledger.engine, order).left
            assert left is not None
            assert f"{path}-wal has them" in left
        assert ledger.engine.erased() is None
        found = {file.name: file.read_bytes().count(b"zanzibar") for file in tmp_path.iterdir()}
        assert set(found.values()) == {0}, found
        assert found.keys() >= {"l.db", "l.db-wal"}
