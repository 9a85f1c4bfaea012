"""Cancelling: a job in the queue, on its way, on a cloud, or of unknown fate."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends.base import Request, State
from dispatcher.errors import (
    AuthError,
    CapacityError,
    DispatchError,
    UnreachableError,
)
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud

Sync = Callable[[str], Dispatcher]


def test_a_waiting_job_is_cancelled_without_the_cloud(lined: Dispatcher, cloud: ToyCloud) -> None:
    lined.submit(job("first"), "line")
    entry = lined.submit(job("second"), "line")
    assert lined.cancel(entry.id).state == "cancelled"
    assert cloud.cancelled == []


def test_a_running_job_is_asked_to_stop_and_stays_stopping_until_the_cloud_says_more(
    lined: Dispatcher, cloud: ToyCloud
) -> None:
    entry = lined.submit(job(), "line")
    assert lined.cancel(entry.id).state == "stopping"
    cloud.jobs[str(entry.cloud_name)] = State.RUNNING
    lined.tick()
    assert lined.show(entry.id).state == "stopping"
    cloud.end(str(entry.cloud_name), State.CANCELLED)
    lined.tick()
    ended = lined.show(entry.id)
    assert (ended.state, ended.cancelled_by) == ("cancelled", "ada")
    assert lined.cancel(entry.id) == ended


def test_a_cancel_that_did_not_reach_the_cloud_is_asked_again(lined: Dispatcher, cloud: ToyCloud) -> None:
    entry = lined.submit(job(), "line")
    cloud.deaf.append(UnreachableError("timed out"))
    with pytest.raises(UnreachableError):
        lined.cancel(entry.id)
    assert lined.show(entry.id).state == "pending"
    lined.tick()
    assert cloud.cancelled == [entry.cloud_name]
    assert lined.show(entry.id).state == "stopping"


def test_cancelling_a_job_of_unknown_fate_looks_it_up_first(lined: Dispatcher, cloud: ToyCloud) -> None:
    cloud.lose.append(UnreachableError("reset"))
    entry = lined.submit(job(), "line")
    assert entry.state == "submitting"
    assert lined.cancel(entry.id).state == "stopping"
    assert cloud.cancelled == [entry.cloud_name]


def test_cancelling_a_job_that_never_arrived_ends_it_without_sending_it(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    cloud.refuse.append(UnreachableError("no route"))
    entry = lined.submit(job(), "line")
    assert entry.state == "submitting"
    assert lined.cancel(entry.id).state == "submitting"
    clock.now += 61
    lined.tick()
    assert lined.show(entry.id).state == "cancelled"
    assert cloud.sent == []


def test_a_cancelled_job_that_the_cloud_shows_late_is_stopped_and_not_forgotten(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    cloud.lose.append(UnreachableError("reset"))
    entry = lined.submit(job(), "line")
    cloud.hidden.add(str(entry.cloud_name))
    assert lined.cancel(entry.id).state == "submitting"
    clock.now += 20
    cloud.hidden.clear()
    lined.tick()
    assert lined.show(entry.id).state == "stopping"
    assert cloud.cancelled == cloud.sent == [entry.cloud_name]


def cancelled_meanwhile(lined: Dispatcher, cloud: ToyCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let somebody cancel each job while the call that submits it is under way."""
    submit = cloud.submit

    def slow(request: Request) -> str:
        lined.cancel(request.name)
        return submit(request)

    monkeypatch.setattr(cloud, "submit", slow)


def test_a_cancel_during_the_call_stops_the_job_as_soon_as_it_is_there(
    lined: Dispatcher, cloud: ToyCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled_meanwhile(lined, cloud, monkeypatch)
    entry = lined.submit(job(), "line")
    assert (entry.state, entry.cancelled_by) == ("stopping", "ada")
    assert cloud.cancelled == [entry.cloud_name]


@pytest.mark.parametrize("error", [AuthError("expired"), CapacityError("none now")])
def test_a_cancel_during_a_call_that_is_refused_ends_the_job_and_lets_the_next_one_go(
    lined: Dispatcher,
    cloud: ToyCloud,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    error: DispatchError,
) -> None:
    with monkeypatch.context() as meanwhile:
        cancelled_meanwhile(lined, cloud, meanwhile)
        cloud.refuse.append(error)
        first = lined.submit(job("first"), "line")
    assert (first.state, first.reason) == ("cancelled", "cancelled by ada")
    clock.now += 31
    assert lined.submit(job("second"), "line").state == "pending"


def test_a_job_that_waits_with_a_cancel_on_it_does_not_block_the_queue(lined: Dispatcher, cloud: ToyCloud) -> None:
    first = lined.enqueue(lined.plan(job("first"), "line"))
    lined.ledger.change(first.id, {"cancel_requested_at": first.submitted_at, "cancelled_by": "bob"})
    assert lined.submit(job("second"), "line").state == "pending"
    assert lined.show(first.id).state == "cancelled"
