"""`show` of jobs that wait, are capped, backed off or refused; `set-priority`, `retry` and `queue drain`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends.base import State
from dispatcher.clock import stamp
from dispatcher.errors import AuthError, CapacityError, ExitCode, PolicyRefusal, UsageError
from dispatcher.job import Priority
from dispatcher.scheduling.refusals import BACKOFF
from tests.dispatcher.command_line import Run, submitted
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ManualClock, ToyCloud

KEPT = ("--set", "checkpoint=true", "--set", "preemptible=true")


def field(said: str, name: str) -> list[str]:
    """The lines of a field of `show`."""
    lines = said.splitlines()
    at = next((number for number, line in enumerate(lines) if line.startswith(f"{name}  ")), None)
    if at is None:
        return []
    found = [lines[at].removeprefix(name).strip()]
    for line in lines[at + 1 :]:
        if not line.startswith("   "):
            break
        found.append(line.strip())
    return found


# Why a job waits, or does not


def test_show_of_a_waiting_job_says_its_place_who_is_ahead_and_what_fills_the_queue(
    line: Run, cloud: ToyCloud, clock: ManualClock
) -> None:
    submitted(line("submit", "job.yaml"))
    clock.now += 1
    first = submitted(line("submit", "job.yaml"))
    clock.now += 1
    last = submitted(line("submit", "job.yaml", "-P", "low"))
    clock.now += 1
    urgent = submitted(line("submit", "job.yaml", "-P", "critical"))
    shown = line("show", last).out
    assert field(shown, "position") == ["3 in queue line"]
    assert field(shown, "waits") == [
        f"2 ahead of it in queue line: {urgent}, {first}",
        "queue line runs 1 of 1 jobs (max_running)",
    ]
    assert field(line("show", urgent).out, "waits") == [
        "queue line runs 1 of 1 jobs (max_running)",
        "no job that runs there may be stopped for it (preemptible, of a lower priority)",
    ]
    document = line("show", last, "-o", "json").json
    assert (document["position"], document["ahead"]) == (3, [urgent, first])
    assert (document["next_attempt"], document["priority"]) == (None, "low")


def test_show_of_a_capped_job_says_which_cap_and_who_makes_room(line: Run, cloud: ToyCloud) -> None:
    low = submitted(line("submit", "job.yaml", "-P", "low", *KEPT))
    cloud.end(f"train-{low}-1", State.RUNNING)
    urgent = submitted(line("submit", "job.yaml", "-P", "high"))
    assert field(line("show", urgent).out, "waits") == [
        "queue line runs 1 of 1 jobs (max_running)",
        f"{low} stops and makes room",
    ]
    assert field(line("show", urgent).out, "position") == ["next in queue line"]
    assert f"to={urgent}" in line("show", low).out
    cloud.end(f"train-{low}-1", State.CANCELLED)
    line("submit", "job.yaml", "-P", "low")
    shown = line("show", low).out
    assert f"it gave way to {urgent}, and goes on from its checkpoint when there is room" in shown
    assert field(shown, "counted") == ["1 preemption"]


def test_show_of_a_backed_off_job_says_the_place_the_reason_and_the_next_attempt(
    line: Run, cloud: ToyCloud, clock: ManualClock
) -> None:
    cloud.refuse.append(CapacityError("no ml.g5.xlarge left"))
    id = line("submit", "job.yaml").out.split()[1].rstrip(":")
    shown = line("show", id).out
    (reason,) = field(shown, "waits")
    assert reason.endswith(" in aws-euc1: no ml.g5.xlarge left; next attempt in 30s")
    assert field(shown, "next try") == [f"not before {stamp(clock.now + BACKOFF[0])}"]
    assert line("show", id, "-o", "json").json["next_attempt"] == stamp(clock.now + BACKOFF[0])


def test_show_of_a_refused_job_names_the_rule_and_the_remedy(
    line: Run, cloud: ToyCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted(line("submit", "job.yaml"))
    id = submitted(line("submit", "job.yaml"))

    def refuse(*_: object) -> None:
        raise PolicyRefusal("queue line takes no spot jobs any more (spot: forbidden)", "set spot: false")

    cloud.end(cloud.sent[0])
    monkeypatch.setattr(cloud, "render", refuse)
    assert line("wait", id).code == ExitCode.JOB_FAILED
    shown = line("show", id).out
    assert field(shown, "state") == ["failed"]
    assert field(shown, "reason") == [
        "queue line takes no spot jobs any more (spot: forbidden)",
        "set spot: false",
    ]
    assert "position" not in line("show", id, "-o", "json").json


def test_show_of_a_job_that_nobody_here_may_send_says_what_was_met(line: Run, cloud: ToyCloud) -> None:
    cloud.refuse.append(AuthError("sign-in expired", "run: aws sso login"))
    id = line("submit", "job.yaml").out.split()[1].rstrip(":")
    shown = line("show", id).out
    assert field(shown, "state") == ["queued"]
    assert field(shown, "last error")[0].startswith("sign-in expired (")


def test_the_queue_is_shown_in_the_order_in_which_it_goes_with_ageing_too(
    synced: Callable[[str], Dispatcher], run: Run, clock: ManualClock
) -> None:
    dispatcher = synced("queues: [{name: line, zone: aws-euc1, max_running: 1, ageing: 1h}]")
    dispatcher.submit(job("first"), "line")
    old = dispatcher.submit(job("old", Priority.LOW), "line")
    clock.now += 2 * 3600
    new = dispatcher.submit(job("new", Priority.MEDIUM), "line")
    assert [entry["id"] for entry in run("queue", "show", "line", "-o", "json").json["queue"]] == [old.id, new.id]
    assert field(run("show", new.id).out, "waits")[0] == f"1 ahead of it in queue line: {old.id}"
    assert "it goes as high by now, having waited for 2h (ageing)" in run("show", old.id).out


# Priorities


def test_an_unknown_priority_is_refused_with_a_guess(line: Run) -> None:
    said = line("submit", "job.yaml", "-P", "hihg")
    assert said.code == ExitCode.USAGE
    assert "--priority: priority: is 'hihg'" in said.err
    assert "high" in said.err
    id = submitted(line("submit", "job.yaml"))
    said = line("set-priority", id, "urgent")
    assert said.code == ExitCode.USAGE
    assert "there is no priority 'urgent'" in said.err


def test_a_waiting_job_s_priority_is_changed_and_who_did_it_recorded(
    line: Run, dispatcher: Dispatcher, clock: ManualClock
) -> None:
    running = submitted(line("submit", "job.yaml"))
    clock.now += 1
    first = submitted(line("submit", "job.yaml"))
    clock.now += 1
    second = submitted(line("submit", "job.yaml"))
    said = line("set-priority", second, "high")
    assert (said.out, said.code) == (f"{second} is high\n", 0)
    assert f"it is next in queue line: dispatch wait {second}" in said.err
    assert [entry.id for entry in dispatcher.waiting("line")] == [second, first]
    (event,) = [event for event in dispatcher.events(second) if event.kind == "priority"]
    assert (event.who, json.loads(event.data)) == ("ada", {"from": "medium", "to": "high"})
    assert line("set-priority", second, "low").out == f"{second} is low; 1 ahead of it in queue line\n"
    assert line("set-priority", second, "low", "-o", "json").json["priority"] == "low"
    assert len([event for event in dispatcher.events(second) if event.kind == "priority"]) == 2
    said = line("set-priority", running, "low")
    assert said.code == ExitCode.USAGE
    assert f"job {running} does not wait, it is pending" in said.err


# Draining


def test_a_drained_queue_takes_nothing_new_and_runs_what_it_has_until_it_is_resumed(
    line: Run, dispatcher: Dispatcher, cloud: ToyCloud
) -> None:
    submitted(line("submit", "job.yaml"))
    waiting = submitted(line("submit", "job.yaml"))
    said = line("queue", "drain", "line")
    assert said.out == "queue line takes no new jobs; dispatch queue resume line opens it again\n"
    assert said.err == "  1 waiting and 1 running go on to their end\n"
    said = line("submit", "job.yaml")
    assert said.code == ExitCode.REFUSED
    assert "queue line is being drained" in said.err
    assert line("queue", "list", "-o", "json").json[0]["draining"] is True
    assert line("queue", "list").out.splitlines()[1].split()[-1] == "draining"
    cloud.end(cloud.sent[0])
    dispatcher.tick()
    assert dispatcher.show(waiting).state == "pending"
    line("queue", "resume", "line")
    assert line("submit", "job.yaml").code == 0
    assert line("queue", "list").out.splitlines()[1].split()[-1] == "open"


def test_a_queue_stays_drained_through_a_sync_and_the_built_in_one_cannot_be(
    line: Run, outputs: Path, tmp_path: Path
) -> None:
    line("queue", "drain", "line")
    assert line("sync", "--outputs", str(outputs), "--queues", str(tmp_path / "q.yaml")).code == 0
    assert line("submit", "job.yaml").code == ExitCode.REFUSED
    assert line("queue", "drain", "local").code == ExitCode.USAGE


# Running an ended job again


def ended(line: Run, cloud: ToyCloud, *words: str, state: State = State.FAILED) -> str:
    id = submitted(line("submit", "job.yaml", *words))
    cloud.end(f"train-{id}-1", state)
    line("show", id, "--refresh")
    return id


def test_a_retry_is_a_new_job_that_goes_on_with_the_checkpoints_of_the_first(
    line: Run, dispatcher: Dispatcher, cloud: ToyCloud
) -> None:
    first = ended(line, cloud, *KEPT, "-P", "high", "--env", "RATE=1")
    before = dispatcher.show(first)
    said = line("retry", first)
    second = submitted(said)
    assert f"it goes on with the checkpoints of {first}\n" in said.err
    again = dispatcher.show(second)
    assert (again.retry_of, again.checkpoints_of, again.attempt, again.retries) == (first, first, 1, 0)
    assert (again.queue, again.priority, again.job_digest) == (before.queue, before.priority, before.job_digest)
    assert dispatcher.show(first) == before, "what has ended does not change"
    assert cloud.submissions[f"train-{second}-1"].checkpoints == first
    assert field(line("show", second).out, "retry of") == [first]
    cloud.end(f"train-{second}-1", State.TIMED_OUT)
    line("show", second, "--refresh")
    third = submitted(line("retry", second))
    assert (dispatcher.show(third).retry_of, dispatcher.show(third).checkpoints_of) == (second, first)


def test_a_fresh_retry_and_one_without_checkpoints_begin_anew(
    line: Run, dispatcher: Dispatcher, cloud: ToyCloud
) -> None:
    for words, option in ((KEPT, ("--fresh",)), ((), ())):
        first = ended(line, cloud, *words)
        second = submitted(line("retry", first, *option))
        assert (dispatcher.show(second).retry_of, dispatcher.show(second).checkpoints_of) == (first, None)
        assert cloud.submissions[f"train-{second}-1"].checkpoints == second
        cloud.end(f"train-{second}-1")
        line("show", second, "--refresh")


def test_what_has_not_ended_or_succeeded_or_goes_on_already_is_not_retried(
    line: Run, dispatcher: Dispatcher, cloud: ToyCloud
) -> None:
    first = ended(line, cloud, *KEPT)
    second = submitted(line("retry", first))
    for id, words in (
        (second, f"job {second} has not ended, it is pending"),
        (first, f"job {second} goes on with the checkpoints of {first} already, and is pending"),
    ):
        said = line("retry", id)
        assert said.code == ExitCode.USAGE
        assert words in said.err
    cloud.end(f"train-{second}-1")
    line("show", second, "--refresh")
    said = line("retry", second)
    assert "succeeded: there is nothing left to do" in said.err
    assert "--fresh runs all of it again" in said.err
    assert line("retry", second, "--fresh").code == 0


def test_a_retry_goes_as_urgently_as_the_first_went_and_of_two_planned_at_once_one_is_recorded(
    line: Run, dispatcher: Dispatcher, cloud: ToyCloud
) -> None:
    first = ended(line, cloud, *KEPT)
    dispatcher.pause("line")
    one, two = dispatcher.plan_retry(first), dispatcher.plan_retry(first)
    again = dispatcher.enqueue(one)
    with pytest.raises(UsageError, match=f"job {again.id} goes on with the checkpoints of {first} already"):
        dispatcher.enqueue(two)
    line("set-priority", again.id, "critical")
    dispatcher.resume("line")
    dispatcher.tick()
    cloud.end(f"train-{again.id}-1", State.FAILED)
    dispatcher.tick()
    third = dispatcher.enqueue(dispatcher.plan_retry(again.id))
    assert (third.checkpoints_of, third.priority) == (first, Priority.CRITICAL)


def test_checkpoints_in_another_zone_are_out_of_reach(
    line: Run, dispatcher: Dispatcher, cloud: ToyCloud, outputs: Path, tmp_path: Path
) -> None:
    first = ended(line, cloud, *KEPT)
    document = json.loads(outputs.read_text())
    document["contract"]["zones"] = {"aws-new": document["contract"]["zones"]["aws-euc1"]}
    outputs.write_text(json.dumps(document))
    (tmp_path / "q.yaml").write_text("queues: [{name: line, zone: aws-new}]")
    assert line("sync", "--outputs", str(outputs), "--queues", str(tmp_path / "q.yaml")).code == 0
    said = line("retry", first)
    assert said.code == ExitCode.USAGE
    assert f"leads to zone aws-new now, and the checkpoints of {first} are in aws-euc1" in said.err
    assert line("retry", first, "--fresh").code == 0


def test_a_queue_that_is_paused_and_drained_promises_nothing_to_what_waits(line: Run) -> None:
    assert "(new driver (by ada))" in line("queue", "pause", "line", "--reason", "new driver").out
    line("submit", "job.yaml")
    said = line("queue", "drain", "line")
    assert said.err == "  it is paused too: what runs (0) goes on, what waits (1) does not start\n"
    assert line("queue", "list").out.splitlines()[1].endswith("paused, draining")


def test_pausing_again_without_a_reason_keeps_the_one_from_before(line: Run) -> None:
    assert "(by ada)" in line("queue", "pause", "line").out
    line("queue", "pause", "line", "--reason", "new driver")
    assert "(new driver (by ada))" in line("queue", "pause", "line").out


def test_waiting_for_a_job_of_a_paused_queue_says_so(line: Run, clock: ManualClock) -> None:
    line("queue", "pause", "line", "--reason", "new driver")
    id = line("submit", "job.yaml").out.split()[1].rstrip(":")

    def leave(seconds: float) -> None:
        raise KeyboardInterrupt

    clock.on_sleep = leave
    said = line("wait", id)
    assert "  waits: queue line is paused: new driver (by ada)\n" in said.err
