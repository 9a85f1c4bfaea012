"""The agent's loop: it sends and watches, and no stop, silent cloud or ledger that is away loses a job."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends.base import Request, State
from dispatcher.backends.faults import NotAllowed
from dispatcher.clock import moment
from dispatcher.errors import AuthError, OutdatedError, UnreachableError
from tests.dispatcher.agent.conftest import Make, stops
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud


def enqueued(dispatcher: Dispatcher, *names: str) -> list[str]:
    """Queue jobs, one after the other: those of one moment go by their ids."""
    ids = []
    for name in names:
        ids.append(dispatcher.enqueue(dispatcher.plan(job(name), "line")).id)
        dispatcher.sleep(1)
    return ids


def counted(monkeypatch: pytest.MonkeyPatch, dispatcher: Dispatcher) -> list[float]:
    """When each transaction of the ledger began, from now on."""
    engine: Any = dispatcher.ledger.engine  # type: ignore[attr-defined]  # that of a ledger on SQL
    changes, change = list[float](), engine.change

    def counting() -> Any:
        changes.append(dispatcher.clock())
        return change()

    monkeypatch.setattr(engine, "change", counting)
    return changes


def states(dispatcher: Dispatcher, ids: Sequence[str]) -> list[str]:
    return [dispatcher.show(id).state for id in ids]


def test_it_sends_what_waits_watches_it_and_goes_on_with_the_next(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make, lines: list[str]
) -> None:
    ids = enqueued(lined, "first", "second")
    agent = make(lined, form="json")

    def ended() -> bool:
        for name in cloud.sent:
            cloud.end(name)
        return states(lined, ids) == ["succeeded", "succeeded"]

    stops(agent, clock, ended)
    agent.run()
    assert cloud.sent == [f"first-{ids[0]}-1", f"second-{ids[1]}-1"]
    told = [json.loads(line) for line in lines]
    assert [line["event"] for line in told] == [
        "started", "submitted", "finished", "submitted", "finished", "stopped",
    ]  # fmt: skip
    assert {line["agent"] for line in told} == {"one"}
    assert [line["job"] for line in told if line["event"] == "finished"] == ids


def test_what_is_queued_while_it_rests_is_sent_at_once(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make
) -> None:
    other = Dispatcher(lined.ledger.name, environment=lined.environment, open_backend=lambda zone, **_: cloud)
    agent, began = make(lined), clock.now
    queued: list[float] = []

    def look() -> bool:
        rested = clock.now - moment(str(lined.ledger.meta("last_tick_at")))
        if clock.now - began > 100 and 3 < rested < 8 and not queued:
            enqueued(other, "late")
            queued.append(clock.now)
        return bool(cloud.sent)

    stops(agent, clock, look)
    agent.run()
    other.close()
    assert len(cloud.sent) == 1
    assert clock.now - queued[0] < 2


def test_a_round_in_which_nothing_is_new_is_a_few_transactions_however_many_jobs_run(
    synced: Any, cloud: ToyCloud, clock: ManualClock, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1}]")
    ids = [dispatcher.submit(job(), "line").id for _ in range(20)]
    agent = make(dispatcher)
    agent.once()
    clock.now += 100
    changes = counted(monkeypatch, dispatcher)
    agent.once()
    assert len(changes) < 8
    assert {dispatcher.show(id).last_seen_at for id in ids} == {dispatcher.stamp()}


def test_a_zone_that_does_not_answer_is_one_transaction_for_all_of_its_jobs(
    synced: Any, cloud: ToyCloud, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1}]")
    ids = [dispatcher.submit(job(), "line").id for _ in range(20)]
    agent = make(dispatcher)
    cloud.blind.append(UnreachableError("no route"))
    changes = counted(monkeypatch, dispatcher)
    agent.once()
    assert len(changes) < 8
    assert {dispatcher.show(id).last_error for id in ids} == {"no route"}


def test_a_stop_finishes_the_step_under_way_and_touches_nothing_on_the_cloud(
    synced: Any, cloud: ToyCloud, clock: ManualClock, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1}]")
    ids = enqueued(dispatcher, "first", "second")
    agent = make(dispatcher)

    def submit(request: Request) -> str:
        agent.stop()  # a signal in the middle of the call
        return ToyCloud.submit(cloud, request)

    monkeypatch.setattr(cloud, "submit", submit)
    agent.run()
    assert states(dispatcher, ids) == ["pending", "queued"]
    assert dispatcher.show(ids[0]).lease_token is None
    assert not cloud.cancelled
    assert dispatcher.agents.list() == []


def test_a_stop_does_not_wait_for_a_right_that_spreads(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    (id,) = enqueued(lined, "first")
    zone = lined.ledger.zones()[0]
    clock.now = moment(zone.updated_at) + 10
    cloud.refuse += [NotAllowed("not yet", "wait", "sagemaker:CreateTrainingJob") for _ in range(20)]
    agent = make(lined)
    stops(agent, clock, lambda: len(cloud.refuse) < 18)
    agent.run()
    assert len(cloud.refuse) > 15
    assert lined.show(id).state == "queued"


def test_a_round_between_two_looks_at_the_clouds_does_not_read_all_that_runs(
    synced: Any, cloud: ToyCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1}]")
    running = dispatcher.submit(job(), "line")
    (id,) = enqueued(dispatcher, "left")
    cloud.lose.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        dispatcher.tick(observe=False)
    monkeypatch.setattr(dispatcher.ledger, "active", lambda queues=None: pytest.fail("it reads them all"))
    dispatcher.tick(observe=False)
    assert states(dispatcher, [running.id, id]) == ["pending", "pending"]


def test_the_next_agent_takes_up_what_the_last_one_left(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make
) -> None:
    (id,) = enqueued(lined, "first")
    cloud.lose.append(KeyboardInterrupt())  # killed when the job was made and nobody knew yet
    with pytest.raises(KeyboardInterrupt):
        make(lined).run()
    assert states(lined, [id]) == ["submitting"]
    agent = make(lined)
    stops(agent, clock, lambda: lined.show(id).state == "pending")
    agent.run()
    assert cloud.sent == [f"first-{id}-1"]


def test_25_time_outs_in_a_row_change_nothing_about_a_healthy_job(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make
) -> None:
    (id,) = enqueued(lined, "first")
    agent = make(lined)
    stops(agent, clock, lambda: bool(cloud.sent))
    agent.run()
    cloud.jobs[cloud.sent[0]] = State.RUNNING
    lined.tick()
    before = lined.events(id)
    cloud.blind += [UnreachableError(f"time-out {number}") for number in range(25)]
    agent, seen = make(lined), set[str]()

    def look() -> bool:
        seen.add(lined.show(id).state)
        return not cloud.blind

    stops(agent, clock, look, 20_000)
    agent.run()
    assert seen == {"running"}
    assert lined.show(id).last_error == "time-out 24"
    assert lined.events(id) == before
    cloud.end(cloud.sent[0])
    lined.tick()
    assert (lined.show(id).state, lined.show(id).last_error) == ("succeeded", None)


@dataclass
class Away:
    """A ledger that cannot be reached for a while."""

    ledger: Any
    clock: ManualClock
    until: float = 0.0

    def __getattr__(self, name: str) -> Any:
        if self.clock.now < self.until and name != "name":
            raise UnreachableError("the database does not answer")
        return getattr(self.ledger, name)


@pytest.fixture
def away(lined: Dispatcher, clock: ManualClock) -> Away:
    proxy = Away(lined.ledger, clock)
    lined._writable = proxy
    return proxy


def test_a_ledger_that_is_away_for_a_minute_right_after_a_call_costs_neither_the_job_nor_a_second_one(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make, away: Away, lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (id,) = enqueued(lined, "first")
    agent = make(lined)

    def submit(request: Request) -> str:
        made = ToyCloud.submit(cloud, request)
        away.until = clock.now + 60
        return made

    monkeypatch.setattr(cloud, "submit", submit)
    stops(agent, clock, lambda: clock.now > away.until > 0 and lined.show(id).state == "pending")
    agent.run()
    assert cloud.sent == [f"first-{id}-1"]
    assert [event.kind for event in lined.events(id)] == ["queued", "claimed", "adopted"]
    assert sum("the database does not answer" in line for line in lines) == 1
    assert any("ledger back" in line for line in lines)
    assert clock.now - away.until < 20


def test_one_of_two_agents_asks_a_zone_and_the_other_takes_over_when_it_leaves(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    lined.submit(job(), "line")
    first, second = make(lined), make(lined, name="two")
    second.turns.owner = "bob@elsewhere#7"
    asked: list[str] = []

    def round_of(agent: Any, name: str) -> None:
        def poll(names: Sequence[str]) -> Any:
            asked.append(name)
            return ToyCloud.poll(cloud, names)

        monkeypatch.setattr(cloud, "poll", poll)
        agent.once()
        clock.now += 15

    for _ in range(3):
        round_of(first, "first")
        round_of(second, "second")
    assert asked == ["first"] * 3
    first.turns.leave()
    round_of(second, "second")
    round_of(first, "first")
    assert asked == ["first"] * 3 + ["second"]


def test_an_agent_that_is_not_let_in_leaves_a_zone_to_another(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make
) -> None:
    entry = lined.submit(job(), "line")
    first, second = make(lined), make(lined, name="two")
    second.turns.owner = "bob@elsewhere#7"
    cloud.blind.append(AuthError("not signed in"))
    first.once()
    assert lined.show(entry.id).last_error == "not signed in"
    cloud.end(str(entry.cloud_name))
    first.once()
    assert lined.show(entry.id).state == "pending", "it does not ask again so soon"
    second.once()
    assert lined.show(entry.id).state == "succeeded"


def test_an_agent_sends_only_the_types_it_takes(synced: Any, cloud: ToyCloud, make: Make) -> None:
    import dataclasses

    dispatcher = synced("queues: [{name: line, zone: aws-euc1}]")
    for kind in ("train-model", "evaluate", None):
        dispatcher.enqueue(dispatcher.plan(dataclasses.replace(job(kind or "none"), job_type=kind), "line"))
    make(dispatcher, job_types=["evaluate"]).once()
    assert [name.partition("-")[0] for name in cloud.sent] == ["evaluate"]


def test_an_agent_whose_ledger_a_newer_release_upgrades_says_so_and_leaves(
    lined: Dispatcher, clock: ManualClock, make: Make, lines: list[str]
) -> None:
    agent, rested = make(lined), 0

    def look(seconds: float) -> None:
        nonlocal rested
        rested += 1
        assert rested < 300, "it does not leave"
        if rested == 20:
            with sqlite3.connect(lined.ledger.name) as newer:
                newer.execute("PRAGMA user_version = 99")

    clock.on_sleep = look
    with pytest.raises(OutdatedError, match="newer launchway") as told:
        agent.run()
    assert (told.value.exit_code, told.value.remedy) == (1, "upgrade this one: pip install -U launchway")
    assert "stopped" in lines[-1]
