"""What every ledger driver must do for its upkeep (copies, exports, erasure); a driver's tests run it all."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dispatcher.errors import LedgerError
from dispatcher.ledger import Event, Filter, Ledger, Target
from dispatcher.ledger.copying import TABLES, copy, submissions
from dispatcher.ledger.engine import Engine, Transaction
from dispatcher.ledger.erasing import Order, erase
from dispatcher.ledger.rows import AgentRow, Entry, ImageRow, MetricRow, SweepRow
from dispatcher.ledger.sql import SqlLedger
from dispatcher.ledger.sqlite import SqliteLedger
from dispatcher.ledger.values import Lease
from tests.dispatcher.ledger.given import LATER, MUCH_LATER, NOW, Open, add, entry, sync

NOBODY = Order(MUCH_LATER, None, "root", MUCH_LATER)
OWNER = "ada@laptop-7#4711-0a1b2c3d-99aabbcc"


def engine(ledger: Ledger) -> Engine:
    assert isinstance(ledger, SqlLedger)
    return ledger.engine


def everything(of: Engine) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, each in the order of its key."""
    found = {}
    for table in TABLES:
        rows = of.rows(f"SELECT {table.columns} FROM {table.name} ORDER BY {', '.join(table.key)}")
        found[table.name] = [tuple(row) for row in rows]
    return found


def ended(id: str, **columns: object) -> Entry:
    return entry(id, **{"state": "succeeded", "ended_at": LATER, "cloud_name": f"s-{id}-1", **columns})


def fill(ledger: Ledger) -> None:
    """A bit of everything: ada's job that ended with her name all over it, bob's, and one of hers that runs."""
    sync(ledger, ["line"])
    ledger.pause("line", "maintenance (by ada)")
    job = json.dumps({"command": ["python", "/home/ada/train.py", "--adaptive"], "image": "ada-train:1"})
    add(
        ledger,
        ended("a1", who="ada", host="laptop-7", job=job, slug="ada-train", cloud_name="ada-train-a1-1",
              labels='{"team": "ada", "run": "7"}', lease_owner=OWNER, reason="ada's laptop-7 said no"),
        ended("b1", who="bob", host="desk", cancelled_by="ada", billable_seconds=90),
        entry("c1", who="ada", host="laptop-7", state="running", cloud_name="s-c1-1"),
    )  # fmt: skip
    with engine(ledger).change() as db:
        for id, who, data in (("a1", OWNER, '{"note": "as ada asked"}'), ("b1", "ada", "{}"), ("b1", "bob", "{}")):
            db.run(
                "INSERT INTO events (submission, at, kind, who, data) VALUES (?, ?, 'noted', ?, ?)",
                (id, NOW, who, data),
            )
    ledger.add_sweep(SweepRow("s1", "find", "ada", "laptop-7", NOW, '{"by": "ada"}', "d", "ended", None, LATER))
    ledger.record_metrics([MetricRow("a1", "loss", 3, 0.25, NOW)])
    ledger.hold_back(Target("z", "h", 0, 1, LATER, "no capacity"))
    ledger.record_image(
        ImageRow("z", "train", "sha256:1", "r", "t", "linux/amd64", NOW, "ada", "/home/ada/image", 1)
    )
    ledger.check_in(AgentRow("runner", "token", OWNER, "laptop-7", NOW, NOW), stale=NOW)
    ledger.turn("sweeps", Lease("t", OWNER, NOW), NOW)


def changed(ledger: Ledger, *statements: str) -> None:
    with engine(ledger).change() as db:
        for statement in statements:
            db.run(statement)


def plant(ledger: Ledger) -> None:
    """Ada's name, or her machine's, wherever text is kept about bob's things."""
    word = "by Ada on laptop-7"
    path = json.dumps({"command": ["/home/ada/x", "laptop-7"], "env": {"ada": "1"}})
    add(
        ledger,
        ended("b2", who="bob", host="desk", job=path, slug="for-ada", cloud_name="for-ada-b2-1", reason=word,
              labels='{"ada": "laptop-7"}', parameters='{"by": "ada"}', links='{"Ada": "https://x/ada"}',
              last_error=word, model_uri="s3://x/ada", provider_id="job/for-ada"),
    )  # fmt: skip
    with engine(ledger).change() as db:
        sql = "INSERT INTO events (submission, at, kind, who, data) VALUES ('b2', ?, 'noted', ?, ?)"
        db.run(sql, (NOW, "bob@laptop-7#1-a", json.dumps({"note": word})))
        db.run("UPDATE queues SET paused_reason = ?", (word,))
    ledger.add_sweep(SweepRow("s2", "for-ada", "bob", "desk", NOW, path, "d", "ended", word, LATER))
    ledger.record_metrics([MetricRow("b2", "ada", 1, 0.5, NOW), MetricRow("b2", "laptop-7", 1, 0.5, NOW)])
    ledger.hold_back(Target("z", "h2", 0, 1, LATER, "assumed-role/x/ada is not authorized"))
    ledger.record_image(
        ImageRow("z", "i", "sha256:2", "r", "t", "p", NOW, "bob", "/home/ada", 0, '["/home/ada"]', '["ada"]')
    )


class Upkeep:
    """Subclass it with an `open` fixture that returns a function opening one and the same ledger."""

    def test_a_copy_has_everything_and_goes_on_as_a_ledger_of_either_kind(
        self, open: Open, tmp_path: Path
    ) -> None:
        ledger = open()
        fill(ledger)
        with closing(SqliteLedger(tmp_path / "copy.db")) as copied:
            assert copy(engine(ledger), copied.engine) == 3
            assert everything(copied.engine) == everything(engine(ledger))
            assert copied.change("c1", {"reason": "x"}, Event("c1", NOW, "said", "eve"))
            numbers = [event.seq for event in copied.events("c1")]
            assert numbers == sorted(set(numbers))

    def test_what_a_copy_is_put_into_must_be_empty_and_what_fails_leaves_it_so(
        self, open: Open, tmp_path: Path
    ) -> None:
        ledger = open()
        fill(ledger)
        before = everything(engine(ledger))
        with closing(SqliteLedger(tmp_path / "backup.db")) as backup:
            copy(engine(ledger), backup.engine)
            with pytest.raises(LedgerError, match="there are jobs in the ledger"):
                copy(backup.engine, engine(ledger))
        assert everything(engine(ledger)) == before

    def test_a_backup_is_put_back_with_the_numbers_of_its_events(self, open: Open, tmp_path: Path) -> None:
        with closing(SqliteLedger(tmp_path / "backup.db")) as backup:
            fill(backup)
            ledger = open()
            ledger.synchronise([], [], "dev")
            assert copy(backup.engine, engine(ledger)) == 3
            assert everything(engine(ledger)) == everything(backup.engine)
        assert ledger.change("c1", {"reason": "x"}, Event("c1", NOW, "said", "eve"))
        numbers = [row[0] for row in engine(ledger).rows("SELECT seq FROM events")]
        assert len(numbers) == len(set(numbers)) == 7

    def test_an_export_is_of_one_moment_whatever_happens_meanwhile(self, open: Open) -> None:
        ledger, other = open(), open()
        add(ledger, entry("a"), entry("b"))
        reading = submissions(engine(ledger))
        first, events = next(reading)
        assert (first.id, [event.kind for event in events]) == ("a", ["queued"])
        add(other, entry("c"))
        assert [one.id for one, _ in reading] == ["b"]
        assert ledger.change("a", {"reason": "and it can be written again"})

    def test_a_ledger_that_is_made_compact_is_as_it_was(self, open: Open) -> None:
        ledger = open()
        fill(ledger)
        before = everything(engine(ledger))
        engine(ledger).vacuum()
        assert everything(engine(ledger)) == before
        assert engine(ledger).size() > 0

    def test_an_erased_person_is_nowhere_in_what_has_ended_and_everything_else_stays(self, open: Open) -> None:
        ledger = open()
        fill(ledger)
        plant(ledger)
        done = erase(engine(ledger), Order(MUCH_LATER, "ada", "root", MUCH_LATER))
        assert (done.submissions, done.events, done.open) == (3, 6, 1)
        rows = [row for rows in everything(engine(ledger)).values() for row in rows if "c1" not in row]
        assert not re.search(r"\bada\b|laptop-7", json.dumps(rows), re.IGNORECASE), (
            "of the job that runs everything stays"
        )
        assert "--adaptive" in json.dumps(rows)
        for id, who in (("a1", "erased"), ("b1", "bob")):
            found = ledger.entry(id)
            assert found is not None
            assert (found.who, found.state, found.job_digest, found.ended_at) == (who, "succeeded", "d", LATER)
        assert [event.kind for event in ledger.events("a1")] == ["queued", "noted", "erased"]
        assert ledger.agents() == []
        assert ledger.turns() == []

    def test_a_name_is_found_however_json_spells_it_and_a_part_of_a_word_is_none(self, open: Open) -> None:
        ledger = open()
        person = "corp\\jürgen"
        labels = json.dumps({"by": person, "job": "jürgensen", person: "1"})
        add(ledger, ended("a", who=person, job=json.dumps({"env": {"BY": person}}), labels=labels))
        erase(engine(ledger), Order(MUCH_LATER, person, "root", MUCH_LATER))
        found = ledger.entry("a")
        assert found is not None
        assert (found.who, json.loads(found.job)) == ("erased", {"env": {"BY": "erased"}})
        kept = {"by": "erased", "job": "jürgensen", "erased": "1"}
        assert json.loads(found.labels or "") == kept
        assert dict(engine(ledger).rows("SELECT key, value FROM labels")) == kept

    def test_somebody_who_is_called_like_a_fact_changes_no_fact(self, open: Open) -> None:
        ledger = open()
        facts = {
            "environment": "dev",
            "cause": "program",
            "workload": "ci",
            "price_source": "root",
            "queue": "line",
        }
        for number, name in enumerate(("dev", "program", "ci", "root", "command", "line", "succeeded")):
            add(ledger, ended(f"a{number}", who=name, host="den", job='{"command": ["y"]}', **facts))
        with engine(ledger).change() as db:
            sql = "INSERT INTO events (submission, at, kind, who, data) VALUES ('a0', ?, 'seen', 'x', ?)"
            db.run(sql, (NOW, '{"state": "succeeded", "cause": "program"}'))
        erase(engine(ledger), NOBODY)
        for id in ("a0", "a4"):
            found = ledger.entry(id)
            assert found is not None
            assert (found.who, found.job, found.state) == ("erased", '{"command": ["y"]}', "succeeded")
            assert {name: getattr(found, name) for name in facts} == facts
        assert json.loads(ledger.events("a0")[1].data) == {"state": "succeeded", "cause": "program"}

    def test_an_agent_that_runs_keeps_its_row(self, open: Open) -> None:
        ledger = open()
        ledger.check_in(AgentRow("runner", "token", OWNER, "laptop-7", NOW, LATER), stale=NOW)
        erase(engine(ledger), Order(MUCH_LATER, "ada", "root", MUCH_LATER, unseen=LATER))
        assert [agent.name for agent in ledger.agents()] == ["runner"]
        erase(engine(ledger), Order(MUCH_LATER, "ada", "root", MUCH_LATER, unseen=MUCH_LATER))
        assert ledger.agents() == []

    def test_a_ledger_that_got_a_job_meanwhile_is_not_restored_into(self, open: Open, tmp_path: Path) -> None:
        ledger, other = open(), open()
        with closing(SqliteLedger(tmp_path / "backup.db")) as backup:
            fill(backup)
            whole = backup.engine.snapshot

            @contextlib.contextmanager
            def late() -> Iterator[Transaction]:
                with whole() as db:
                    add(other, entry("new"))
                    yield db

            backup.engine.snapshot = late  # type: ignore[method-assign]  # the last moment before it is written
            with pytest.raises(LedgerError, match="there are jobs in the ledger"):
                copy(backup.engine, engine(ledger))
        assert [one.id for one in ledger.entries(Filter(), None)] == ["new"]

    @pytest.mark.parametrize("what", ["images", "sweeps"])
    def test_what_has_images_or_sweeps_is_not_restored_into(self, open: Open, tmp_path: Path, what: str) -> None:
        ledger = open()
        ledger.hold_back(Target("z", "h", 0, 1, LATER, "no capacity"))
        if what == "images":
            ledger.record_image(ImageRow("z", "train", "sha256:1", "r", "t", "p", NOW, "ada", "/", 1))
        else:
            ledger.add_sweep(SweepRow("s1", "find", "ada", "laptop-7", NOW, "{}", "d", "ended", None, LATER))
        with closing(SqliteLedger(tmp_path / "backup.db")) as backup:
            fill(backup)
            with pytest.raises(LedgerError, match=f"there are {what} in the ledger"):
                copy(backup.engine, engine(ledger))

    def test_a_tombstone_says_when_and_by_whom_and_not_who_it_was(self, open: Open) -> None:
        ledger = open()
        fill(ledger)
        erase(engine(ledger), Order(MUCH_LATER, "ada", "root", MUCH_LATER))
        *_, tomb = ledger.events("a1")
        assert (tomb.kind, tomb.at, tomb.who) == ("erased", MUCH_LATER, "root")
        found = ledger.entry("a1")
        assert found is not None
        assert found.erased == MUCH_LATER
        erase(engine(ledger), Order(MUCH_LATER, "bob", "bob", MUCH_LATER))
        assert [event.who for event in ledger.events("b1")][-1] == "erased", "who erases himself leaves no name"

    def test_without_a_person_everybody_s_name_goes_out_of_what_is_old_enough(self, open: Open) -> None:
        ledger = open()
        fill(ledger)
        add(ledger, ended("d1", who="dora", host="den", ended_at=MUCH_LATER))
        done = erase(engine(ledger), NOBODY)
        assert done.submissions == 2
        for id, who in (("a1", "erased"), ("b1", "erased"), ("c1", "ada"), ("d1", "dora")):
            found = ledger.entry(id)
            assert found is not None
            assert found.who == who
        again = erase(engine(ledger), NOBODY)
        assert (again.submissions, again.events, again.others) == (0, 0, 0)
        assert len([event for event in ledger.events("a1") if event.kind == "erased"]) == 1

    def test_events_are_append_only_but_for_an_erasure_while_it_lasts(self, open: Open) -> None:
        ledger = open()
        fill(ledger)
        erase(engine(ledger), NOBODY)

        def change(sql: str) -> None:
            with engine(ledger).change() as db:
                db.run(sql)

        for sql in (
            "UPDATE events SET who = 'erased'",
            "UPDATE events SET data = '{}' WHERE submission = 'a1'",
            "DELETE FROM events WHERE submission = 'a1'",
        ):
            with pytest.raises(LedgerError, match="append-only"):
                change(sql)
        mark = "UPDATE submissions SET erased = 'under way' WHERE id = 'a1'"
        for column, value in (("kind", "'x'"), ("at", "'x'"), ("submission", "'b1'")):

            def during(text: str = f"UPDATE events SET {column} = {value} WHERE submission = 'a1'") -> None:
                with engine(ledger).change() as db:
                    db.run(mark)
                    db.run(text)

            with pytest.raises(LedgerError, match="append-only"):
                during()
        for sql in (
            f"{mark}; UPDATE events SET who = 'mallory' WHERE submission = 'a1'",
            "UPDATE submissions SET erased = 'under way' WHERE id = 'c1'",
            f"UPDATE submissions SET erased = '{LATER}' WHERE id = 'b1'",
            "UPDATE submissions SET erased = NULL WHERE id = 'b1'",
            f"{mark}; UPDATE submissions SET erased = NULL WHERE id = 'a1'",
        ):
            with pytest.raises(LedgerError, match=r"append-only|nothing but an erasure"):
                changed(ledger, *sql.split("; "))
