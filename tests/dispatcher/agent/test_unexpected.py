"""An error that nobody foresaw comes from one job: it waits by itself, and all others are sent and watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends.base import Observation, Request, Submission
from dispatcher.job import Job
from dispatcher.queue import Queue
from dispatcher.scheduling.unexpected import PAUSE
from tests.dispatcher.agent.conftest import Make
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud


def queued(dispatcher: Dispatcher, clock: ManualClock, *names: str) -> list[str]:
    ids = []
    for name in names:
        ids.append(dispatcher.enqueue(dispatcher.plan(job(name), "line")).id)
        clock.now += 1
    return ids


@pytest.fixture
def open_line(synced: Any) -> Dispatcher:
    opened: Dispatcher = synced("queues: [{name: line, zone: aws-euc1}]")
    return opened


def unexpected(dispatcher: Dispatcher, id: str) -> int:
    return sum(event.kind == "unexpected" for event in dispatcher.events(id))


def test_a_job_whose_call_fails_oddly_is_looked_up_before_it_is_sent_again_and_ever_less_often(
    open_line: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make, lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    bad, good = queued(open_line, clock, "bad", "good")

    def submit(request: Request) -> str:
        made = ToyCloud.submit(cloud, request)
        if request.name.startswith("bad"):
            if clock.now - began < 3000:
                del cloud.jobs[request.name]
            raise KeyError("Arn")
        return made

    monkeypatch.setattr(cloud, "submit", submit)
    agent, began = make(open_line), clock.now
    agent.once()
    assert open_line.show(good).state == "pending"
    entry = open_line.show(bad)
    assert entry.state == "submitting"
    assert "unexpected KeyError: 'Arn' (agent/test_unexpected.py:" in str(entry.last_error)
    assert any("unexpected KeyError" in line and bad in line for line in lines)
    agent.once()
    assert unexpected(open_line, bad) == 1
    clock.now += PAUSE[0]
    agent.once()
    assert unexpected(open_line, bad) == 2
    clock.now += PAUSE[0]
    agent.once()
    assert unexpected(open_line, bad) == 2, "the second pause is longer"
    while clock.now - began < 5000:
        clock.now += 100
        agent.once()
    assert open_line.show(bad).state == "pending", "the last call did make it"
    assert unexpected(open_line, bad) < 12
    assert cloud.sent.count(f"bad-{bad}-1") == unexpected(open_line, bad)


def test_a_job_that_cannot_be_rendered_for_an_odd_reason_waits_in_its_queue(
    open_line: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = queued(open_line, clock, "bad", "good")

    def render(job: Job, queue: Queue, submission: Submission) -> Request:
        if submission.name.startswith("bad") and broken:
            raise ValueError("no such thing")
        return ToyCloud.render(cloud, job, queue, submission)

    broken = True
    monkeypatch.setattr(cloud, "render", render)
    agent = make(open_line)
    agent.once()
    agent.once()
    assert open_line.show(good).state == "pending"
    assert (open_line.show(bad).state, unexpected(open_line, bad)) == ("queued", 1)
    broken = False
    clock.now += PAUSE[0]
    agent.once()
    assert open_line.show(bad).state == "pending"


def test_a_job_that_cannot_be_observed_for_an_odd_reason_hides_no_other(
    open_line: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [open_line.submit(job(f"job{number}"), "line").id for number in range(9)]
    bad, names = str(open_line.show(ids[4]).cloud_name), list(cloud.sent)
    asked: list[float] = []

    def poll(names: Sequence[str]) -> Mapping[str, Observation]:
        if bad in names:
            asked.append(clock.now)
            raise KeyError("Status")
        return ToyCloud.poll(cloud, names)

    monkeypatch.setattr(cloud, "poll", poll)
    for name in names:
        cloud.end(name)
    (waiting,) = queued(open_line, clock, "waiting")
    agent = make(open_line)
    agent.once()
    assert [open_line.show(id).state for id in ids].count("succeeded") == 8
    assert open_line.show(waiting).state == "pending"
    entry = open_line.show(ids[4])
    assert entry.state == "pending"
    assert "unexpected KeyError: 'Status'" in str(entry.last_error)
    asked.clear()
    for _ in range(200):
        agent.once()
        clock.now += 10
    assert 5 < len(set(asked)) < 20, "it is tried again, ever less often"


def test_a_step_that_fails_oddly_ends_no_round(
    open_line: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make, lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (good,) = queued(open_line, clock, "good")

    def overdue(now: str) -> Any:
        raise TypeError("a bug")

    monkeypatch.setattr(open_line.ledger, "overdue", overdue)
    make(open_line).once()
    assert open_line.show(good).state == "pending"
    assert any("unexpected TypeError: a bug" in line for line in lines)
