"""Sending: what is recorded between two steps, and what a crash, a lost answer or a refusal leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType

import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends.azureml import session as azureml
from dispatcher.backends.base import State
from dispatcher.backends.sagemaker import session as sagemaker
from dispatcher.backends.vertex import session as vertex
from dispatcher.clock import stamp
from dispatcher.errors import (
    AuthError,
    CapacityError,
    DispatchError,
    NotInstalledError,
    PolicyRefusal,
    QuotaError,
    UnreachableError,
    UsageError,
)
from dispatcher.ledger import Caps, Lease
from dispatcher.scheduling.work import LEASE
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud

Sync = Callable[[str], Dispatcher]


class Killed(BaseException):
    """Stands for the process ending at this very moment."""


class NotSpread(AuthError):
    """A role that cannot be assumed yet."""

    propagating = True


def kinds(dispatcher: Dispatcher, id: str) -> list[str]:
    return [event.kind for event in dispatcher.events(id)]


# Crashes


def test_killed_before_the_call_the_job_is_sent_once(lined: Dispatcher, cloud: ToyCloud) -> None:
    cloud.refuse.append(Killed())
    with pytest.raises(Killed):
        lined.submit(job(), "line")
    (entry,) = lined.list()
    assert (entry.state, entry.provider_id) == ("submitting", None)
    lined.tick()
    assert lined.show(entry.id).state == "pending"
    assert cloud.sent == [entry.cloud_name]


def test_killed_after_the_call_the_job_is_adopted_and_not_sent_again(lined: Dispatcher, cloud: ToyCloud) -> None:
    cloud.lose.append(Killed())
    with pytest.raises(Killed):
        lined.submit(job(), "line")
    (entry,) = lined.list()
    assert entry.state == "submitting"
    lined.tick()
    assert kinds(lined, entry.id) == ["queued", "claimed", "adopted"]
    assert lined.show(entry.id).provider_id == f"toy:{entry.cloud_name}"
    assert cloud.sent == [entry.cloud_name]


def test_an_answer_that_got_lost_leads_to_adoption_not_to_a_second_job(lined: Dispatcher, cloud: ToyCloud) -> None:
    cloud.lose.append(UnreachableError("connection reset"))
    entry = lined.submit(job(), "line")
    assert (entry.state, entry.last_error) == ("submitting", "connection reset")
    assert lined.wait(entry.id[:4], seen=lambda now: cloud.end(str(now.cloud_name))).state == "succeeded"
    assert cloud.sent == [entry.cloud_name]


def test_where_names_may_repeat_nothing_is_sent_again_until_the_first_job_would_be_listed(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    cloud.settle_seconds = 120
    cloud.refuse.append(Killed())
    with pytest.raises(Killed):
        lined.submit(job(), "line")
    (entry,) = lined.list()
    clock.now += 119
    lined.tick()
    waiting = lined.show(entry.id)
    assert (waiting.state, cloud.sent) == ("submitting", [])
    assert "nothing is sent again before" in str(waiting.last_error)
    clock.now += 2
    lined.tick()
    assert lined.show(entry.id).state == "pending"
    assert cloud.sent == [entry.cloud_name]


def test_a_job_that_is_listed_late_is_adopted_and_has_no_twin(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    cloud.settle_seconds = 120
    cloud.lose.append(UnreachableError("connection reset"))
    entry = lined.submit(job(), "line")
    cloud.hidden.add(str(entry.cloud_name))
    for _ in range(10):
        clock.now += 10
        lined.tick()
    assert lined.show(entry.id).state == "submitting"
    cloud.hidden.clear()
    lined.tick()
    assert lined.show(entry.id).state == "pending"
    assert cloud.sent == [entry.cloud_name]


def test_a_name_that_is_taken_is_ours_and_is_adopted(lined: Dispatcher, cloud: ToyCloud) -> None:
    plan = lined.plan(job(), "line")
    entry = lined.enqueue(plan)
    cloud.jobs[f"train-{entry.id}-1"] = State.RUNNING
    lined.tick()
    assert lined.show(entry.id).state == "running"
    assert cloud.sent == []


def test_a_taken_name_that_the_cloud_does_not_show_yet_is_looked_up_again_before_anything_is_sent(
    lined: Dispatcher, cloud: ToyCloud
) -> None:
    entry = lined.enqueue(lined.plan(job(), "line"))
    name = f"train-{entry.id}-1"
    cloud.jobs[name] = State.RUNNING
    cloud.hidden.add(name)
    lined.tick()
    assert lined.show(entry.id).state == "submitting"
    lined.tick()
    cloud.hidden.clear()
    lined.tick()
    assert lined.show(entry.id).state == "running"
    assert cloud.sent == []


def test_a_submitter_that_still_lives_is_left_alone_until_its_lease_ends(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    entry = lined.enqueue(lined.plan(job(), "line"))
    lease = Lease("t", "bob@elsewhere#1", stamp(clock.now + LEASE))
    assert lined.ledger.claim("line", lease=lease, now=stamp(clock.now), caps=Caps())
    lined.tick()
    assert lined.show(entry.id).state == "submitting"
    clock.now += LEASE + 1
    lined.tick()
    assert lined.show(entry.id).state == "pending"
    assert len(cloud.sent) == 1


def test_a_machine_without_the_cloud_s_client_leaves_the_job_to_one_that_has_it(
    lined: Dispatcher, cloud: ToyCloud
) -> None:
    cloud.refuse.append(NotInstalledError("gcp"))
    entry = lined.submit(job(), "line")
    assert (entry.state, entry.last_error) == ("queued", "this installation has no client for gcp")
    lined.tick()
    assert lined.show(entry.id).state == "pending"


def test_a_machine_without_the_cloud_s_backend_leaves_the_job_too(
    lined: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = lined.enqueue(lined.plan(job(), "line"))

    def absent(zone: object, **_: object) -> None:
        raise NotInstalledError("gcp")

    assert lined._sites is not None
    lined._sites._backends.clear()
    monkeypatch.setattr(lined._sites, "open_backend", absent)
    report = lined.tick()
    assert isinstance(report.error_of(entry.id), NotInstalledError)
    assert lined.show(entry.id).state == "queued"


def test_the_lease_is_renewed_while_a_new_role_spreads(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    cloud.refuse += [NotSpread("cannot assume role")] * 3
    ends: list[str] = []
    clock.on_sleep = lambda _: ends.append(str(lined.list()[0].lease_until))
    lined.submit(job(), "line")
    assert ends == sorted(set(ends))
    assert len(ends) == 3


def test_one_whose_lease_was_taken_stops_trying(lined: Dispatcher, cloud: ToyCloud, clock: ManualClock) -> None:
    cloud.refuse += [NotSpread("cannot assume role")] * 9

    def steal(_: float) -> None:
        lined.ledger.change(lined.list()[0].id, {"lease_token": "theirs"})

    clock.on_sleep = steal
    entry = lined.submit(job(), "line")
    assert (entry.state, entry.lease_token, len(clock.slept)) == ("submitting", "theirs", 1)


@pytest.mark.parametrize("session", [azureml, sagemaker, vertex], ids=["azureml", "sagemaker", "vertex"])
def test_the_lease_outlasts_the_slowest_call_with_all_its_retries(session: ModuleType) -> None:
    assert session.SLOWEST < LEASE


def test_a_job_that_someone_else_took_up_meanwhile_is_not_ended_by_an_older_reading(
    lined: Dispatcher, cloud: ToyCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = lined.enqueue(lined.plan(job(), "line"))

    def refuse(*_: object) -> None:
        lined.ledger.change(entry.id, {"lease_token": "theirs"})
        raise PolicyRefusal("a rule of an older queue configuration")

    monkeypatch.setattr(cloud, "render", refuse)
    assert lined.tick().error_of(entry.id) is None
    assert lined.show(entry.id).state == "submitting"


def test_a_claim_whose_process_died_before_it_called_goes_again_in_its_turn_and_at_once(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    cloud.settle_seconds = 600.0
    entry = lined.enqueue(lined.plan(job(), "line"))
    lease = Lease("t", lined.work().owner, stamp(clock.now + LEASE))
    assert lined.ledger.claim("line", lease=lease, now=stamp(clock.now), caps=Caps())
    lined.tick()
    assert lined.show(entry.id).state == "pending", "nothing was called, so nothing has to settle"
    assert cloud.sent == [f"train-{entry.id}-1"]
    kinds = [event.kind for event in lined.events(entry.id)]
    assert kinds == ["queued", "claimed", "left behind", "claimed", "submitted"]


@pytest.mark.parametrize("error", [QuotaError("the limit is 1 instance"), CapacityError("none left")])
def test_no_room_because_our_own_lost_first_try_took_it_is_a_job_that_runs(
    lined: Dispatcher, cloud: ToyCloud, error: DispatchError
) -> None:
    entry = lined.enqueue(lined.plan(job(), "line"))
    cloud.jobs[f"train-{entry.id}-1"] = State.RUNNING
    cloud.refuse.append(error)
    lined.tick()
    assert lined.show(entry.id).state == "running"
    assert lined.ledger.targets() == []


def test_no_room_and_no_sight_of_an_earlier_try_is_looked_up_again(lined: Dispatcher, cloud: ToyCloud) -> None:
    cloud.refuse.append(QuotaError("the limit is 1 instance"))
    cloud.blind.append(UnreachableError("no answer"))
    assert lined.submit(job(), "line").state == "submitting"


# Refusals


def test_what_the_cloud_rejects_for_good_ends_the_job_with_its_words(lined: Dispatcher, cloud: ToyCloud) -> None:
    cloud.refuse.append(UsageError("the bucket is in another region", "use s3://..."))
    entry = lined.submit(job(), "line")
    assert entry.state == "failed"
    assert entry.reason is not None
    assert "another region" in entry.reason


def test_no_capacity_holds_the_hardware_back_longer_each_time_and_never_the_job(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    cloud.refuse.append(CapacityError("no ml.m5.xlarge now"))
    entry = lined.submit(job(), "line")
    assert entry.state == "queued"
    assert entry.not_before is None
    assert "no ml.m5.xlarge now; next attempt in 30s" in lined.reasons(entry)[-1]
    pauses = []
    for _ in range(8):
        (target,) = lined.ledger.targets()
        while lined.ledger.targets()[0].failures == target.failures:
            clock.now += 1
            cloud.refuse[:] = [CapacityError("still none")]
            lined.tick()
        pauses.append(target.failures)
    assert pauses == list(range(1, 9))
    cloud.refuse.clear()
    clock.now += 901
    lined.tick()
    assert lined.show(entry.id).state == "pending"
    assert lined.ledger.targets() == []
    assert cloud.sent == [f"train-{entry.id}-1"]


def test_jobs_for_other_hardware_go_past_one_whose_hardware_is_held_back(synced: Sync, cloud: ToyCloud) -> None:
    from dataclasses import replace

    dispatcher = synced("queues: [{name: line, zone: aws-euc1}]")
    cloud.refuse.append(CapacityError("none"))
    held = dispatcher.submit(job("held"), "line")
    gpu = replace(job("gpu"), resources=replace(job().resources, gpu=1))
    went = dispatcher.submit(gpu, "line")
    assert (dispatcher.show(held.id).state, went.state) == ("queued", "pending")


def test_a_quota_fails_the_job_when_nothing_of_ours_could_free_it(lined: Dispatcher, cloud: ToyCloud) -> None:
    cloud.refuse.append(QuotaError("service limit 'ml.m5.xlarge for training job usage' is 0"))
    entry = lined.submit(job(), "line")
    assert entry.state == "failed"
    assert "training job usage" in str(entry.reason)


def test_a_quota_that_our_own_jobs_use_up_is_waited_for(synced: Sync, cloud: ToyCloud) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1}]")
    dispatcher.submit(job("one"), "line")
    cloud.refuse.append(QuotaError("limit is 1 instance"))
    entry = dispatcher.submit(job("two"), "line")
    assert (entry.state, entry.last_error) == ("queued", "limit is 1 instance")


def test_not_being_signed_in_leaves_the_job_queued_without_a_pause(lined: Dispatcher, cloud: ToyCloud) -> None:
    cloud.refuse.append(AuthError("sign-in expired", "run: aws sso login"))
    entry = lined.submit(job(), "line")
    assert (entry.state, entry.last_error, lined.ledger.targets()) == ("queued", "sign-in expired", [])
    lined.tick()
    assert lined.show(entry.id).state == "pending"


def test_a_role_of_a_young_zone_is_given_time_to_spread(
    lined: Dispatcher, cloud: ToyCloud, clock: ManualClock
) -> None:
    clock.now = 1_795_248_000.0 + 60  # the golden contract's updated_at is 08:00:00 of this day
    cloud.refuse += [NotSpread("cannot assume role"), NotSpread("cannot assume role")]
    assert lined.submit(job(), "line").state == "pending"
    assert clock.slept == [5.0, 5.0]


def test_a_role_of_an_old_zone_is_not_waited_for(lined: Dispatcher, cloud: ToyCloud, clock: ManualClock) -> None:
    clock.now += 100_000
    cloud.refuse.append(NotSpread("cannot assume role"))
    assert lined.submit(job(), "line").state == "queued"
    assert clock.slept == []


def test_a_refusal_that_a_new_queue_config_brings_ends_the_job(
    lined: Dispatcher, cloud: ToyCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = lined.enqueue(lined.plan(job(), "line"))

    def refuse(*_: object) -> None:
        raise PolicyRefusal("digest: images are named by digest", "add @sha256")

    monkeypatch.setattr(cloud, "render", refuse)
    lined.tick()
    ended = lined.show(entry.id)
    assert (ended.state, cloud.sent) == ("failed", [])
    assert "images are named by digest" in str(ended.reason)


def test_secrets_in_the_cloud_s_words_do_not_reach_the_ledger(lined: Dispatcher, cloud: ToyCloud) -> None:
    cloud.refuse.append(CapacityError("rejected for WANDB_API_KEY=0123456789abcdef0123"))
    entry = lined.submit(job(), "line")
    lined.ledger.release("aws-euc1", entry.hardware, 0)
    lined.tick()
    cloud.blind.append(UnreachableError("no answer to token=0123456789abcdef0123"))
    lined.tick()
    entry = lined.show(entry.id)
    assert "[redacted]" in str(entry.last_error)
    everything = json.dumps([entry.as_json(), [event.as_json() for event in lined.events(entry.id)]])
    everything += str(lined.ledger.targets())
    assert "0123456789abcdef0123" not in everything
