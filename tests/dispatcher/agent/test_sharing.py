"""How an agent shares its time: among queues, between sending and looking, and with agents that can do more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from dispatcher.agent.turns import SPREADING
from dispatcher.api import Dispatcher
from dispatcher.backends.base import Observation, Request
from dispatcher.backends.faults import NotAllowed
from dispatcher.errors import AuthError
from dispatcher.job import Priority
from tests.dispatcher.agent.conftest import Make, stops
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud

TWO = "queues: [{name: backlog, zone: aws-euc1}, {name: other, zone: aws-euc1}]"


class Timed:
    """A toy cloud whose calls take their time, in seconds; it remembers when jobs were sent and looked at."""

    def __init__(self, cloud: ToyCloud, clock: ManualClock, patch: pytest.MonkeyPatch) -> None:
        self.sent: dict[str, float] = {}
        self.looks: list[float] = []
        self.sending, self.looking = 2.0, 0.0
        began = clock.now

        def submit(request: Request) -> str:
            clock.now += self.sending
            self.sent[request.name.partition("-")[0]] = clock.now - began
            return ToyCloud.submit(cloud, request)

        def poll(names: Sequence[str]) -> Mapping[str, Observation]:
            self.looks.append(clock.now - began)
            clock.now += self.looking
            return ToyCloud.poll(cloud, names)

        patch.setattr(cloud, "submit", submit)
        patch.setattr(cloud, "poll", poll)


@pytest.fixture
def timed(cloud: ToyCloud, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Timed:
    return Timed(cloud, clock, monkeypatch)


def queued(dispatcher: Dispatcher, name: str, queue: str, priority: Priority = Priority.MEDIUM) -> str:
    return dispatcher.enqueue(dispatcher.plan(job(name, priority), queue)).id


def test_a_backlog_of_one_queue_holds_up_neither_the_other_queues_nor_the_looks_at_what_runs(
    synced: Any, clock: ManualClock, make: Make, timed: Timed
) -> None:
    dispatcher = synced(TWO)
    for number in range(100):
        queued(dispatcher, f"low{number}", "backlog", Priority.LOW)
    queued(dispatcher, "lower", "other", Priority.LOW)
    agent = make(dispatcher)
    agent.once()
    assert timed.sent["lower"] <= 6
    queued(dispatcher, "urgent", "other", Priority.CRITICAL)
    before = clock.now
    agent.once()
    assert min(at for name, at in timed.sent.items() if name == "urgent") <= 2 + timed.looks[0]
    assert clock.now - before < 15
    assert len(timed.looks) == 1


def test_a_backlog_is_sent_without_a_rest(synced: Any, clock: ManualClock, make: Make, timed: Timed) -> None:
    dispatcher = synced(TWO)
    for number in range(40):
        queued(dispatcher, f"low{number}", "backlog")
    timed.looking = 5.0
    agent, began = make(dispatcher), clock.now
    stops(agent, clock, lambda: len(timed.sent) == 40)
    agent.run()
    assert clock.now - began < 40 * 2 + 5 * len(timed.looks) + 2
    assert len(timed.looks) >= 3


def test_a_job_every_half_second_does_not_put_off_the_looks_at_what_runs(
    synced: Any, cloud: ToyCloud, clock: ManualClock, make: Make, timed: Timed
) -> None:
    dispatcher = synced(TWO)
    other = Dispatcher(
        dispatcher.ledger.name, environment=dispatcher.environment, open_backend=lambda zone, **_: cloud
    )
    queued(dispatcher, "first", "backlog")
    timed.sending = 0.0
    agent, began, number = make(dispatcher), clock.now, 0

    def look() -> bool:
        nonlocal number
        number += 1
        if number % 2 == 0:
            queued(other, f"job{number}", "backlog")
        return clock.now - began > 120

    stops(agent, clock, look)
    agent.run()
    other.close()
    assert len(timed.sent) > 20
    assert len(timed.looks) > 20


def test_an_agent_that_is_not_let_in_tries_ever_less_often_however_often_it_is_woken(
    synced: Any, cloud: ToyCloud, clock: ManualClock, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = synced(TWO)
    other = Dispatcher(
        dispatcher.ledger.name, environment=dispatcher.environment, open_backend=lambda zone, **_: cloud
    )
    tried: list[float] = []

    def submit(request: Request) -> str:
        tried.append(clock.now)
        raise AuthError("sign-in expired")

    monkeypatch.setattr(cloud, "submit", submit)
    id, agent, began = queued(dispatcher, "first", "backlog"), make(dispatcher), clock.now
    last = began

    def look() -> bool:
        nonlocal last
        if clock.now - last >= 10:
            last = clock.now
            other.set_priority(id, "high" if len(tried) % 2 else "low")
        return clock.now - began > 3600

    stops(agent, clock, look, 100_000)
    agent.run()
    other.close()
    assert 10 < len(tried) < 25
    assert tried[1] - tried[0] < 20, "once may be an accident"
    assert tried[-1] - tried[-2] == pytest.approx(300, abs=20)


def test_an_agent_that_is_let_in_again_sends_as_before(
    synced: Any, cloud: ToyCloud, clock: ManualClock, make: Make
) -> None:
    dispatcher = synced(TWO)
    agent = make(dispatcher)
    cloud.refuse += [AuthError("sign-in expired")] * 2
    first = queued(dispatcher, "first", "backlog")
    for _ in range(3):
        agent.once()
    assert dispatcher.show(first).state == "queued"
    clock.now += 16
    agent.once()
    assert dispatcher.show(first).state == "pending"
    cloud.refuse.append(AuthError("sign-in expired"))
    second = queued(dispatcher, "second", "backlog")
    agent.once()
    agent.once()
    assert dispatcher.show(second).state == "pending"


def test_a_right_that_may_be_on_its_way_is_asked_with_again_soon(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make
) -> None:
    entry = lined.submit(job(), "line")
    agent = make(lined)
    cloud.blind.append(NotAllowed("not yet", "wait", "sagemaker:ListTrainingJobs"))
    agent.once()
    cloud.end(str(entry.cloud_name))
    clock.now += SPREADING
    agent.once()
    assert lined.show(entry.id).state == "succeeded"
