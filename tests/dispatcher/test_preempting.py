"""Making room for an urgent job: who gives way, who never does, and how those who did go on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.api import Dispatcher
from dispatcher.backends.base import State
from dispatcher.errors import CapacityError, UnreachableError
from dispatcher.job import PREEMPTIONS, Job, Priority, Resources
from dispatcher.ledger import Caps, Entry
from dispatcher.scheduling import preempting
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud

Sync = Callable[[str], Dispatcher]


def patient(name: str = "trial", priority: Priority = Priority.LOW, nodes: int = 1, **fields: Any) -> Job:
    """A job that may be stopped for a more urgent one."""
    given = {"preemptible": True, "checkpoint": True, "max_runtime": 3600, **fields}
    return dataclasses.replace(job(name, priority, nodes), **given)


def running(dispatcher: Dispatcher, cloud: ToyCloud, clock: ManualClock, wanted: Job) -> Entry:
    """A job that its cloud runs, submitted a second after the one before."""
    clock.now += 1
    entry = dispatcher.submit(wanted, "line")
    cloud.end(str(entry.cloud_name), State.RUNNING)
    dispatcher.tick()
    return dispatcher.show(entry.id)


def told(dispatcher: Dispatcher, id: str, kind: str) -> list[dict[str, Any]]:
    return [json.loads(event.data) for event in dispatcher.events(id) if event.kind == kind]


def test_a_full_queue_stops_the_least_urgent_for_a_critical_job_and_it_goes_on_afterwards_in_its_place(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    low = running(lined, cloud, clock, patient())
    clock.now += 1
    later = lined.submit(patient("later"), "line")
    urgent = lined.submit(job("urgent", Priority.CRITICAL), "line")
    assert cloud.cancelled == [f"trial-{low.id}-1"]
    stopping = lined.show(low.id)
    assert (stopping.state, stopping.preempted_by) == ("stopping", urgent.id)
    assert lined.reasons(urgent)[-1] == f"{low.id} stops and makes room"
    cloud.end(f"trial-{low.id}-1", State.CANCELLED)
    lined.tick()
    waiting = lined.show(low.id)
    assert (waiting.state, waiting.attempt, waiting.preemptions) == ("queued", 2, 1)
    assert (waiting.submitted_at, waiting.preempted_by) == (low.submitted_at, None)
    assert (waiting.retries, waiting.interruptions, waiting.ended_at) == (0, 0, None)
    assert told(lined, low.id, "preempted")[0]["by"] == urgent.id
    assert lined.show(urgent.id).state == "pending"
    assert [entry.id for entry in lined.waiting("line")] == [low.id, later.id], "its place is kept"
    assert any("it gave way to" in reason for reason in lined.reasons(waiting))
    cloud.end(f"urgent-{urgent.id}-1")
    lined.tick()
    again = lined.show(low.id)
    assert (again.state, again.cloud_name) == ("pending", f"trial-{low.id}-2")
    cloud.end(f"trial-{low.id}-2")
    lined.tick()
    ended = lined.show(low.id)
    assert (ended.state, ended.reason) == ("succeeded", None), "what is over explains nothing"
    assert ended.billable_seconds == 180, "all attempts together"


@pytest.mark.parametrize(
    ("victim", "urgent"),
    [
        (job("unmarked", Priority.LOW), Priority.CRITICAL),
        (patient("equal", Priority.HIGH), Priority.HIGH),
        (patient("above", Priority.CRITICAL), Priority.HIGH),
        (patient("never", max_preemptions=0), Priority.CRITICAL),
        (patient("plain"), Priority.MEDIUM),
    ],
    ids=["not marked", "as urgent", "more urgent", "never again", "for a medium one"],
)
def test_nobody_else_gives_way(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, victim: Job, urgent: Priority
) -> None:
    running(lined, cloud, clock, victim)
    entry = lined.submit(job("urgent", urgent), "line")
    lined.tick()
    assert cloud.cancelled == []
    if urgent <= Priority.HIGH:
        assert "no job that runs there may be stopped for it" in lined.reasons(entry)[-1]


@pytest.mark.parametrize(("said", "allowed"), [({"max_preemptions": 2}, 2), ({}, PREEMPTIONS)])
def test_a_job_that_gave_way_often_enough_stays(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, said: dict[str, Any], allowed: int
) -> None:
    low = running(lined, cloud, clock, patient(**said))
    for count in range(1, allowed + 1):
        urgent = lined.submit(job("urgent", Priority.HIGH), "line")
        cloud.end(f"trial-{low.id}-{count}", State.CANCELLED)
        lined.tick()
        cloud.end(f"urgent-{urgent.id}-1")
        lined.tick()
        cloud.end(f"trial-{low.id}-{count + 1}", State.RUNNING)
        lined.tick()
    assert lined.show(low.id).preemptions == allowed
    lined.submit(job("urgent", Priority.CRITICAL), "line")
    lined.tick()
    assert lined.show(low.id).state == "running"


def test_ageing_makes_nobody_give_way_and_nobody_urgent_enough_for_that(
    synced: Sync, cloud: ToyCloud, clock: ManualClock
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1, max_running: 1, ageing: 1h}]")
    running(dispatcher, cloud, clock, patient(max_runtime=86_400))
    aged = dispatcher.submit(job("aged", Priority.MEDIUM), "line")
    clock.now += 4 * 3600
    dispatcher.tick()
    assert cloud.cancelled == []
    assert any("it goes as high by now" in reason for reason in dispatcher.reasons(aged))


def test_a_job_that_ends_by_itself_while_it_is_stopped_has_ended(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    low = running(lined, cloud, clock, patient())
    lined.submit(job("urgent", Priority.CRITICAL), "line")
    cloud.end(f"trial-{low.id}-1", State.SUCCEEDED)
    lined.tick()
    assert (lined.show(low.id).state, lined.show(low.id).preemptions) == ("succeeded", 0)


def test_a_job_that_is_cancelled_while_it_gives_way_does_not_come_back(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    low = running(lined, cloud, clock, patient())
    lined.submit(job("urgent", Priority.CRITICAL), "line")
    lined.cancel(low.id)
    cloud.end(f"trial-{low.id}-1", State.CANCELLED)
    lined.tick()
    ended = lined.show(low.id)
    assert (ended.state, ended.attempt, ended.preemptions) == ("cancelled", 1, 0)


def test_a_job_that_has_used_up_its_time_when_it_gives_way_is_out_of_time(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    low = running(lined, cloud, clock, patient(max_runtime=90))
    lined.submit(job("urgent", Priority.CRITICAL), "line")
    cloud.end(f"trial-{low.id}-1", State.CANCELLED)
    lined.tick()
    ended = lined.show(low.id)
    assert (ended.state, ended.reason) == ("timed_out", "its attempts ran for 1m (max_runtime)")


def test_a_stop_that_does_not_reach_the_cloud_is_asked_again_and_nobody_else_is_stopped_meanwhile(
    synced: Sync, cloud: ToyCloud, clock: ManualClock
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1, max_running: 2}]")
    older = running(dispatcher, cloud, clock, patient("older"))
    younger = running(dispatcher, cloud, clock, patient("younger"))
    cloud.deaf.append(UnreachableError("no answer"))
    dispatcher.enqueue(dispatcher.plan(job("urgent", Priority.CRITICAL), "line"))
    dispatcher.tick()
    assert cloud.cancelled == []
    dispatcher.tick()
    dispatcher.tick()
    assert cloud.cancelled == [f"younger-{younger.id}-1"]
    assert dispatcher.show(older.id).state == "running"


def test_nobody_is_stopped_for_a_job_that_could_not_run_anyway(
    synced: Sync, cloud: ToyCloud, clock: ManualClock
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1, max_running: 1}]")
    running(dispatcher, cloud, clock, patient())
    gpu = dataclasses.replace(job("urgent", Priority.CRITICAL), resources=Resources(gpu=1))
    entry = dispatcher.enqueue(dispatcher.plan(gpu, "line"))
    from dispatcher.ledger import Target

    until = "2030-01-01T00:00:00.000Z"
    dispatcher.ledger.hold_back(Target(entry.zone, entry.hardware, 0, 1, until, str(CapacityError("none"))))
    dispatcher.tick()
    dispatcher.pause("line")
    dispatcher.enqueue(dispatcher.plan(job("urgent", Priority.CRITICAL), "line"))
    dispatcher.tick()
    assert cloud.cancelled == []


@pytest.mark.parametrize("gone", ["sent by another", "cancelled", "paused"])
def test_nobody_is_stopped_for_a_job_that_has_gone_since_it_was_read(
    synced: Sync, cloud: ToyCloud, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1, max_running: 2}]")
    older = running(dispatcher, cloud, clock, patient("older"))
    running(dispatcher, cloud, clock, patient("younger"))
    urgent = dispatcher.enqueue(dispatcher.plan(job("urgent", Priority.CRITICAL), "line"))
    real = preempting.make_room

    def late(*given: Any) -> None:
        monkeypatch.undo()
        if gone == "sent by another":
            cloud.end(f"older-{older.id}-1")
            dispatcher.tick()
            assert dispatcher.show(urgent.id).state == "pending"
        elif gone == "cancelled":
            dispatcher.cancel(urgent.id)
        else:
            dispatcher.pause("line")
        real(*given)

    monkeypatch.setattr(preempting, "make_room", late)
    dispatcher.tick(observe=False)
    assert cloud.cancelled == []


def test_a_job_whose_hardware_is_refused_stops_others_on_other_hardware_once_and_not_again_and_again(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = running(lined, cloud, clock, patient())
    gpu = dataclasses.replace(job("urgent", Priority.CRITICAL), resources=Resources(gpu=1))
    urgent = lined.enqueue(lined.plan(gpu, "line"))
    real = cloud.submit

    def submit(request: Any) -> str:
        if request.name.startswith("urgent"):
            raise CapacityError("none left")
        provider_id = real(request)
        cloud.end(request.name, State.RUNNING)
        return provider_id

    monkeypatch.setattr(cloud, "submit", submit)
    for _ in range(200):
        lined.tick()
        for name, state in cloud.jobs.items():
            if state is State.STOPPING:
                cloud.end(name, State.CANCELLED)
        clock.now += 15
    stayed = lined.show(low.id)
    assert (stayed.state, stayed.attempt) == ("running", 2)
    assert "only a job on the same hardware is stopped for it" in lined.reasons(lined.show(urgent.id))[-1]
    clock.now += preempting.LATELY
    lined.tick()
    assert len(cloud.cancelled) == 2, "the shortage may be over by now"


def test_one_on_the_same_hardware_gives_way_though_it_was_refused_lately() -> None:
    active = [entry("other", 3, 2, hardware="other"), entry("same", 3, 1)]
    head = entry("head", 0, 0, state="queued")
    assert [one.id for one in preempting.victims(head, active, Caps(running=2), only=True)] == ["same"]
    assert preempting.victims(head, active[:1], Caps(running=1), only=True) == []


def test_one_who_is_choosing_is_not_joined_by_another(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    from dispatcher.clock import stamp
    from dispatcher.ledger import Lease

    running(lined, cloud, clock, patient())
    other = Lease("t", "bob@elsewhere#1", stamp(clock.now + 10))
    assert lined.ledger.turn("room in line", other, stamp(clock.now))
    lined.submit(job("urgent", Priority.CRITICAL), "line")
    assert cloud.cancelled == []
    clock.now += 11
    lined.tick()
    assert len(cloud.cancelled) == 1


def test_a_job_that_its_queue_has_become_too_small_for_is_refused_and_holds_nobody_up(
    synced: Sync, cloud: ToyCloud, clock: ManualClock
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1, max_nodes: 4}]")
    first = running(dispatcher, cloud, clock, patient(nodes=2))
    large = dispatcher.submit(job("large", Priority.HIGH, nodes=4), "line")
    small = dispatcher.submit(job("small", nodes=1), "line")
    synced("queues: [{name: line, zone: aws-euc1, max_nodes: 3}]")
    cloud.end(f"trial-{first.id}-1", State.CANCELLED)
    dispatcher.tick()
    refused = dispatcher.show(large.id)
    assert refused.state == "failed"
    assert "queue line has 3 nodes in all, this job asks for 4 (max_nodes)" in str(refused.reason)
    assert dispatcher.show(small.id).state == "pending"


# Who exactly


def entry(id: str, priority: int, claimed: int, nodes: int = 1, **fields: Any) -> Entry:
    given: dict[str, Any] = {"preemptible": 1, "state": "running", **fields}
    return Entry(
        id=id, queue="line", zone="z", cloud="toy", region="", slug="job", priority=priority, attempt=1,
        submitted_at="2026", who="ada", host="here", job="{}", job_digest="", nodes=nodes,
        claimed_at=f"{claimed:04}", **{"hardware": "h", **given},
    )  # fmt: skip


HEAD = entry("head", 0, 0, 3, state="queued")


@pytest.mark.parametrize(
    ("active", "caps", "expected"),
    [
        ([entry("a", 3, 1), entry("b", 3, 2), entry("c", 2, 3)], Caps(running=3), ["b"]),
        ([entry("a", 2, 1), entry("b", 2, 2)], Caps(running=2), ["b"]),
        ([entry("a", 3, 1), entry("b", 3, 2, nodes=3)], Caps(nodes=4), ["b"]),
        ([entry("a", 3, 2), entry("b", 3, 1, nodes=3)], Caps(nodes=4), ["b"]),
        ([entry("a", 3, 1), entry("b", 3, 2), entry("c", 3, 3)], Caps(nodes=4), ["c", "b"]),
        ([entry("a", 3, 1), entry("b", 3, 2, state="stopping")], Caps(running=2), []),
        ([entry("a", 3, 1), entry("b", 3, 2, state="submitting")], Caps(running=2), ["a"]),
        ([entry("a", 3, 1), entry("b", 2, 2, preemptible=0)], Caps(nodes=3), []),
        ([entry("a", 3, 1)], Caps(running=2), []),
    ],
    ids=[
        "youngest of the lowest",
        "youngest",
        "one large one",
        "only the one that is needed",
        "as many as needed",
        "one leaves already",
        "not what is on its way",
        "in vain is not at all",
        "there is room",
    ],
)
def test_the_youngest_of_the_lowest_give_way_and_no_more_than_are_needed(
    active: list[Entry], caps: Caps, expected: list[str]
) -> None:
    assert [victim.id for victim in preempting.victims(HEAD, active, caps)] == expected


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 9),
            st.integers(1, 4),
            st.booleans(),
            st.sampled_from(["running", "stopping"]),
        ),
        max_size=8,
    ),
    st.integers(1, 4),
    st.one_of(st.none(), st.integers(1, 6)),
    st.one_of(st.none(), st.integers(1, 12)),
)
def test_who_gives_way_makes_room_and_every_one_of_them_is_needed(
    rows: list[tuple[int, int, int, bool, str]], nodes: int, most: int | None, most_nodes: int | None
) -> None:
    active = [
        entry(f"j{number}", priority, claimed, size, preemptible=int(able), state=state)
        for number, (priority, claimed, size, able, state) in enumerate(rows)
    ]
    head, caps = entry("head", 1, 0, nodes, state="queued"), Caps(most, most_nodes)

    def fits(gone: list[Entry]) -> bool:
        left = [one for one in active if one.state != "stopping" and one not in gone]
        running = caps.running is None or len(left) < caps.running
        return running and (caps.nodes is None or sum(one.nodes for one in left) + head.nodes <= caps.nodes)

    chosen = preempting.victims(head, active, caps)
    able = [one for one in active if preempting.may_give_way(one, head)]
    assert all(one.priority > 1 and one.preemptible for one in chosen)
    assert fits(chosen) or (not chosen and not fits(able))
    assert not any(fits([other for other in chosen if other is not one]) for one in chosen)
