"""Asking clouds about jobs: what others did meanwhile, what is not shown, stops that are forgotten, how often."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends.base import Observation, State
from dispatcher.job import Priority
from dispatcher.scheduling.observing import FORGOTTEN
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud
from tests.dispatcher.test_preempting import Sync, patient, running, told

Happening = Callable[[Callable[[], None]], None]


@pytest.fixture
def meanwhile(cloud: ToyCloud, monkeypatch: pytest.MonkeyPatch) -> Happening:
    """Let something happen once, at the moment at which the cloud is asked about its jobs."""

    def set_up(happens: Callable[[], None]) -> None:
        def poll(names: Sequence[str]) -> Mapping[str, Observation]:
            monkeypatch.undo()
            happens()
            return ToyCloud.poll(cloud, names)

        monkeypatch.setattr(cloud, "poll", poll)

    return set_up


@pytest.fixture
def colleague(lined: Dispatcher, cloud: ToyCloud, clock: ManualClock) -> Dispatcher:
    """Another process on the same ledger."""
    return Dispatcher(
        lined.ledger.name,
        environment=lined.environment,
        open_backend=lambda zone, **_: cloud,
        clock=clock,
        sleep=clock.sleep,
    )


@pytest.mark.parametrize("look", ["tick", "refresh"])
def test_a_job_that_gave_way_while_its_cloud_was_asked_goes_back_to_the_queue(
    lined: Dispatcher,
    colleague: Dispatcher,
    cloud: ToyCloud,
    clock: ManualClock,
    meanwhile: Happening,
    look: str,
) -> None:
    low = running(lined, cloud, clock, patient())

    def gives_way() -> None:
        colleague.submit(job("urgent", Priority.CRITICAL), "line")
        cloud.end(str(low.cloud_name), State.CANCELLED)

    meanwhile(gives_way)
    lined.tick() if look == "tick" else lined.refresh(low.id)
    again = lined.show(low.id)
    assert (again.state, again.preemptions) == ("queued", 1)
    assert told(lined, low.id, "preempted")


def test_a_job_that_was_stopped_for_its_wait_while_its_cloud_was_asked_is_timed_out(
    lined: Dispatcher,
    colleague: Dispatcher,
    cloud: ToyCloud,
    clock: ManualClock,
    meanwhile: Happening,
) -> None:
    entry = lined.submit(dataclasses.replace(job(), max_queue_time=60), "line")
    clock.now += 100

    def stopped() -> None:
        colleague.tick()
        cloud.end(str(entry.cloud_name), State.CANCELLED)

    meanwhile(stopped)
    lined.tick()
    assert lined.show(entry.id).state == "timed_out"


@pytest.mark.parametrize("word", [None, "Warming"])
def test_a_job_of_which_the_cloud_does_not_say_that_it_waits_is_not_stopped_for_its_wait(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, word: str | None
) -> None:
    entry = lined.submit(dataclasses.replace(job(), max_queue_time=60), "line")
    name = str(entry.cloud_name)
    if word is None:
        cloud.hidden.add(name)
    else:
        cloud.vendor_words[name] = word
    clock.now += 100
    lined.tick()
    assert (lined.show(entry.id).stop_reason, cloud.cancelled) == (None, [])
    cloud.hidden.clear()
    cloud.vendor_words.clear()
    lined.tick()
    assert cloud.cancelled == [name]


def test_a_stop_that_the_cloud_forgot_is_asked_again_after_a_while_and_not_before(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    low = running(lined, cloud, clock, patient())
    lined.submit(job("urgent", Priority.CRITICAL), "line")
    name = str(low.cloud_name)
    for _ in range(3):
        cloud.end(name, State.RUNNING)
        before = len(cloud.cancelled)
        clock.now += FORGOTTEN - 1
        lined.tick()
        assert (len(cloud.cancelled), lined.show(low.id).state) == (before, "stopping")
        clock.now += 1
        lined.tick()
        assert cloud.cancelled == [name] * (before + 1)
    clock.now += 10 * FORGOTTEN
    lined.tick()
    assert len(cloud.cancelled) == 4, "it says that it stops"


@pytest.mark.parametrize(
    "fields",
    [
        {"max_runtime": 86_400, "spot": True, "checkpoint": True, "max_interruptions": 3},
        {"max_runtime": 3600, "spot": True, "checkpoint": True, "max_wait": 3600},
        {"max_runtime": 3600},
    ],
    ids=["spot", "spot with max_wait", "waited on its cloud for longer than it runs"],
)
def test_a_round_reads_as_often_for_many_jobs_as_for_few(
    synced: Sync, cloud: ToyCloud, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1, spot: allowed}]")

    def reads(count: int) -> int:
        entries = [
            dispatcher.enqueue(dispatcher.plan(dataclasses.replace(job(), **fields), "line")) for _ in range(count)
        ]
        waits_here = "max_wait" in fields
        clock.now += 7200 if waits_here else 0
        dispatcher.tick()
        clock.now += 0 if waits_here else 7200
        for entry in entries:
            cloud.end(str(dispatcher.show(entry.id).cloud_name), State.RUNNING)
        dispatcher.tick()
        engine, number = dispatcher.ledger.engine, 0  # type: ignore[attr-defined]  # of SQL ledgers
        rows = engine.rows

        def counting(*given: Any) -> Any:
            nonlocal number
            number += 1
            return rows(*given)

        with monkeypatch.context() as patched:
            patched.setattr(engine, "rows", counting)
            dispatcher.tick()
        assert cloud.cancelled == []
        for entry in entries:
            cloud.end(str(dispatcher.show(entry.id).cloud_name))
        dispatcher.tick()
        return number

    assert reads(1) == reads(40)
