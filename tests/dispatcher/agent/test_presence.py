"""An agent's name, its health file, and its clock: two of one name, one that hangs, and a clock that is set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dispatcher.agent.journal import REPEATED, Journal
from dispatcher.agent.presence import BEAT, GONE, STUCK
from dispatcher.api import Dispatcher
from dispatcher.clock import stamp
from dispatcher.errors import UsageError
from dispatcher.ledger import Lease
from dispatcher.ledger.values import Caps
from dispatcher.steadiness import SETTLED, Steadiness
from tests.dispatcher.agent.conftest import Make, stops
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud


def test_a_second_agent_of_a_name_is_refused_while_the_first_may_live(
    lined: Dispatcher, clock: ManualClock, make: Make
) -> None:
    first, second = make(lined), make(lined)
    first.presence.check_in(lined.ledger)
    with pytest.raises(UsageError, match="an agent named one is at work already") as refusal:
        second.presence.check_in(lined.ledger)
    assert "--name" in refusal.value.remedy
    clock.now += GONE + 1
    second.presence.check_in(lined.ledger)
    assert [row.token for row in lined.agents.list()] == [second.presence.row.token]


def test_a_name_is_free_at_once_when_its_process_is_known_to_be_dead(lined: Dispatcher, make: Make) -> None:
    first, second = make(lined), make(lined)
    first.presence.check_in(lined.ledger)
    second.presence.alive = lambda owner: False
    second.presence.check_in(lined.ledger)
    assert [row.token for row in lined.agents.list()] == [second.presence.row.token]


def test_an_agent_that_was_away_for_so_long_that_another_has_its_name_leaves_and_says_so(
    lined: Dispatcher, clock: ManualClock, make: Make
) -> None:
    frozen, second = make(lined), make(lined)

    def thaw(seconds: float) -> None:
        if not second.presence.taken and lined.agents.list()[0].token == frozen.presence.row.token:
            clock.now += GONE + 1
            second.presence.check_in(lined.ledger)

    clock.on_sleep = thaw
    with pytest.raises(UsageError, match="took the name one"):
        frozen.run()
    assert [row.token for row in lined.agents.list()] == [second.presence.row.token]


def test_the_health_file_is_kept_fresh_says_how_it_is_and_goes_with_the_agent(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make, tmp_path: Path
) -> None:
    file = tmp_path / "run" / "agent.json"
    agent, seen = make(lined, health=file, queues=["line"]), []

    def look() -> bool:
        if file.exists():
            told = json.loads(file.read_text())
            assert clock.now - _moment(told["seen_at"]) <= BEAT + 2
            seen.append(told)
        return len({one["seen_at"] for one in seen}) > 3

    stops(agent, clock, look)
    agent.run()
    assert {"name", "pid", "started_at", "version", "queues", "round_seconds"} <= set(seen[-1])
    assert {one["state"] for one in seen} <= {"works", "waits"}
    assert not file.exists()


def test_an_agent_whose_step_never_ends_gives_no_more_signs_of_life(
    lined: Dispatcher, clock: ManualClock, make: Make, tmp_path: Path
) -> None:
    presence = make(lined, health=tmp_path / "health.json").presence
    presence.check_in(lined.ledger)
    clock.now += STUCK - 1
    presence.beat(lambda: lined.ledger)
    (before,) = lined.agents.list()
    clock.now += BEAT + 2
    presence.beat(lambda: lined.ledger)
    assert lined.agents.list() == [before]


def test_a_clock_that_is_set_is_noticed_and_not_believed_for_a_while() -> None:
    wall, machine = ManualClock(), ManualClock(0.0)
    steadiness = Steadiness(wall, machine)
    wall.now, machine.now = wall.now + 100, 101.0
    assert (steadiness.look(), steadiness.sure()) == (0.0, True)
    wall.now -= 3600
    assert steadiness.look() == pytest.approx(-3600)
    assert (steadiness.look(), steadiness.sure()) == (0.0, False)
    machine.now += SETTLED
    wall.now += SETTLED
    assert (steadiness.look(), steadiness.sure()) == (0.0, True)


def test_a_clock_that_jumps_takes_no_lease_of_another_for_its_age(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, make: Make, lines: list[str]
) -> None:
    id = lined.enqueue(lined.plan(job(), "line")).id
    lease = Lease("t", "bob@elsewhere#1", stamp(clock.now + 900))
    lined.ledger.claim("line", lease=lease, now=stamp(clock.now), caps=Caps())
    lined.ledger.change(id, {"request_digest": "d"})
    machine = ManualClock(0.0)
    agent = make(lined, steady=machine)
    clock.now += 7200  # and the machine's own clock knows nothing of it
    agent.once()
    assert lined.show(id).lease_owner == "bob@elsewhere#1"
    assert any("clock set" in line and "seconds=7200.0" in line for line in lines)
    machine.now += SETTLED
    clock.now += SETTLED
    agent.once()
    assert lined.show(id).state == "pending"
    assert cloud.sent == [f"train-{id}-1"]


def test_a_trouble_that_lasts_is_told_now_and_then_and_never_with_a_secret(clock: ManualClock) -> None:
    lines: list[str] = []
    journal = Journal(lines.append, clock, "one", redact=lambda text: text.replace("hunter2", "***"))
    for _ in range(int(REPEATED) + 1):
        journal.trouble("refused: hunter2", jobs=["a", "b"])
        clock.now += 1
    assert [line.split(" ", 1)[1] for line in lines] == [
        'WARNING trouble    message="refused: ***" jobs=a,b',
        'WARNING trouble    message="refused: ***" again=599 jobs=a,b',
    ]


def _moment(text: str) -> float:
    from dispatcher.clock import moment

    return moment(text)
