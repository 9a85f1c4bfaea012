"""What follows on the end of an attempt: tries for the causes that a job names, bounds on waiting and running."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends.base import State
from dispatcher.clock import stamp
from dispatcher.errors import AuthError
from dispatcher.job import Job, Priority
from dispatcher.ledger import Entry
from dispatcher.scheduling import ending
from dispatcher.scheduling.interruptions import MARGIN
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud


def sent(lined: Dispatcher, cloud: ToyCloud, state: State = State.RUNNING, **fields: Any) -> Entry:
    """A job that is on its cloud, in a state."""
    entry = lined.submit(dataclasses.replace(job(), **{"max_runtime": 3600, **fields}), "line")
    cloud.end(str(entry.cloud_name), state)
    lined.tick()
    return lined.show(entry.id)


def fails(lined: Dispatcher, cloud: ToyCloud, entry: Entry, cause: str, state: State = State.FAILED) -> Entry:
    """The present attempt ends, and is seen to."""
    name = str(lined.show(entry.id).cloud_name)
    cloud.causes[name], cloud.reasons[name] = cause, f"a fault of {cause}"
    cloud.end(name, state)
    lined.tick()
    return lined.show(entry.id)


def test_a_failure_of_a_cause_that_the_job_names_is_tried_again_after_a_pause_and_counted(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = sent(lined, cloud, retries=2)
    failed = fails(lined, cloud, entry, "provider")
    assert (failed.state, failed.attempt, failed.retries) == ("queued", 2, 1)
    assert (failed.interruptions, failed.preemptions) == (0, 0)
    waits = lined.waits(failed)
    assert waits is not None
    assert waits.next_attempt == stamp(clock.now + ending.PAUSE[0])
    assert waits.reasons == ("next attempt in 10s after a fault of provider",)
    (told,) = [json.loads(event.data) for event in lined.events(entry.id) if event.kind == "retried"]
    assert (told["attempt"], told["reason"], told["not_before"]) == (1, "a fault of provider", waits.next_attempt)
    later = lined.submit(job("later"), "line")
    assert later.state == "pending", "the pause is its own, not the queue's"
    cloud.end(str(later.cloud_name))
    clock.now += ending.PAUSE[0]
    lined.tick()
    assert lined.show(entry.id).cloud_name == f"train-{entry.id}-2"
    fails(lined, cloud, entry, "provider")
    clock.now += 2 * ending.PAUSE[0]
    lined.tick()
    ended = fails(lined, cloud, entry, "provider")
    assert (ended.state, ended.retries, ended.attempt) == ("failed", 2, 3)


@pytest.mark.parametrize(
    ("retry_on", "cause", "state", "again"),
    [
        (("provider",), "program", State.FAILED, False),
        (("provider",), "", State.FAILED, False),
        (("provider",), "", State.TIMED_OUT, False),
        (("provider",), "provider", State.CANCELLED, False),
        (("program",), "program", State.FAILED, True),
        (("program",), "request", State.FAILED, False),
        (("capacity",), "capacity", State.FAILED, True),
        (("capacity",), "capacity", State.TIMED_OUT, False),
        (("timed_out",), "", State.TIMED_OUT, True),
        (("timed_out",), "capacity", State.TIMED_OUT, False),
        (("provider", "program"), "program", State.FAILED, True),
    ],
)
def test_only_the_causes_that_a_job_names_are_tried_again(
    lined: Dispatcher, cloud: ToyCloud, retry_on: Any, cause: str, state: State, again: bool
) -> None:
    entry = sent(lined, cloud, retries=1, retry_on=retry_on)
    assert (fails(lined, cloud, entry, cause, state).state == "queued") is again


def test_a_job_that_was_cancelled_is_not_tried_again(lined: Dispatcher, cloud: ToyCloud) -> None:
    entry = sent(lined, cloud, retries=3)
    lined.cancel(entry.id)
    assert fails(lined, cloud, entry, "provider").state == "failed"


def test_the_pause_before_a_further_try_grows_and_is_bounded() -> None:
    assert [ending.pause(count) for count in (0, 1, 2, 30)] == [10.0, 20.0, 40.0, 600.0]


def test_a_further_try_may_run_for_all_of_max_runtime_again(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = sent(lined, cloud, retries=1, retry_on=("timed_out",), max_runtime=100)
    assert fails(lined, cloud, entry, "", State.TIMED_OUT).billable_seconds == 90
    clock.now += ending.PAUSE[0]
    lined.tick()
    assert cloud.rendered[f"train-{entry.id}-2"].max_runtime == 100


def test_a_spot_job_s_interruptions_and_retries_are_counted_apart(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = sent(lined, cloud, retries=1, spot=True, checkpoint=True)
    cloud.interrupt(f"train-{entry.id}-1")
    lined.tick()
    cloud.end(f"train-{entry.id}-2", State.RUNNING)
    lined.tick()
    failed = fails(lined, cloud, entry, "provider")
    assert (failed.state, failed.attempt, failed.retries, failed.interruptions) == ("queued", 3, 1, 1)


# Waiting for too long


@pytest.fixture
def impatient() -> Job:
    return dataclasses.replace(job("impatient", Priority.LOW), max_queue_time=3600)


def test_a_job_that_waits_in_the_queue_for_longer_than_it_may_ends_as_timed_out(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, impatient: Job
) -> None:
    sent(lined, cloud, max_runtime=86_400)
    entry = lined.submit(impatient, "line")
    for seconds in (900, 900, 900, 899):
        clock.now += seconds
        lined.tick()
    assert lined.show(entry.id).state == "queued"
    clock.now += 1
    report = lined.tick()
    ended = lined.show(entry.id)
    assert (ended.state, report.finished) == ("timed_out", [entry.id])
    assert ended.reason == "it waited 1h in the queue and on its cloud without running (max_queue_time)"
    assert len(cloud.sent) == 1


def test_a_job_that_waits_on_its_cloud_for_too_long_is_stopped_and_says_why(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, impatient: Job
) -> None:
    entry = lined.submit(dataclasses.replace(impatient, retries=3, retry_on=("timed_out",)), "line")
    clock.now += 3600
    lined.tick()
    assert cloud.cancelled == [f"impatient-{entry.id}-1"]
    cloud.end(f"impatient-{entry.id}-1", State.CANCELLED)
    lined.tick()
    ended = lined.show(entry.id)
    assert (ended.state, ended.retries) == ("timed_out", 0), "who waited in vain does not wait again"
    assert "(max_queue_time)" in str(ended.reason)


def test_a_job_that_began_to_run_in_time_is_not_bounded_by_its_wait_any_more(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, impatient: Job
) -> None:
    entry = lined.submit(dataclasses.replace(impatient, spot=True, checkpoint=True), "line")
    for state in (State.RUNNING, State.PENDING):
        cloud.end(str(entry.cloud_name), state)
        lined.tick()
        clock.now += 3600
    lined.tick()
    assert lined.show(entry.id).state == "pending"
    assert cloud.cancelled == []


def test_a_wait_begins_anew_with_each_attempt(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, impatient: Job
) -> None:
    entry = sent(lined, cloud, max_queue_time=3600, retries=1, retry_on=("program",))
    clock.now += 3500
    fails(lined, cloud, entry, "program")
    clock.now += 3500
    lined.tick()
    assert lined.show(entry.id).state == "pending"


# Running for too long


def test_a_job_that_its_cloud_does_not_end_in_time_is_stopped_with_a_margin(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = sent(lined, cloud, max_runtime=600)
    clock.now += 600 + MARGIN - 1
    lined.tick()
    assert cloud.cancelled == []
    clock.now += 1
    lined.tick()
    assert cloud.cancelled == [f"train-{entry.id}-1"]
    cloud.end(f"train-{entry.id}-1", State.CANCELLED)
    lined.tick()
    ended = lined.show(entry.id)
    assert ended.state == "timed_out"
    assert ended.reason == "it ran for longer than 10m, and its cloud did not end it (max_runtime)"


def test_the_time_on_the_cloud_before_it_ran_is_not_run_time(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = lined.submit(dataclasses.replace(job(), max_runtime=600), "line")
    clock.now += 5000
    cloud.end(str(entry.cloud_name), State.RUNNING)
    lined.tick()
    clock.now += 600
    lined.tick()
    assert cloud.cancelled == []


def test_nothing_is_ended_for_time_by_a_clock_that_just_jumped(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, impatient: Job
) -> None:
    from dispatcher.scheduling import tick

    running = sent(lined, cloud, max_runtime=600)
    waiting = lined.submit(impatient, "line")
    clock.now += 10 * 86_400
    tick.tick(dataclasses.replace(lined.work(), sure=lambda: False))
    assert (lined.show(running.id).state, lined.show(waiting.id).state) == ("running", "queued")


def test_not_reaching_the_cloud_neither_ends_nor_tries_again(lined: Dispatcher, cloud: ToyCloud) -> None:
    entry = sent(lined, cloud, retries=3)
    for _ in range(25):
        cloud.blind.append(AuthError("expired"))
        lined.tick()
    assert (lined.show(entry.id).state, lined.show(entry.id).attempt) == ("running", 1)
