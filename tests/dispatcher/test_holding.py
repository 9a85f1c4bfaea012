"""Keeping a claim: renewed while a step takes long, not taken back once lost, and whose process still runs."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from dispatcher.api import Dispatcher
from dispatcher.clock import stamp
from dispatcher.errors import UnreachableError
from dispatcher.ledger import Entry, Lease
from dispatcher.ledger.values import Caps
from dispatcher.scheduling import holding, process
from dispatcher.scheduling.work import LEASE, Work
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud


@dataclass
class Beside:
    """A ledger that only renews: what each renewal answers, and a bell for each."""

    answers: list[Any]
    renewed: list[Mapping[str, object]] = field(default_factory=list)
    rung: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    left: threading.Event = field(default_factory=threading.Event)
    clock: None = None

    def change(self, id: str, columns: Mapping[str, object], *, token: str) -> bool:
        self.renewed.append({**columns, "id": id, "token": token})
        answer = self.answers.pop(0) if self.answers else True
        self.rung.release()
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    def close(self) -> None:
        self.left.set()


@pytest.fixture
def claimed(lined: Dispatcher, clock: ManualClock) -> Entry:
    lined.enqueue(lined.plan(job(), "line"))
    lease = Lease("token-1", lined.work().owner, stamp(clock.now + LEASE))
    found = lined.ledger.claim("line", lease=lease, now=stamp(clock.now), caps=Caps())
    assert found is not None
    return found


def with_beside(work: Work, beside: Any) -> Work:
    return replace(work, beside=lambda: beside)


def test_a_step_that_takes_long_keeps_its_lease_and_a_ledger_that_is_away_for_a_moment_costs_nothing(
    lined: Dispatcher, clock: ManualClock, claimed: Entry
) -> None:
    beside = Beside([True, UnreachableError("away"), True])
    with holding.kept(with_beside(lined.work(), beside), claimed, every=0.001):
        assert holding.held("token-1")
        for _ in range(3):
            assert beside.rung.acquire(timeout=10)
    assert not holding.held("token-1")
    until = {"id": claimed.id, "token": "token-1", "lease_until": stamp(clock.now + LEASE)}
    assert beside.renewed[:3] == [until] * 3
    assert beside.left.is_set()


def test_a_step_that_renews_its_lease_counts_as_one_that_goes_on_for_some_hours(
    lined: Dispatcher, claimed: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, told = Beside([True, UnreachableError("away")]), list[int]()
    monkeypatch.setattr(holding, "UPLOADING", 0.0031)
    work = replace(with_beside(lined.work(), beside), progress=lambda: told.append(len(beside.renewed)))
    with holding.kept(work, claimed, every=0.001):
        for _ in range(6):
            assert beside.rung.acquire(timeout=10)
    assert told == [1, 3, 4]


def test_a_lease_that_was_lost_is_not_asked_for_again_and_the_step_sends_nothing(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = lined.enqueue(lined.plan(job(), "line")).id
    thief = Lease("token-2", "bob@elsewhere#1", stamp(clock.now + LEASE))
    render = ToyCloud.render

    def slow(*arguments: Any) -> Any:
        # While this machine slept, another took the claim over.
        entry = lined.show(id)
        assert lined.ledger.take_over(entry, thief, stamp(clock.now), dead=True)
        return render(cloud, *arguments)

    monkeypatch.setattr(cloud, "render", slow)
    lined.tick()
    assert cloud.sent == []
    assert (lined.show(id).lease_token, lined.show(id).state) == ("token-2", "submitting")
    beside = Beside([False])
    with holding.kept(with_beside(lined.work(), beside), lined.show(id), every=0.001):
        assert beside.left.wait(timeout=10), "it asks no more"
    assert len(beside.renewed) == 1


def test_what_a_step_of_this_process_left_behind_is_taken_up_at_once_and_what_one_holds_is_not(
    lined: Dispatcher, cloud: ToyCloud, claimed: Entry
) -> None:
    with holding.kept(replace(lined.work(), beside=None), claimed):
        lined.tick()
        assert lined.show(claimed.id).lease_token == "token-1"
    lined.tick()
    assert lined.show(claimed.id).state == "pending"


def test_a_process_is_known_by_its_number_its_start_and_where_that_counts() -> None:
    own = process.owner("ada", "here")
    place, _, rest = own.rpartition("#")
    pid, space, token = rest.split("-")
    assert (place, int(pid)) == ("ada@here", os.getpid())
    assert process.alive(own, "here") is True
    assert process.alive(own, "there") is None, "another machine's"
    assert process.alive(f"ada@here#{pid}-{space}-00000000", "here") is False, "the one before it of this number"
    assert process.alive(f"ada@here#{pid}-ffffffff-{token}", "here") is None, "another container of the name"
    assert process.alive(f"ada@here#4194305-{space}-{token}", "here") is False, "no such process"
    assert process.alive(f"ada@here#{pid}", "here") is True, "as an earlier release wrote it"
