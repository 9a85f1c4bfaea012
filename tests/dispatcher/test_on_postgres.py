"""Several people on one PostgreSQL ledger: one line, one clock, and what doctor and the command line say of it."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatcher import cli
from dispatcher.api import Dispatcher
from dispatcher.backends.base import State
from dispatcher.clock import moment
from dispatcher.doctor import examine
from dispatcher.errors import UsageError
from dispatcher.ledger.address import shown
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ToyCloud
from tools.postgres.server import Server

pytestmark = pytest.mark.postgres

QUEUES = "queues: [{name: line, zone: aws-euc1, max_running: 1}]"
Open = Callable[..., Dispatcher]


@pytest.fixture
def machine(database_url: str, tmp_path: Path, cloud: ToyCloud) -> Iterator[Open]:
    """Opens the ledger as a person on a machine of their own; the clock is the real one."""
    opened: list[Dispatcher] = []

    def open_it(who: str, **more: Any) -> Dispatcher:
        environment = {"USER": who, "HOME": str(tmp_path / who), "PATH": "", "DISPATCH_LEDGER": database_url}
        opened.append(Dispatcher(environment=environment, open_backend=lambda zone, **_: cloud, **more))
        return opened[-1]

    yield open_it
    for one in opened:
        one.close()


@pytest.fixture
def synced(machine: Open, outputs: Path, tmp_path: Path) -> Open:
    (tmp_path / "queues.yaml").write_text(QUEUES)
    machine("ada").sync(outputs=[outputs], queues=tmp_path / "queues.yaml", project=tmp_path)
    return machine


def test_two_people_share_one_line_its_cap_and_its_order(synced: Open, cloud: ToyCloud) -> None:
    ada, bob = synced("ada"), synced("bob")
    first = ada.submit(job(), "line")
    second = bob.submit(job(), "line")
    assert (first.state, second.state) == ("pending", "queued")
    cloud.end(cloud.sent[0])
    ada.tick()
    assert bob.show(second.id).state == "pending"
    assert [entry.who for entry in ada.list()] == ["bob", "ada"]


def test_of_retries_at_the_same_moment_one_goes_on_with_the_checkpoints(synced: Open, cloud: ToyCloud) -> None:
    ada = synced("ada")
    first = ada.submit(dataclasses.replace(job(), checkpoint=True), "line")
    cloud.end(cloud.sent[0], State.FAILED)
    ada.tick()
    start, refused = threading.Barrier(4), list[str]()

    def again(number: int) -> None:
        one = synced(f"p{number}")
        plan = one.plan_retry(first.id)
        start.wait(timeout=30)
        try:
            one.enqueue(plan)
        except UsageError as error:
            refused.append(error.message)

    people = [threading.Thread(target=again, args=(number,)) for number in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join(timeout=60)
    (kept,) = [entry.id for entry in ada.list() if entry.retry_of == first.id]
    assert refused == [f"job {kept} goes on with the checkpoints of {first.id} already, and is queued"] * 3


def test_times_are_the_database_s_on_a_machine_whose_clock_is_off(
    synced: Open, monkeypatch: pytest.MonkeyPatch, sql: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    import time

    real = time.time
    monkeypatch.setattr("time.time", lambda: real() - 900)
    bob = synced("bob")
    entry = bob.submit(job(), "line")
    ((now,),) = sql("SELECT extract(epoch FROM clock_timestamp())::float8")
    assert abs(moment(entry.submitted_at) - now) < 60
    rows = {check.subject: check for check in examine(bob)}
    assert rows["time"].verdict == "warn"
    assert "900 s behind the ledger's" in rows["time"].finding
    monkeypatch.undo()
    assert {check.subject: check.verdict for check in examine(synced("ada"))}["time"] == "ok"


def test_doctor_names_the_ledger_and_says_when_it_cannot_be_reached(synced: Open, database_url: str) -> None:
    (found,) = [check for check in examine(synced("ada")) if check.subject == "ledger"]
    assert (found.verdict, found.finding) == ("ok", f"{shown(database_url)}: 0 jobs, environment golden")
    away = Dispatcher("postgresql://ada@127.0.0.1:9/nothing", environment={"HOME": "/nowhere"})
    (found,) = [check for check in examine(away) if check.subject == "ledger"]
    assert found.verdict == "fail"
    assert "does not answer" in found.finding
    assert found.remedy


def test_who_waits_for_a_job_waits_for_a_database_that_is_away_too(
    outputs: Path, tmp_path: Path, cloud: ToyCloud
) -> None:
    (tmp_path / "queues.yaml").write_text(QUEUES)
    slept: list[float] = []
    said: list[str] = []
    with Server() as server:

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 2:
                server.stop()
            if len(slept) == 5:
                cloud.end(cloud.sent[0])
                server.start()

        home = {"USER": "ada", "HOME": str(tmp_path), "PATH": ""}
        with Dispatcher(server.url(), environment=home, sleep=sleep, open_backend=lambda zone, **_: cloud) as ada:
            ada.notice = said.append
            ada.sync(outputs=[outputs], queues=tmp_path / "queues.yaml", project=tmp_path)
            entry = ada.submit(job(), "line")
            assert ada.wait(entry.id).state == "succeeded"
    assert ["does not answer" in said[0], said[1:]] == [True, ["the ledger is back"]]
    assert cloud.sent == [entry.cloud_name]


def test_doctor_warns_of_a_ledger_that_others_can_read_on_the_way(
    synced: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = synced("ada")
    assert "encryption" not in {check.subject for check in examine(ada)}
    monkeypatch.setattr("dispatcher.ledger.sql.SqlLedger.exposed", True)
    (found,) = [check for check in examine(ada) if check.subject == "encryption"]
    assert (found.verdict, "sslmode=verify-full" in found.remedy) == ("warn", True)


def test_the_command_line_reads_and_keeps_a_shared_ledger(
    synced: Open,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    entry = synced("ada").submit(job(), "line")
    monkeypatch.chdir(tmp_path)

    def said(*words: str) -> str:
        capsys.readouterr()
        assert cli.run(["--ledger", database_url, *words]) == 0
        return capsys.readouterr().out

    assert [one["id"] for one in json.loads(said("list", "-o", "json"))] == [entry.id]
    assert [one["id"] for one in json.loads(said("ledger", "export"))] == [entry.id]
    assert said("ledger", "backup", "team.db").startswith("1 job in team.db")
    said("ledger", "vacuum")
    with Dispatcher("team.db", environment={"HOME": str(tmp_path)}) as copied:
        assert copied.show(entry.id) == synced("bob").show(entry.id)


def test_a_password_in_the_address_is_refused_and_not_repeated(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCH_LEDGER", "postgresql://ada:hunter2-hunter2@127.0.0.1:9/x")
    assert cli.run(["list"]) == UsageError.exit_code
    said = capsys.readouterr()
    assert "has a password in it" in said.err
    assert "hunter2" not in said.out + said.err
