"""Ticks: who goes first, what is observed of those that went, and how one job is waited for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.api import Dispatcher
from dispatcher.backends.base import State
from dispatcher.clock import stamp
from dispatcher.errors import (
    AuthError,
    CapacityError,
    DispatchError,
    UnreachableError,
)
from dispatcher.job import Priority
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud

Sync = Callable[[str], Dispatcher]


def kinds(dispatcher: Dispatcher, id: str) -> list[str]:
    return [event.kind for event in dispatcher.events(id)]


def test_with_free_capacity_a_job_is_on_the_cloud_when_submit_returns(lined: Dispatcher, cloud: ToyCloud) -> None:
    entry = lined.submit(job(), "line")
    assert (entry.state, entry.provider_id) == ("pending", f"toy:train-{entry.id}-1")
    assert cloud.sent == [f"train-{entry.id}-1"]
    assert kinds(lined, entry.id) == ["queued", "claimed", "submitted"]
    assert entry.request_digest
    assert entry.lease_token is None


def test_a_full_queue_makes_jobs_wait_in_order_of_priority_then_time(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    running = lined.submit(job("first"), "line")
    waiting = []
    for name, priority in (
        ("low", Priority.LOW),
        ("one", Priority.MEDIUM),
        ("two", Priority.MEDIUM),
        ("now", Priority.CRITICAL),
    ):
        clock.now += 1
        waiting.append(lined.submit(job(name, priority), "line"))
    assert {entry.state for entry in waiting} == {"queued"}
    order = []
    name = str(running.cloud_name)
    for _ in waiting:
        cloud.end(name)
        lined.tick()
        name = cloud.sent[-1]
        order.append(name.partition("-")[0])
    assert order == ["now", "one", "two", "low"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(list(Priority)), st.integers(0, 3)), min_size=1, max_size=8))
def test_whatever_is_waiting_goes_strictly_by_priority_time_and_id(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, jobs: list[tuple[Priority, int]]
) -> None:
    blocker = lined.submit(job("blocker"), "line")
    entries = []
    for priority, wait in jobs:
        clock.now += wait
        entries.append(lined.enqueue(lined.plan(job("x", priority), "line")))
    expected = [entry.id for entry in sorted(entries, key=lambda entry: entry.order)]
    cloud.sent.clear()
    name = str(blocker.cloud_name)
    for _ in entries:
        cloud.end(name)
        lined.tick()
        name = cloud.sent[-1]
    cloud.end(name)
    lined.tick()
    assert [sent.split("-")[1] for sent in cloud.sent] == expected


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(list(Priority)), st.integers(0, 5000)), min_size=1, max_size=8))
def test_with_ageing_every_hour_of_waiting_counts_as_one_priority_but_nothing_becomes_critical(
    synced: Sync, cloud: ToyCloud, clock: ManualClock, jobs: list[tuple[Priority, int]]
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1, max_running: 1, ageing: 1h}]")
    blocker = dispatcher.submit(job("blocker", Priority.CRITICAL), "line")
    entries, since = [], {}
    for priority, wait in jobs:
        clock.now += wait
        entry = dispatcher.enqueue(dispatcher.plan(job("x", priority), "line"))
        entries.append(entry)
        since[entry.id] = clock.now

    def aged(priority: int, waited: float) -> int:
        return min(priority, max(1, priority - int(waited // 3600)))

    expected = sorted(entries, key=lambda one: (aged(one.priority, clock.now - since[one.id]), *one.order[1:]))
    assert [entry.id for entry in dispatcher.waiting("line")] == [entry.id for entry in expected]
    cloud.sent.clear()
    name = str(blocker.cloud_name)
    for _ in entries:
        cloud.end(name)
        dispatcher.tick()
        name = cloud.sent[-1]
    cloud.end(name)
    dispatcher.tick()
    assert [sent.split("-")[1] for sent in cloud.sent] == [entry.id for entry in expected]


def test_max_nodes_holds_a_large_job_and_keeps_those_behind_it_behind(
    synced: Sync, cloud: ToyCloud, clock: ManualClock
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1, max_nodes: 4}]")
    small = dispatcher.submit(job("small", nodes=2), "line")
    large = dispatcher.submit(job("large", nodes=4), "line")
    clock.now += 1
    later = dispatcher.submit(job("later", nodes=1), "line")
    assert [large.state, later.state] == ["queued", "queued"]
    assert "uses 2 of 4 nodes, it needs 4" in " ".join(dispatcher.reasons(large))
    assert f"1 ahead of it in queue line: {large.id}" in dispatcher.reasons(later)
    cloud.end(str(small.cloud_name))
    dispatcher.tick()
    assert dispatcher.show(large.id).state == "pending"
    assert dispatcher.show(later.id).state == "queued"


def test_a_job_that_has_ended_unseen_does_not_keep_its_slot(lined: Dispatcher, cloud: ToyCloud) -> None:
    first = lined.submit(job("first"), "line")
    cloud.end(str(first.cloud_name))
    assert lined.submit(job("second"), "line").state == "pending"


def test_a_long_line_of_held_back_jobs_is_passed_by_one_that_can_go(synced: Sync, cloud: ToyCloud) -> None:
    from dataclasses import replace

    dispatcher = synced("queues: [{name: line, zone: aws-euc1}]")
    cloud.refuse.append(CapacityError("none"))
    for number in range(40):
        dispatcher.submit(job(f"held{number}", Priority.HIGH), "line")
    gpu = replace(job("gpu", Priority.LOW), resources=replace(job().resources, gpu=1))
    assert dispatcher.submit(gpu, "line").state == "pending"
    assert len(cloud.sent) == 1


def test_a_paused_queue_submits_nothing_until_it_is_resumed(lined: Dispatcher, cloud: ToyCloud) -> None:
    lined.pause("line", "maintenance")
    entry = lined.submit(job(), "line")
    assert entry.state == "queued"
    assert lined.reasons(entry) == ["queue line is paused: maintenance (by ada)"]
    lined.resume("line")
    lined.tick()
    assert cloud.sent == [f"train-{entry.id}-1"]


def test_a_process_that_takes_some_job_types_only_leaves_the_others_to_others(
    synced: Sync, cloud: ToyCloud, clock: ManualClock
) -> None:
    from dispatcher.scheduling import tick

    lined = synced("queues: [{name: line, zone: aws-euc1, max_running: 2}]")
    for type in ("report", None, "train"):
        clock.now += 1
        wanted = dataclasses.replace(job(type or "untyped"), job_type=type)
        lined.enqueue(lined.plan(wanted, "line"))
    for takes in (("sweep",), ("train", "sweep"), ()):
        tick.tick(dataclasses.replace(lined.work(), takes=takes))
        for name in cloud.sent:
            cloud.end(name)
    assert [name.split("-")[0] for name in cloud.sent] == ["train", "report", "untyped"]


def test_small_jobs_of_one_type_do_not_go_past_a_large_one_of_another(
    synced: Sync, cloud: ToyCloud, clock: ManualClock
) -> None:
    from dispatcher.scheduling import tick

    line = synced("queues: [{name: line, zone: aws-euc1, max_nodes: 2}]")

    def enter(kind: str, priority: Priority, nodes: int) -> str:
        clock.now += 1
        wanted = dataclasses.replace(job(kind, priority, nodes), job_type=kind)
        return line.enqueue(line.plan(wanted, "line")).id

    def run(kind: str) -> None:
        tick.tick(dataclasses.replace(line.work(), takes=(kind,)))

    first, second = enter("small", Priority.LOW, 1), enter("small", Priority.LOW, 1)
    run("small")
    large = enter("large", Priority.HIGH, 2)
    third = enter("small", Priority.LOW, 1)
    for ended in (first, second):
        cloud.end(f"small-{ended}-1")
        run("small")
    assert line.show(third).state == "queued", "the room is kept, though nobody has taken it yet"
    run("large")
    assert line.show(large).state == "pending"


# Observing


def test_not_reaching_the_cloud_is_no_state(lined: Dispatcher, cloud: ToyCloud) -> None:
    entry = lined.submit(job(), "line")
    cloud.jobs[str(entry.cloud_name)] = State.RUNNING
    lined.tick()
    seen = lined.show(entry.id)
    for error in (UnreachableError("timed out"), AuthError("expired"), DispatchError("odd")):
        cloud.blind.append(error)
        lined.tick()
        now = lined.show(entry.id)
        assert (now.state, now.last_seen_at, now.last_error) == ("running", seen.last_seen_at, error.message)
    lined.tick()
    assert lined.show(entry.id).last_error is None


def test_a_word_that_no_table_has_leaves_the_state_and_is_mentioned_after_an_hour(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = lined.submit(job(), "line")
    cloud.jobs[str(entry.cloud_name)] = State.RUNNING
    lined.tick()
    cloud.vendor_words[str(entry.cloud_name)] = "Defragmenting"
    lined.tick()
    now = lined.show(entry.id)
    assert (now.state, now.vendor_state) == ("running", "Defragmenting")
    assert now.last_error is None
    since = stamp(clock.now)
    clock.now += 3601
    lined.tick()
    warned = lined.show(entry.id)
    assert warned.state == "running"
    assert warned.last_error == (
        f"the cloud has called the job Defragmenting since {since}, a state unknown to this release"
    )
    cloud.vendor_words.clear()
    lined.tick()
    assert lined.show(entry.id).last_error is None


def test_a_job_that_the_cloud_does_not_list_keeps_its_state_and_is_mentioned_after_an_hour(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = lined.submit(job(), "line")
    cloud.hidden.add(str(entry.cloud_name))
    lined.tick()
    assert (lined.show(entry.id).state, lined.show(entry.id).last_error) == ("pending", None)
    clock.now += 3601
    lined.tick()
    assert lined.show(entry.id).state == "pending"
    assert "has not listed the job since" in str(lined.show(entry.id).last_error)


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED, State.TIMED_OUT])
def test_the_end_of_a_job_is_recorded_once_and_for_ever(lined: Dispatcher, cloud: ToyCloud, state: State) -> None:
    entry = lined.submit(job(), "line")
    cloud.reasons[str(entry.cloud_name)] = "AlgorithmError: exit 1"
    cloud.end(str(entry.cloud_name), state)
    lined.tick()
    ended = lined.show(entry.id)
    assert (ended.state, ended.billable_seconds, ended.ended_at) == (state.value, 90, "2026-11-21T09:00:00Z")
    cloud.jobs[str(entry.cloud_name)] = State.RUNNING
    lined.tick()
    assert lined.show(entry.id) == ended


# Waiting


@pytest.mark.parametrize(
    ("ran", "timeless", "cancelled", "state"),
    [
        (600, True, False, "timed_out"),
        (599, True, False, "cancelled"),
        (600, False, False, "cancelled"),
        (600, True, True, "cancelled"),
    ],
    ids=["for its limit", "shorter", "where the cloud tells", "by us"],
)
def test_what_a_cloud_cancels_out_of_sight_after_its_limit_is_taken_for_a_timeout(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, ran: int, timeless: bool, cancelled: bool, state: str
) -> None:
    cloud.timeless = timeless
    entry = lined.submit(dataclasses.replace(job(), max_runtime=600), "line")
    cloud.jobs[str(entry.cloud_name)] = State.RUNNING
    clock.now += 3600  # in the cloud's own queue, which is no run time
    lined.tick()
    clock.now += ran
    if cancelled:
        lined.cancel(entry.id)
    cloud.end(str(entry.cloud_name), State.CANCELLED)
    lined.tick()
    final = lined.show(entry.id)
    assert final.state == state
    assert ("taken for its time-out" in (final.reason or "")) is (state == "timed_out")


def test_waiting_looks_ever_less_often_and_starts_over_with_every_change(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = lined.submit(job(), "line")
    seen: list[str] = []

    def world(_: float) -> None:
        if len(clock.slept) == 4:
            cloud.jobs[str(entry.cloud_name)] = State.RUNNING
        if len(clock.slept) == 20:
            cloud.end(str(entry.cloud_name))

    clock.on_sleep = world
    assert lined.wait(entry.id, seen=lambda now: seen.append(now.state)).state == "succeeded"
    assert seen == ["pending", "running", "succeeded"]
    assert clock.slept[:6] == [1.0, 1.5, 2.25, 3.375, 1.0, 1.5]
    assert max(clock.slept) == 15.0


def test_waiting_runs_the_whole_queue(lined: Dispatcher, cloud: ToyCloud, clock: ManualClock) -> None:
    first, second = lined.submit(job("one"), "line"), lined.submit(job("two"), "line")
    clock.on_sleep = lambda _: cloud.end(cloud.sent[-1])
    assert lined.wait(second.id).state == "succeeded"
    assert lined.show(first.id).state == "succeeded"


def test_waiting_does_not_wait_for_someone_to_sign_in(lined: Dispatcher, cloud: ToyCloud) -> None:
    entry = lined.enqueue(lined.plan(job(), "line"))
    cloud.refuse.append(AuthError("sign-in expired", "run: aws sso login"))
    with pytest.raises(AuthError):
        lined.wait(entry.id)
