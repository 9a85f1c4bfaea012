"""`dispatch ledger`: backups that are ledgers, exports that are JSON, and erasure that asks first."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dispatcher.api import Dispatcher
from dispatcher.errors import ExitCode
from dispatcher.ledger.engine import Engine
from dispatcher.ledger.migrations import APPLICATION, MIGRATIONS, SCHEMA, SqliteSchema
from tests.dispatcher.command_line import Run, submitted
from tests.dispatcher.doubles import ManualClock, ToyCloud


@pytest.fixture
def job(line: Run, cloud: ToyCloud) -> str:
    """The id of a job that has ended."""
    id = submitted(line("submit", "job.yaml"))
    (name,) = cloud.sent
    cloud.end(name)
    assert line("wait", id).code == ExitCode.OK
    return id


def test_a_backup_is_a_ledger_that_holds_the_same_and_is_private(line: Run, job: str) -> None:
    said = line("ledger", "backup", "copy.db")
    assert (said.code, said.out) == (0, "1 job in copy.db; `dispatch --ledger copy.db list` reads it\n")
    assert sorted(path.name for path in Path().iterdir()) == ["copy.db", "job.yaml"]
    with Dispatcher("copy.db", environment=dict(os.environ)) as copied:
        assert copied.show(job).state == "succeeded"
        assert [row.name for row in copied.queues()] == ["line"]
    assert Path("copy.db").stat().st_mode & 0o077 == 0


def test_a_backup_replaces_nothing_and_one_that_fails_leaves_nothing(
    line: Run, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("copy.db").write_text("precious")
    said = line("ledger", "backup", "copy.db")
    assert said.code == ExitCode.USAGE
    assert "a backup replaces nothing" in said.err
    assert Path("copy.db").read_text() == "precious"
    assert line("ledger", "backup", "job.yaml/x").code != ExitCode.OK
    monkeypatch.setattr("dispatcher.ledger.copying._PORTION", "many")
    assert line("ledger", "backup", "other.db").code == ExitCode.UNEXPECTED
    assert sorted(path.name for path in Path().iterdir()) == ["copy.db", "job.yaml"]


def test_a_backup_is_put_into_an_empty_ledger_and_into_no_other(line: Run, job: str, tmp_path: Path) -> None:
    assert line("ledger", "backup", "copy.db").code == 0
    said = line("ledger", "restore", "copy.db")
    assert said.code == ExitCode.UNEXPECTED
    assert "there are jobs in the ledger" in said.err
    with Dispatcher(tmp_path / "new.db", environment=dict(os.environ)) as empty:
        assert empty.upkeep.restore(Path("copy.db")) == 1
        assert empty.show(job).state == "succeeded"
    assert line("ledger", "restore", "nothing.db").code == ExitCode.USAGE


def test_a_backup_of_an_older_release_is_restored_and_stays_as_it_is(tmp_path: Path) -> None:
    old = tmp_path / "kept" / "old.db"
    old.parent.mkdir()
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        for migration in MIGRATIONS[:-1]:
            migration(SqliteSchema(db))
        db.execute(f"PRAGMA user_version = {SCHEMA - 1}")
        db.execute(f"PRAGMA application_id = {APPLICATION}")
    old.chmod(0o400)
    before = old.read_bytes()
    with Dispatcher(tmp_path / "new.db", environment=dict(os.environ)) as empty:
        assert empty.upkeep.restore(old) == 0
    assert old.read_bytes() == before
    assert [path.name for path in old.parent.iterdir()] == ["old.db"]


def test_a_backup_replaces_no_file_that_came_while_it_was_made(
    line: Run, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(source: Engine, target: Engine) -> int:
        Path("copy.db").write_text("precious")
        return 0

    monkeypatch.setattr("dispatcher.ledger.copying.copy", late)
    said = line("ledger", "backup", "copy.db")
    assert said.code == ExitCode.USAGE
    assert "a backup replaces nothing" in said.err
    assert Path("copy.db").read_text() == "precious"
    assert sorted(path.name for path in Path().iterdir()) == ["copy.db", "job.yaml"]


def test_an_export_is_a_json_list_with_a_job_on_each_line(line: Run, job: str) -> None:
    other = submitted(line("submit", "job.yaml"))
    said = line("ledger", "export")
    assert {one["id"] for one in said.json} == {job, other}
    (ended,) = [one for one in said.json if one["id"] == job]
    assert [event["kind"] for event in ended["events"]][:2] == ["queued", "claimed"]
    assert "lease_token" not in ended
    assert len(said.out.splitlines()) == 3


def test_an_export_of_nothing_is_an_empty_list(line: Run) -> None:
    assert line("ledger", "export").json == []


def test_a_compact_ledger_says_its_size(line: Run, job: str) -> None:
    said = line("ledger", "vacuum")
    assert said.code == 0
    assert "MiB" in said.out
    assert line("show", job).code == 0


def test_names_go_out_of_what_is_old_enough_and_a_tombstone_stays(
    line: Run, job: str, clock: ManualClock, dispatcher: Dispatcher
) -> None:
    clock.now += 2 * 3600
    submitted(line("submit", "job.yaml"))
    said = line("ledger", "purge", "--older-than", "5h", "-y")
    assert said.out.startswith("names are out of 0 jobs, 0 events")
    said = line("ledger", "purge", "--older-than", "30m", "--person", "ada", "-y")
    assert said.out.startswith("names are out of 1 job, ")
    assert "1 job not ended yet" in said.err
    assert "backups" in said.err
    shown = json.loads(line("show", job, "-o", "json").out)
    assert (shown["who"], shown["host"], shown["state"]) == ("erased", "erased", "succeeded")
    *_, tomb = dispatcher.events(job)
    assert (tomb.kind, tomb.who) == ("erased", "erased")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "whose names, and how old"),
        (("--older-than", "yesterday", "-y"), "--older-than 'yesterday' is not a duration"),
        (("--person", "ada"), "nobody is here to be asked"),
    ],
)
def test_an_erasure_that_is_not_meant_changes_nothing(line: Run, job: str, words: list[str], reason: str) -> None:
    said = line("ledger", "purge", *words)
    assert said.code == ExitCode.USAGE
    assert reason in said.err
    assert json.loads(line("show", job, "-o", "json").out)["who"] == "ada"
