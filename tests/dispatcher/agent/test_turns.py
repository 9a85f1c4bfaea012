"""Which agent asks about which jobs when each serves a part, and what it judges when its clock was set."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends.base import Observation
from dispatcher.errors import AuthError
from tests.dispatcher.agent.conftest import Make
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud

Sync = Callable[[str], Dispatcher]


def test_agents_that_serve_one_queue_each_of_a_zone_each_ask_about_theirs(
    synced: Sync, cloud: ToyCloud, clock: ManualClock, make: Make
) -> None:
    dispatcher = synced("queues: [{name: a, zone: aws-euc1}, {name: b, zone: aws-euc1}]")
    of_a, of_b = dispatcher.submit(job("a"), "a"), dispatcher.submit(job("b"), "b")
    one, two = make(dispatcher, queues=["a"]), make(dispatcher, queues=["b"], name="two")
    two.turns.owner = "bob@elsewhere#7"
    for entry in (of_a, of_b):
        cloud.end(str(entry.cloud_name))
    one.once()
    two.once()
    assert [dispatcher.show(entry.id).state for entry in (of_a, of_b)] == ["succeeded", "succeeded"]


def test_one_agent_for_all_queues_of_a_zone_asks_about_them_in_one_call_and_another_beside_it_in_none(
    synced: Sync, cloud: ToyCloud, clock: ManualClock, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = synced("queues: [{name: a, zone: aws-euc1}, {name: b, zone: aws-euc1}]")
    for queue in ("a", "b"):
        dispatcher.submit(job(queue), queue)
    asked = list[int]()

    def poll(names: Sequence[str]) -> Mapping[str, Observation]:
        asked.append(len(names))
        return ToyCloud.poll(cloud, names)

    monkeypatch.setattr(cloud, "poll", poll)
    one, two = make(dispatcher), make(dispatcher, name="two")
    two.turns.owner = "bob@elsewhere#7"
    one.once()
    two.once()
    assert asked == [2]
    cloud.blind.append(AuthError("expired"))
    one.once()
    two.once()
    assert asked == [2, 2, 2], "all of what it cannot ask about is left to others"


def test_a_clock_that_is_set_in_the_middle_of_a_round_ends_no_wait(
    synced: Sync,
    cloud: ToyCloud,
    clock: ManualClock,
    make: Make,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1}]")
    entry = dispatcher.submit(dataclasses.replace(job(), max_queue_time=3600), "line")
    agent = make(dispatcher, steady=ManualClock(0.0))
    agent.once()

    def poll(names: Sequence[str]) -> Mapping[str, Observation]:
        monkeypatch.undo()
        clock.now += 86_400
        return ToyCloud.poll(cloud, names)

    monkeypatch.setattr(cloud, "poll", poll)
    agent.once()
    assert (dispatcher.show(entry.id).stop_reason, cloud.cancelled) == (None, [])
    agent.once()
    assert [line for line in lines if "clock set" in line and "86400" in line], lines
