"""The ledger beside a cloud: what only one of them knows is found and named, and nothing is changed by looking."""

from __future__ import annotations

import dataclasses
import json

import pytest

from dispatcher.agent.reconciling import Difference
from dispatcher.api import Dispatcher
from dispatcher.backends.base import State
from dispatcher.errors import ExitCode, UnreachableError
from dispatcher.ledger import Entry, Event
from tests.dispatcher.command_line import Run
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ToyCloud


def found(dispatcher: Dispatcher) -> list[Difference]:
    return dispatcher.agents.reconcile(["line"]).differences


def running(dispatcher: Dispatcher, cloud: ToyCloud) -> Entry:
    entry = dispatcher.submit(job(), "line")
    cloud.jobs[str(entry.cloud_name)] = State.RUNNING
    dispatcher.tick()
    return dispatcher.show(entry.id)


def test_a_ledger_and_a_cloud_that_agree_have_no_differences(lined: Dispatcher, cloud: ToyCloud) -> None:
    entry = running(lined, cloud)
    assert found(lined) == []
    cloud.end(str(entry.cloud_name))
    assert found(lined) == [], "that it ended was only not seen yet"
    lined.tick()
    assert lined.agents.reconcile(["line"]).compared == {"aws-euc1": 1}


def test_a_job_that_no_ledger_knows_is_an_orphan_with_its_owner(lined: Dispatcher, cloud: ToyCloud) -> None:
    cloud.jobs["train-abcdefgh-1"] = State.RUNNING
    (orphan,) = found(lined)
    assert (orphan.kind, orphan.name, orphan.job, orphan.state) == (
        "orphan", "train-abcdefgh-1", "abcdefgh", "running",
    )  # fmt: skip
    assert (orphan.owner, orphan.costs) == ("ada", True)


def test_a_later_attempt_than_the_ledger_knows_is_an_orphan_too(lined: Dispatcher, cloud: ToyCloud) -> None:
    entry = running(lined, cloud)
    cloud.jobs[f"train-{entry.id}-2"] = State.SUCCEEDED
    (orphan,) = found(lined)
    assert (orphan.kind, orphan.costs) == ("orphan", False)
    assert "restored from a backup" in orphan.why


def test_an_attempt_that_goes_on_beside_a_later_one_is_a_double(lined: Dispatcher, cloud: ToyCloud) -> None:
    entry = running(lined, cloud)
    lined.ledger.change(entry.id, {"attempt": 2, "cloud_name": f"train-{entry.id}-2"})
    cloud.jobs[f"train-{entry.id}-2"] = State.RUNNING
    (double,) = found(lined)
    assert (double.kind, double.name) == ("double", f"train-{entry.id}-1")


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"state": "cancelled", "ended_at": "2026-11-21T08:00:00.000Z"}, "it has cancelled here"),
        ({"state": "queued", "cloud_name": None}, "the next try to send it takes it up"),
    ],
)
def test_a_job_that_goes_on_there_and_not_here_was_left_running(
    lined: Dispatcher, cloud: ToyCloud, columns: dict[str, object], why: str
) -> None:
    entry = running(lined, cloud)
    lined.ledger.change(entry.id, columns)
    (left,) = found(lined)
    assert (left.kind, left.job) == ("left running", entry.id)
    assert why in left.why


def test_a_job_that_the_cloud_does_not_have_is_missing(lined: Dispatcher, cloud: ToyCloud) -> None:
    entry = running(lined, cloud)
    before = lined.events(entry.id)
    del cloud.jobs[str(entry.cloud_name)]
    (missing,) = found(lined)
    assert (missing.kind, missing.job, missing.owner, missing.costs) == ("missing", entry.id, "ada", False)
    assert lined.show(entry.id) == entry
    assert lined.events(entry.id) == before


def test_a_cloud_that_cannot_be_asked_is_told_and_says_nothing_of_its_jobs(
    lined: Dispatcher, cloud: ToyCloud
) -> None:
    running(lined, cloud)
    cloud.blind.append(UnreachableError("no route"))
    result = lined.agents.reconcile(["line"])
    assert (result.differences, result.compared) == ([], {})
    assert {zone: error.message for zone, error in result.errors.items()} == {"aws-euc1": "no route"}


def test_a_process_of_another_machine_is_not_missed_here(lined: Dispatcher, cloud: ToyCloud) -> None:
    there = dataclasses.replace(
        running(lined, cloud), id="elsewher", cloud="local", host="another", cloud_name="x-elsewher-1"
    )
    lined.ledger.add(there, Event(there.id, there.submitted_at, "queued", "bob"))
    assert found(lined) == []


def test_the_command_lists_them_changes_nothing_and_ends_with_1(
    run: Run, lined: Dispatcher, cloud: ToyCloud
) -> None:
    cloud.jobs["train-abcdefgh-1"] = State.RUNNING
    done = run("agent", "--reconcile", "-q", "line", "-o", "json")
    assert done.code == ExitCode.UNEXPECTED
    (one,) = json.loads(done.out)["differences"]
    assert (one["kind"], one["name"]) == ("orphan", "train-abcdefgh-1")
    text = run("agent", "--reconcile", "-q", "line")
    assert "orphan" in text.out
    assert "this ledger has no such job" in text.err
    cloud.jobs.clear()
    assert run("agent", "--reconcile", "-q", "line").code == ExitCode.OK
