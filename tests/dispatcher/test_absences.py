"""Waits that do not count: nobody ran the queue, nobody there takes such a job, or the pause is our own."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends.base import State
from dispatcher.clock import stamp
from dispatcher.job import Job
from dispatcher.ledger import Entry
from dispatcher.scheduling import tick
from dispatcher.steadiness import SETTLED
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud
from tests.dispatcher.test_preempting import told

HOUR = 3600


def impatient(**fields: Any) -> Job:
    return dataclasses.replace(job("impatient"), **{"max_queue_time": HOUR, **fields})


def queued(dispatcher: Dispatcher, wanted: Job) -> Entry:
    return dispatcher.enqueue(dispatcher.plan(wanted, "line"))


def test_a_job_whose_queue_nobody_ran_is_sent_when_somebody_does_and_may_wait_on_its_cloud_then(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = queued(lined, impatient(max_queue_time=60))
    clock.now += 10 * HOUR
    lined.tick()
    assert lined.show(entry.id).state == "pending"
    clock.now += 59
    lined.tick()
    assert cloud.cancelled == []
    clock.now += 1
    lined.tick()
    assert cloud.cancelled == [entry.slug + f"-{entry.id}-1"]


def test_those_behind_the_first_wait_for_as_long_as_they_may_from_then_on(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    lined.submit(job("first"), "line")
    behind = queued(lined, impatient())
    clock.now += 600
    lined.tick()
    clock.now += 10 * HOUR
    lined.tick()
    (excused,) = told(lined, behind.id, "nobody ran its queue")
    assert excused["seconds"] == 10 * HOUR - 900, "a quarter hour counts"
    for _ in range(4):
        assert lined.show(behind.id).state == "queued"
        clock.now += 525
        lined.tick()
    assert lined.show(behind.id).state == "timed_out"


def test_a_queue_that_is_run_every_hour_ends_a_job_after_a_few_rounds(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    lined.submit(job("first"), "line")
    behind = queued(lined, impatient())
    rounds = 0
    while lined.show(behind.id).state == "queued":
        lined.tick()
        clock.now += HOUR
        rounds += 1
    assert (lined.show(behind.id).state, rounds) == ("timed_out", 5)


def test_somebody_who_does_not_take_a_job_neither_ends_it_nor_counts_as_running_its_queue(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = queued(lined, impatient(job_type="big"))
    small, big = (dataclasses.replace(lined.work(), takes=(kind,)) for kind in ("small", "big"))
    for _ in range(10):
        clock.now += 900
        tick.tick(small)
    assert lined.show(entry.id).state == "queued"
    tick.tick(big)
    assert lined.show(entry.id).state == "pending"


def test_a_job_that_went_out_and_came_back_since_it_was_found_is_not_ended(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    lined.submit(job("first"), "line")
    entry = queued(lined, impatient(max_queue_time=60))
    overdue = lined.ledger.overdue

    def found(now: str) -> list[Entry]:
        old = overdue(now)
        monkeypatch.undo()
        lined.ledger.change(entry.id, {"queue_until": stamp(clock.now + HOUR), "attempt": 2})
        return old

    for _ in range(4):
        clock.now += 15
        if clock.now % 60 == 0:
            monkeypatch.setattr(lined.ledger, "overdue", found)
        lined.tick()
    assert lined.show(entry.id).state == "queued"


def test_the_pause_before_a_further_try_is_no_part_of_its_wait(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = lined.submit(impatient(max_queue_time=5, retries=1, retry_on=("program",)), "line")
    name = str(entry.cloud_name)
    cloud.causes[name] = "program"
    cloud.end(name, State.FAILED)
    lined.tick()
    for _ in range(2):
        clock.now += 5
        lined.tick()
    again = lined.show(entry.id)
    assert (again.state, again.cloud_name) == ("pending", f"impatient-{entry.id}-2")


def test_a_command_does_not_believe_a_clock_that_was_set_while_it_waits(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    machine = ManualClock(0.0)
    with Dispatcher(
        lined.ledger.name,
        environment=lined.environment,
        open_backend=lambda zone, **_: cloud,
        clock=clock,
        steady=machine,
        sleep=clock.sleep,
    ) as command:
        entry = command.submit(impatient(), "line")
        clock.now += 86_400
        command.tick()
        assert (command.show(entry.id).stop_reason, cloud.cancelled) == (None, [])
        clock.now, machine.now = clock.now + SETTLED, SETTLED
        command.tick()
        assert cloud.cancelled == [entry.cloud_name]
