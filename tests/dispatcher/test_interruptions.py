"""Spot jobs that lose their machines: the next attempt, the last one on demand, and when it is enough."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends.base import LogLine, State
from dispatcher.errors import CapacityError, UnreachableError
from dispatcher.job import Job
from dispatcher.ledger import Entry
from dispatcher.scheduling.interruptions import MARGIN, RESTARTS
from tests.dispatcher.command_line import Run
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud


def spot(**fields: Any) -> Job:
    given = {"spot": True, "checkpoint": True, "max_runtime": 3600, **fields}
    return dataclasses.replace(job(), **given)


def interrupted(lined: Dispatcher, cloud: ToyCloud, times: int, **fields: Any) -> Entry:
    """A spot job that has run and lost its machines so often, each time seen by a tick."""
    entry = lined.submit(spot(**fields), "line")
    lined.ledger.change(entry.id, {"unit_price": "1.50", "currency": "EUR"})
    for attempt in range(1, times + 1):
        name = f"train-{entry.id}-{attempt}"
        assert cloud.sent[-1] == name
        cloud.end(name, State.RUNNING)
        lined.tick()
        cloud.interrupt(name)
        lined.tick()
    return lined.show(entry.id)


def test_a_job_that_loses_its_machines_goes_on_as_the_next_attempt_and_keeps_its_place(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = lined.submit(spot(), "line")
    clock.now += 1
    later = lined.submit(job("later"), "line")
    cloud.end(f"train-{entry.id}-1", State.RUNNING)
    lined.tick()
    cloud.interrupt(f"train-{entry.id}-1")
    report = lined.tick()
    assert report.finished == [], "the submission goes on"
    again = lined.show(entry.id)
    assert (again.state, again.attempt, again.cloud_name) == ("pending", 2, f"train-{entry.id}-2")
    assert (again.interruptions, again.retries, again.preemptions) == (1, 0, 0)
    assert (again.ended_at, again.cause, again.reason) == (None, None, "its machines were taken")
    assert lined.show(later.id).state == "queued", "the interrupted one is older"
    (told,) = [event for event in lined.events(entry.id) if event.kind == "interrupted"]
    assert json.loads(told.data) | {"attempt": 1, "next": "spot", "billed": 90} == json.loads(told.data)
    cloud.end(f"train-{entry.id}-2")
    lined.tick()
    ended = lined.show(entry.id)
    assert (ended.state, ended.interruptions, ended.billable_seconds) == ("succeeded", 1, 180)


@pytest.mark.parametrize("told", [0, 1])
def test_a_spot_job_that_waits_again_has_lost_its_machines_once_whether_its_cloud_says_so_or_not(
    lined: Dispatcher, cloud: ToyCloud, told: int
) -> None:
    entry = lined.submit(spot(), "line")
    name = f"train-{entry.id}-1"
    for state in (State.RUNNING, State.PENDING, State.PENDING, State.RUNNING):
        cloud.end(name, state)
        cloud.interrupted[name] = 0 if state is State.RUNNING else told
        lined.tick()
    assert (lined.show(entry.id).interruptions, lined.show(entry.id).attempt) == (1, 1)


def test_one_answer_that_lags_behind_is_no_interruption_and_stops_nothing(
    lined: Dispatcher, cloud: ToyCloud
) -> None:
    entry = lined.submit(spot(max_interruptions=0), "line")
    name = f"train-{entry.id}-1"
    cloud.end(name, State.RUNNING)
    lined.tick()
    cloud.lagging[name] = State.PENDING
    lined.tick()
    assert (lined.show(entry.id).state, lined.show(entry.id).interruptions) == ("running", 0)
    cloud.end(name, State.PENDING)
    lined.tick()
    assert (lined.show(entry.id).interruptions, cloud.cancelled) == (1, [name])


def test_all_attempts_together_run_for_max_runtime(lined: Dispatcher, cloud: ToyCloud) -> None:
    entry = interrupted(lined, cloud, 1, max_runtime=200)
    assert cloud.rendered[f"train-{entry.id}-2"].max_runtime == 110
    cloud.interrupt(f"train-{entry.id}-2")
    lined.tick()
    assert cloud.rendered[f"train-{entry.id}-3"].max_runtime == 20
    cloud.interrupt(f"train-{entry.id}-3")
    lined.tick()
    ended = lined.show(entry.id)
    assert (ended.state, ended.interruptions) == ("timed_out", 3)
    assert ended.reason == "its attempts ran for 3m (max_runtime)"


@pytest.mark.parametrize(("said", "allowed"), [({"max_interruptions": 2}, 2), ({}, RESTARTS)])
def test_a_job_interrupted_more_often_than_allowed_has_failed_and_says_by_which_rule(
    lined: Dispatcher, cloud: ToyCloud, said: dict[str, Any], allowed: int
) -> None:
    entry = interrupted(lined, cloud, allowed + 1, **said)
    assert (entry.state, entry.cause, entry.interruptions) == ("failed", "interrupted", allowed + 1)
    assert f"it lost its machines {allowed + 1} times, allowed is {allowed}" in str(entry.reason)
    assert "max_interruptions" in str(entry.reason)
    assert len(cloud.sent) == allowed + 1


def test_the_last_attempt_runs_on_demand_when_asked_with_the_time_that_is_left_and_no_price(
    lined: Dispatcher, cloud: ToyCloud
) -> None:
    entry = interrupted(lined, cloud, 2, max_interruptions=1, last_attempt_on_demand=True, max_wait=7200)
    assert [cloud.rendered[f"train-{entry.id}-{number}"].spot for number in (1, 2, 3)] == [True, True, False]
    last = cloud.rendered[f"train-{entry.id}-3"]
    assert (last.max_runtime, last.max_wait, last.checkpoint) == (3600 - 180, None, True)
    assert (entry.state, entry.spot, entry.unit_price, entry.currency) == ("pending", 0, None, None)
    told = [json.loads(event.data) for event in lined.events(entry.id) if event.kind == "interrupted"]
    assert [one.get("unit_price") for one in told] == [None, "1.50"], "what was paid until then is not lost"
    assert json.loads(entry.job)["spot"], "what was asked for stays"
    cloud.causes[f"train-{entry.id}-3"] = "capacity"
    cloud.end(f"train-{entry.id}-3", State.FAILED)
    lined.tick()
    assert lined.show(entry.id).state == "failed", "nothing comes after the last attempt"


@pytest.mark.parametrize("state", [State.FAILED, State.TIMED_OUT])
@pytest.mark.parametrize("asked", [True, False])
def test_spot_machines_that_never_came_are_made_up_for_on_demand_when_asked(
    lined: Dispatcher, cloud: ToyCloud, state: State, asked: bool
) -> None:
    entry = lined.submit(spot(last_attempt_on_demand=asked), "line")
    cloud.causes[f"train-{entry.id}-1"] = "capacity"
    cloud.end(f"train-{entry.id}-1", state)
    lined.tick()
    again = lined.show(entry.id)
    assert (again.state, again.attempt, again.spot) == (("pending", 2, 0) if asked else (state.value, 1, 1))
    assert again.interruptions == 0


@pytest.mark.parametrize("asked", [True, False])
def test_a_job_that_its_cloud_starts_again_too_often_is_stopped_and_moved_or_failed(
    lined: Dispatcher, cloud: ToyCloud, asked: bool
) -> None:
    entry = lined.submit(spot(max_interruptions=1, last_attempt_on_demand=asked), "line")
    name = f"train-{entry.id}-1"
    cloud.end(name, State.RUNNING)
    cloud.interrupted[name] = 1
    lined.tick()
    assert cloud.cancelled == []
    cloud.interrupted[name] = 2
    cloud.deaf.append(UnreachableError("no answer"))
    lined.tick()
    lined.tick()
    assert cloud.cancelled == [name], "asked again, as the first word was lost"
    cloud.end(name, State.CANCELLED)
    lined.tick()
    ended = lined.show(entry.id)
    if asked:
        assert (ended.state, ended.attempt, ended.spot, ended.stop_reason) == ("pending", 2, 0, None)
        cloud.end(f"train-{entry.id}-2")
        lined.tick()
        assert (lined.show(entry.id).state, lined.show(entry.id).interruptions) == ("succeeded", 2)
    else:
        assert (ended.state, ended.cause) == ("failed", "interrupted")
        assert ended.reason == "it lost its machines 2 times, allowed is 1 (max_interruptions)"


def test_a_job_is_stopped_when_waiting_and_running_took_longer_than_max_wait(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = lined.submit(spot(max_wait=7200), "line")
    name = f"train-{entry.id}-1"
    clock.now += 7200 + MARGIN - 1
    lined.tick()
    assert cloud.cancelled == [], "a cloud that bounds waiting itself comes first"
    clock.now += 1
    lined.tick()
    assert cloud.cancelled == [name]
    cloud.end(name, State.CANCELLED)
    lined.tick()
    ended = lined.show(entry.id)
    assert (ended.state, ended.reason) == ("timed_out", "it waited and ran for 2h02m, allowed is 2h (max_wait)")


def test_no_attempt_follows_once_max_wait_has_passed(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = lined.submit(spot(max_wait=7200), "line")
    clock.now += 7201
    cloud.interrupt(f"train-{entry.id}-1")
    lined.tick()
    assert (lined.show(entry.id).state, lined.show(entry.id).interruptions) == ("timed_out", 1)


@pytest.mark.parametrize("ran", [True, False])
@pytest.mark.parametrize("asked", [True, False])
def test_waiting_in_our_queue_for_the_next_attempt_is_waiting_too(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, asked: bool, ran: bool
) -> None:
    """Where the restart is ours nothing is on the cloud meanwhile; the same when its first word was a refusal."""
    none = CapacityError("no spot machines")
    cloud.refuse = [] if ran else [none]
    entry = lined.submit(spot(max_wait=7200, last_attempt_on_demand=asked), "line")
    if ran:
        cloud.end(f"train-{entry.id}-1", State.RUNNING)
        lined.tick()
        cloud.refuse = [none]
        cloud.interrupt(f"train-{entry.id}-1")
        lined.tick()
    waits = lined.show(entry.id)
    assert (waits.state, waits.attempt, waits.spot) == ("queued", 1 + ran, 1)
    lined.pause("line")
    clock.now += 7199
    lined.tick()
    assert lined.show(entry.id).state == "queued"
    clock.now += 1
    report = lined.tick()
    now = lined.show(entry.id)
    if asked:
        assert (now.state, now.spot, now.attempt, now.unit_price) == ("queued", 0, 1 + ran, None)
        cloud.refuse = []
        lined.resume("line")
        lined.tick()
        assert (lined.show(entry.id).state, cloud.rendered[cloud.sent[-1]].spot) == ("pending", False)
    else:
        assert (now.state, now.cause) == ("failed", "interrupted" if ran else "capacity")
        assert report.finished == [entry.id]
        assert now.reason == "it waited and ran for 2h, allowed is 2h (max_wait); no spot machines"
        assert now.ended_at is not None


def test_a_job_that_somebody_cancelled_does_not_begin_again(lined: Dispatcher, cloud: ToyCloud) -> None:
    entry = lined.submit(spot(), "line")
    lined.cancel(entry.id)
    cloud.interrupt(f"train-{entry.id}-1")
    lined.tick()
    ended = lined.show(entry.id)
    assert (ended.state, ended.attempt, ended.interruptions) == ("cancelled", 1, 1)
    assert len(cloud.sent) == 1


def test_two_commands_that_see_the_same_interruption_send_one_attempt(lined: Dispatcher, cloud: ToyCloud) -> None:
    from dispatcher.scheduling.observing import Observer
    from dispatcher.scheduling.work import Report

    entry = lined.submit(spot(), "line")
    cloud.end(f"train-{entry.id}-1", State.RUNNING)
    lined.tick()
    stale = lined.show(entry.id)
    cloud.interrupt(f"train-{entry.id}-1")
    seen = cloud.poll([f"train-{entry.id}-1"])[f"train-{entry.id}-1"]
    lined.tick()
    cloud.end(f"train-{entry.id}-2", State.RUNNING)
    lined.tick()
    late = Observer(lined.work())
    late.saw(stale, seen, Report())
    late.saw(stale, dataclasses.replace(seen, cause="program"), Report())
    now = lined.show(entry.id)
    assert (now.state, now.attempt, now.interruptions) == ("running", 2, 1)


def test_the_lines_of_all_attempts_are_the_job_s_and_following_goes_on_into_the_next(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = lined.submit(spot(), "line")
    first, second = f"train-{entry.id}-1", f"train-{entry.id}-2"
    cloud.lines = {first: [LogLine(1, "algo-1", "epoch 1")], second: [LogLine(2, "algo-1", "resuming")]}
    cloud.end(first, State.RUNNING)
    followed = lined.logs(entry.id, follow=True)
    assert next(followed).text == "epoch 1"
    cloud.interrupt(first)
    assert next(followed).text == "resuming"
    clock.now += 60
    cloud.end(second)
    assert list(followed) == []
    assert [line.text for line in lined.logs(entry.id)] == ["epoch 1", "resuming"]


def test_waiting_says_that_another_attempt_begins_and_why(line: Run, cloud: ToyCloud, clock: ManualClock) -> None:
    def world(_: float) -> None:
        if len(cloud.sent) == 1:
            cloud.interrupt(cloud.sent[0])
        else:
            cloud.end(cloud.sent[1])

    clock.on_sleep = world
    waited = line("submit", "job.yaml", "--set", "spot=true", "--set", "checkpoint=true", "--wait")
    assert waited.code == 0
    assert "  pending: attempt 2, on spot, because its machines were taken\n" in waited.err


def test_no_checkpoint_is_a_word_that_is_recorded_and_shown(line: Run) -> None:
    refused = line("submit", "job.yaml", "--set", "spot=true")
    assert refused.code == 2
    assert "dispatch submit --no-checkpoint" in refused.err
    entry = line("submit", "job.yaml", "--set", "spot=true", "--no-checkpoint", "-o", "json").json
    assert (entry["no_checkpoint"], entry["spot"], entry["job"]["no_checkpoint"]) == (True, True, True)
    assert "none: an interruption loses all work, which was accepted" in line("show", entry["id"]).out
    other = line("submit", "job.yaml", "-o", "json").json
    assert other["no_checkpoint"] is False
