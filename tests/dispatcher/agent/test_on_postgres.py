"""An agent on a shared ledger: the database goes away for real, and a job of one machine stays there."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends.base import Observation, Request
from dispatcher.backends.local.backend import LocalBackend
from dispatcher.errors import OutdatedError
from dispatcher.job import Job
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ToyCloud
from tools.postgres.server import Server

pytestmark = pytest.mark.postgres
Open = Callable[..., Dispatcher]


@pytest.fixture
def opened(tmp_path: Path, outputs: Path) -> Iterator[Open]:
    """Open a ledger by its address, with one queue in it."""
    all_of_them: list[Dispatcher] = []

    def open_(url: str, **given: Any) -> Dispatcher:
        environment = {"USER": "ada", "HOME": str(tmp_path), "PATH": ""}
        dispatcher = Dispatcher(url, environment=environment, **given)
        all_of_them.append(dispatcher)
        (tmp_path / "q.yaml").write_text("queues: [{name: line, zone: aws-euc1}]")
        dispatcher.sync(outputs=[outputs], queues=tmp_path / "q.yaml", project=tmp_path)
        return dispatcher

    yield open_
    for one in all_of_them:
        one.close()


class DarkCloud(ToyCloud):
    """A cloud whose first job is made at the very moment at which the database goes away."""

    def submit(self, request: Request) -> str:
        made = super().submit(request)
        self.made()
        return made

    def poll(self, names: Sequence[str]) -> Mapping[str, Observation]:
        self.polled()
        return super().poll(names)

    made: Callable[[], None] = staticmethod(lambda: None)
    polled: Callable[[], None] = staticmethod(lambda: None)


def test_a_database_that_stops_right_after_a_call_costs_neither_the_job_nor_a_second_one(opened: Open) -> None:
    cloud, lines = DarkCloud(), list[str]()
    with Server() as server:

        def sleep(seconds: float) -> None:
            # Only an agent whose ledger is away sleeps like this.
            assert any("trouble" in line for line in lines)
            server.start()

        dispatcher = opened(server.url(), open_backend=lambda zone, **_: cloud, sleep=sleep)
        id = dispatcher.enqueue(dispatcher.plan(job(), "line")).id
        agent = dispatcher.agents.make(write=lines.append, name="one")
        cloud.made, cloud.polled = server.stop, agent.stop
        agent.run()
        assert cloud.sent == [f"train-{id}-1"]
        assert [event.kind for event in dispatcher.events(id)] == ["queued", "claimed", "adopted"]
        assert dispatcher.show(id).state == "pending"
        assert dispatcher.agents.list() == []
        dispatcher.close()


def test_a_job_of_this_machine_is_not_run_on_another(
    opened: Open, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = opened(database_url)
    plan = dispatcher.plan(Job(image="none", command=(sys.executable, "-c", "pass"), name="here"), "local")
    id = dispatcher.enqueue(plan).id
    here, work = dispatcher.agents.make(name="here"), dispatcher.work()
    with monkeypatch.context() as patched:
        patched.setattr(dispatcher, "work", lambda: dataclasses.replace(work, host="elsewhere"))
        there = dispatcher.agents.make(name="there")
        there.once()
        assert dispatcher.show(id).state == "queued"
    here.once()
    assert dispatcher.show(id).started
    with monkeypatch.context() as patched:
        asked = list[Sequence[str]]()

        def poll(self: LocalBackend, names: Sequence[str]) -> Mapping[str, Observation]:
            asked.append(names)
            return {}

        patched.setattr(LocalBackend, "poll", poll)
        there.once()
        assert asked == []
        here.once()
        assert asked == [[f"here-{id}-1"]]
    assert dispatcher.wait(id).state == "succeeded"


def test_each_machine_asks_about_its_own_local_jobs(
    opened: Open, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = opened(database_url)
    work = dispatcher.work()

    def submitted(name: str) -> str:
        plan = dispatcher.plan(Job(image="none", command=(sys.executable, "-c", "pass"), name=name), "local")
        return dispatcher.enqueue(plan).id

    asked = list[Sequence[str]]()

    def poll(self: LocalBackend, names: Sequence[str]) -> Mapping[str, Observation]:
        asked.append(names)
        return {}

    mine = submitted("mine")
    here = dispatcher.agents.make(name="here")
    here.once()
    with monkeypatch.context() as patched:
        patched.setattr(dispatcher, "work", lambda: dataclasses.replace(work, host="elsewhere"))
        there = dispatcher.agents.make(name="there")
        there.turns.owner = "bob@elsewhere#7"
        theirs = submitted("theirs")
        with dispatcher.ledger.engine.change() as db:  # type: ignore[attr-defined]  # of SQL ledgers
            db.run("UPDATE submissions SET host = 'elsewhere' WHERE id = ?", (theirs,))
        there.once()
        patched.setattr(LocalBackend, "poll", poll)
        there.once()
        here.once()
    assert asked == [[f"theirs-{theirs}-1"], [f"mine-{mine}-1"]]
    assert dispatcher.wait(mine).state == "succeeded"


def test_an_agent_whose_database_a_newer_release_upgrades_leaves(opened: Open, database_url: str) -> None:
    dispatcher = opened(database_url)
    agent = dispatcher.agents.make(name="one")
    agent.once()
    with psycopg.connect(database_url, autocommit=True) as newer:
        newer.execute("UPDATE launchway.schema_version SET version = 99")
        newer.execute("SELECT pg_notify('launchway', 'schema')")
    with pytest.raises(OutdatedError, match="newer launchway"):
        agent.run()
