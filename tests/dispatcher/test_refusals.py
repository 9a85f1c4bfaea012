"""What is refused or not answered: who waits for it, for how long, and who never will be sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dispatcher.api import Dispatcher
from dispatcher.clock import stamp
from dispatcher.errors import QuotaError, UnreachableError
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud

Sync = Callable[[str], Dispatcher]


def test_a_quota_that_other_hardware_of_ours_may_use_up_is_waited_for_unless_it_is_none_at_all(
    synced: Sync, cloud: ToyCloud
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1}]")
    gpu = replace(job("gpu"), resources=replace(job().resources, gpu=1))
    dispatcher.submit(gpu, "line")
    cloud.refuse.append(QuotaError("the family's limit is 10 in use: 10"))
    entry = dispatcher.submit(job(), "line")
    assert entry.state == "queued"
    dispatcher.ledger.release("aws-euc1", entry.hardware, 0)
    cloud.refuse.append(QuotaError("service limit 'ml.m5.xlarge for training job usage' is 0 Instances"))
    dispatcher.tick()
    assert dispatcher.show(entry.id).state == "failed"


def test_a_quota_that_a_job_gives_back_minutes_after_its_end_is_waited_for(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    before = lined.submit(job("before"), "line")
    cloud.end_at = stamp(clock.now)
    cloud.end(str(before.cloud_name))
    lined.tick()
    clock.now += 800
    cloud.refuse += [QuotaError("the limit is 1 instance, in use: 1")] * 2
    entry = lined.submit(job(), "line")
    (held,) = lined.ledger.targets()
    assert (entry.state, held.failures) == ("queued", 0), "which is no shortage"
    clock.now += 900
    lined.tick()
    assert lined.show(entry.id).state == "failed", "nothing of ours has used it for long"


def test_a_ledger_that_does_not_answer_for_a_moment_ends_no_job(
    lined: Dispatcher, cloud: ToyCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = lined.enqueue(lined.plan(job(), "line"))
    lined.work()
    assert lined._sites is not None

    def away() -> None:
        monkeypatch.undo()
        raise UnreachableError("the database does not answer")

    monkeypatch.setattr(lined._sites.ledger, "zones", away)
    lined.tick()
    assert lined.show(entry.id).state == "queued"
    lined.tick()
    assert lined.show(entry.id).state == "pending"


def test_a_zone_that_does_not_answer_is_left_alone_and_takes_no_job_after_the_other(
    synced: Sync, cloud: ToyCloud, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1}]")
    for number in range(9):
        dispatcher.enqueue(dispatcher.plan(job(f"j{number}"), "line"))
    asked: list[float] = []

    def no(*_: object) -> None:
        asked.append(clock.now)
        raise UnreachableError("no route")

    for verb in ("submit", "adopt"):
        monkeypatch.setattr(cloud, verb, no)
    began = clock.now
    for _ in range(80):
        dispatcher.tick(observe=False)
        clock.now += 15
    assert [entry.state for entry in dispatcher.list()].count("submitting") == 1
    assert [at - began for at in asked] == [0, 15, 30, 60, 120, 240, 480, 780, 1080], (
        "first at once, then ever less"
    )
    first = dispatcher.waiting("line")[0]
    assert "aws-euc1 did not answer about" in dispatcher.reasons(first)[0]
    monkeypatch.undo()
    clock.now += 300
    dispatcher.tick(observe=False)
    assert {entry.state for entry in dispatcher.list()} == {"pending"}
