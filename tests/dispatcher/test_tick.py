"""Ticks: who goes first, what is recorded between two steps, and what an error or a crash leaves behind."""

from __future__ import annotations

import json
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
    PolicyRefusal,
    QuotaError,
    UnreachableError,
    UsageError,
)
from dispatcher.job import Priority
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud

Sync = Callable[[str], Dispatcher]


class Killed(BaseException):
    """Stands for the process ending at this very moment."""


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
    row = lined.show(entry.id)
    from dispatcher.ledger import Caps, Lease

    lease = Lease("t", "bob@elsewhere#1", stamp(clock.now + 300))
    lined.ledger.claim(
        row,
        cloud_name=f"train-{row.id}-1",
        request_digest="d",
        lease=lease,
        now=stamp(clock.now),
        caps=Caps(),
        passed=(),
    )
    lined.tick()
    assert lined.show(entry.id).state == "submitting"
    clock.now += 301
    lined.tick()
    assert lined.show(entry.id).state == "pending"
    assert len(cloud.sent) == 1


# Errors


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


class NotSpread(AuthError):
    propagating = True


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


def test_a_word_that_no_table_has_leaves_the_state_and_is_kept(lined: Dispatcher, cloud: ToyCloud) -> None:
    entry = lined.submit(job(), "line")
    cloud.jobs[str(entry.cloud_name)] = State.RUNNING
    lined.tick()
    cloud.vendor_words[str(entry.cloud_name)] = "Defragmenting"
    lined.tick()
    now = lined.show(entry.id)
    assert (now.state, now.vendor_state) == ("running", "Defragmenting")


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


# Cancelling


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
    lined: Dispatcher, cloud: ToyCloud
) -> None:
    cloud.refuse.append(UnreachableError("no route"))
    entry = lined.submit(job(), "line")
    assert entry.state == "submitting"
    assert lined.cancel(entry.id).state == "cancelled"
    assert cloud.sent == []


# Waiting


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
