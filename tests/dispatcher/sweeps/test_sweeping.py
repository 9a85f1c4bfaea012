"""A sweep from its file to its best trial, on a toy cloud: trials, metrics, stop rules, going on."""

from __future__ import annotations

import dataclasses
import json

import pytest

from dispatcher.backends.base import LogLine, State
from dispatcher.clock import moment
from dispatcher.documents.changes import Changes
from dispatcher.errors import DispatchError, LedgerError, SpecError, UnreachableError, UsageError
from dispatcher.ledger import Entry, Event
from dispatcher.scheduling import tick
from dispatcher.scheduling.work import Report
from dispatcher.sweeps import entering, judging, state
from tests.dispatcher.ledger.conformance import NOW, entry
from tests.dispatcher.sweeps.conftest import FOUR, Ground


def loss_of(command: str) -> str:
    """The metric line of a program whose loss is its rate and a tenth of its seed."""
    words = dict(word.removeprefix("--").split("=") for word in command.split() if "=" in word)
    return f"INFO dispatch-metric loss={float(words['rate']) + float(words['seed']) / 10:.3f} step=20"


def test_trials_are_ordinary_jobs_of_low_priority_that_may_be_preempted(ground: Ground) -> None:
    found = ground.start()
    assert [(trial.number, dict(trial.point)) for trial in found.trials] == [
        (1, {"rate": 0.1, "seed": 1}),
        (2, {"rate": 0.1, "seed": 2}),
        (3, {"rate": 0.3, "seed": 1}),
        (4, {"rate": 0.3, "seed": 2}),
    ]
    assert {(one.entry.priority, one.entry.preemptible) for one in found.trials} == {(3, 1)}
    listed = ground.dispatcher.list()
    assert {entry.id for entry in listed} == {trial.entry.id for trial in found.trials}
    assert json.loads(found.trials[3].entry.job)["command"] == ["python", "train.py", "--rate=0.3", "--seed=2"]
    assert found.trials[3].entry.slug == "sweep-4"


def test_trials_start_in_their_order_as_far_as_there_is_room(ground: Ground) -> None:
    found = ground.start()
    assert ground.cloud.sent == [f"sweep-{trial.number}-{trial.entry.id}-1" for trial in found.trials[:2]]


def test_the_best_trial_is_the_one_with_the_best_metric(ground: Ground) -> None:
    id = ground.start().row.id
    ground.run(loss_of)
    found = ground.dispatcher.sweeps.show(id)
    assert (found.row.state, [trial.value for trial in found.trials]) == ("ended", [0.2, 0.3, 0.4, 0.5])
    assert found.best is not None
    assert found.best.number == 1


def test_the_best_of_a_metric_to_maximize_is_the_largest_and_of_equals_the_first(ground: Ground) -> None:
    id = ground.start(FOUR.replace("minimize", "maximize")).row.id
    ground.run(lambda command: "dispatch-metric loss=0.9" if "seed=2" in command else "dispatch-metric loss=0.1")
    best = ground.dispatcher.sweeps.show(id).best
    assert best is not None
    assert best.number == 2


def test_a_trial_that_lost_its_number_or_failed_is_never_the_best(ground: Ground) -> None:
    id = ground.start().row.id
    first, second = ground.running()
    ground.end(first, "dispatch-metric loss=0.001", "dispatch-metric loss=-inf")
    ground.end(second, "dispatch-metric loss=0.002", state=State.FAILED)
    ground.run(loss_of)
    best = ground.dispatcher.sweeps.show(id).best
    assert best is not None
    assert best.number == 3


def test_a_cloud_that_cannot_be_asked_for_a_log_is_asked_again(ground: Ground) -> None:
    id = ground.start().row.id
    ground.cloud.mute = [UnreachableError("logs do not answer")]
    ground.end(ground.running()[0], "dispatch-metric loss=0.5")
    assert ground.dispatcher.sweeps.show(id).trials[0].value is None
    ground.dispatcher.tick()
    assert ground.dispatcher.sweeps.show(id).trials[0].value == 0.5


def test_a_line_that_arrives_after_the_end_still_counts(ground: Ground) -> None:
    id = ground.start().row.id
    name = ground.running()[0]
    ground.cloud.lines[name] = []
    ground.cloud.end_at = ground.dispatcher.stamp()
    ground.cloud.end(name)
    ground.dispatcher.tick()
    ground.clock.sleep(5)
    ground.end(name, "dispatch-metric loss=0.5")
    ground.dispatcher.tick()
    assert ground.dispatcher.sweeps.show(id).trials[0].value == 0.5


def test_a_target_that_is_reached_stops_what_waits_and_lets_run_what_runs(ground: Ground) -> None:
    id = ground.start(FOUR.replace("goal: minimize", "goal: minimize, target: 0.25")).row.id
    first, second = ground.running()
    ground.end(first, "dispatch-metric loss=0.2")
    found = ground.dispatcher.sweeps.show(id)
    assert found.row.state == "stopping"
    assert found.row.reason == "trial 1 has reached loss=0.2, and the target is 0.25"
    assert [trial.entry.state for trial in found.trials][2:] == ["cancelled", "cancelled"]
    assert found.row.ended_at is None
    ground.end(second, "dispatch-metric loss=0.1")
    ground.dispatcher.tick()
    found = ground.dispatcher.sweeps.show(id)
    assert found.row.state == "stopped"
    assert found.best is not None
    assert found.best.number == 2
    with pytest.raises(UsageError, match=f"sweep {id} cannot go on: trial 2 has reached loss=0.1"):
        ground.dispatcher.sweeps.resume(id)


def test_failures_stop_a_sweep_and_are_forgiven_when_it_is_resumed(ground: Ground) -> None:
    id = ground.start(f"{FOUR}max_failures: 1\n").row.id
    first, second = ground.running()
    ground.end(first, state=State.FAILED)
    assert ground.dispatcher.sweeps.show(id).row.reason == "1 trials have failed, and max_failures is 1"
    ground.end(second, "dispatch-metric loss=0.1")
    found = ground.dispatcher.sweeps.resume(id, failed=True)
    assert found.row.state == "running"
    again = found.trials[0].entry
    assert (again.retry_of, again.checkpoints_of) == (found.job.name or first.split("-")[2],) * 2
    ground.run(loss_of)
    found = ground.dispatcher.sweeps.show(id)
    assert (found.row.state, found.counts) == ("ended", {"succeeded": 4})


def test_a_sweep_whose_first_trials_all_fail_stops_by_itself(ground: Ground) -> None:
    id = ground.start(FOUR.replace("max: 2", "max: 9")).row.id
    for _ in range(5):
        ground.end(ground.running()[0], state=State.FAILED)
        ground.dispatcher.tick()
    assert ground.dispatcher.sweeps.show(id).row.reason == "the first 5 trials have failed, all of them"


def test_a_sweep_that_has_cost_enough_stops_what_runs_too(ground: Ground) -> None:
    prices = ground.place / "prices.yaml"
    prices.write_text(
        "{as_of: 2026-11-01, source: finance, currency: USD, prices: [{cloud: aws, instance: ml.m5.xlarge,"
        " unit_price: 3600}]}"
    )
    id = ground.start(f"{FOUR}max_cost: 150\n", prices).row.id
    first, second = ground.running()
    ground.end(first, "dispatch-metric loss=0.2")  # 90 s at one dollar a second
    found = ground.dispatcher.sweeps.show(id)
    assert found.cost is not None
    assert found.cost >= 150
    ground.dispatcher.tick()
    found = ground.dispatcher.sweeps.show(id)
    assert str(found.row.reason).startswith("it has cost ")
    third, fourth = found.trials[2:]
    assert (third.entry.cancelled_by, fourth.entry.state) == (f"sweep {id}", "cancelled")
    ground.dispatcher.tick()
    assert ground.cloud.cancelled == [second, third.entry.cloud_name]


def test_a_limit_of_cost_without_prices_is_refused(ground: Ground) -> None:
    with pytest.raises(UsageError, match=r"max_cost: the price of ml\.m5\.xlarge is unknown"):
        ground.start(f"{FOUR}max_cost: 5\n")


def test_a_stopped_sweep_goes_on_with_the_checkpoints_of_what_it_stopped(ground: Ground) -> None:
    id = ground.start().row.id
    ground.end(ground.running()[0], loss_of("--rate=0.1 --seed=1"))
    ground.dispatcher.sweeps.stop(id, running=True)
    with pytest.raises(UsageError, match="2 trials are still being stopped"):
        ground.dispatcher.sweeps.resume(id)
    for name in ground.running():
        ground.end(name, state=State.CANCELLED)
    stopped = ground.dispatcher.sweeps.show(id)
    assert stopped.counts == {"succeeded": 1, "cancelled": 3}
    resumed = ground.dispatcher.sweeps.resume(id)
    assert [one.entry.id for one in resumed.trials][:1] == [stopped.trials[0].entry.id]
    for before, after in zip(stopped.trials[1:], resumed.trials[1:], strict=True):
        assert (after.entry.retry_of, after.entry.checkpoints_of) == (before.entry.id, before.entry.id)
        assert dict(after.point) == dict(before.point)
    ground.run(loss_of)
    found = ground.dispatcher.sweeps.show(id)
    assert (found.row.state, [trial.value for trial in found.trials]) == ("ended", [0.2, 0.3, 0.4, 0.5])


def test_a_crash_between_two_trials_is_made_good_by_resume(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, added = ground.dispatcher.ledger.add, list[Entry]()

    def die_at_third(entry: Entry, event: Event) -> None:
        if len(added) == 2:
            raise KeyboardInterrupt
        added.append(entry)
        add(entry, event)

    monkeypatch.setattr(ground.dispatcher.ledger, "add", die_at_third)
    with pytest.raises(KeyboardInterrupt):
        ground.start()
    monkeypatch.undo()
    ((broken,), _) = ground.dispatcher.sweeps.list()
    assert broken.missing == [3, 4]
    found = ground.dispatcher.sweeps.resume(broken.row.id)
    assert found.missing == []
    assert len(ground.dispatcher.list()) == 4
    ground.dispatcher.sweeps.resume(broken.row.id)
    assert len(ground.dispatcher.list()) == 4


def test_a_preempted_trial_comes_back_as_itself(ground: Ground) -> None:
    """Whatever sends a trial back to the queue, it stays the trial that it is, with its place and its point."""
    id = ground.start().row.id
    before = ground.dispatcher.sweeps.show(id).trials[0].entry
    columns = {"state": "queued", "attempt": 2, "preemptions": 1, "cloud_name": None, "provider_id": None}
    assert ground.dispatcher.ledger.change(before.id, columns)
    ground.dispatcher.tick()
    after = ground.dispatcher.sweeps.show(id).trials[0].entry
    assert (after.id, after.attempt, after.submitted_at) == (before.id, 2, before.submitted_at)


def test_a_sweep_is_found_by_its_id_a_beginning_of_it_or_its_name(ground: Ground) -> None:
    id = ground.start().row.id
    show = ground.dispatcher.sweeps.show
    assert {show(text).row.id for text in (id, id[:4], "sweep")} == {id}
    with pytest.raises(DispatchError, match="there is no sweep other"):
        show("other")


def test_nothing_is_recorded_when_one_trial_is_wrong(ground: Ground) -> None:
    with pytest.raises(SpecError, match=r"resources\.gpu: is 'x', not a whole number"):
        ground.start(FOUR.replace("seed: {min: 1, max: 2}", "resources.gpu: {values: [0, x]}"))
    assert not ground.dispatcher.list()
    assert ground.dispatcher.sweeps.list() == ([], 0)


def test_one_of_several_agents_reads_what_trials_reported(ground: Ground) -> None:
    id = ground.start().row.id
    name = ground.running()[0]
    ground.cloud.lines[name] = [LogLine(1, "node", "dispatch-metric loss=0.5")]
    ground.cloud.end_at = ground.dispatcher.stamp()
    ground.cloud.end(name)
    ground.dispatcher.look([ground.dispatcher.show(name)])
    asked = list[str]()

    def taken(turn: str) -> bool:
        asked.append(turn)
        return False

    work = dataclasses.replace(ground.dispatcher.work(), turn=taken)
    judging.judge(work, Report())
    assert (asked, ground.dispatcher.sweeps.show(id).trials[0].value) == (["sweeps line"], None)
    judging.judge(dataclasses.replace(work, turn=lambda turn: True), Report())
    assert ground.dispatcher.sweeps.show(id).trials[0].value == 0.5


def test_a_sweep_that_was_stopped_when_all_ran_already_is_opened_again(ground: Ground) -> None:
    id = ground.start(FOUR.replace("max: 2", "max: 1")).row.id
    assert ground.dispatcher.sweeps.stop(id).row.state == "stopping"
    assert ground.dispatcher.sweeps.resume(id).row.state == "running"
    assert len(ground.dispatcher.list()) == 2


def test_what_looks_like_a_secret_is_refused_in_values_too_and_allowed_by_its_name(ground: Ground) -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    file = ground.place / "sweep.yaml"
    file.write_text(FOUR.replace("seed: {min: 1, max: 2}", f"word: {{values: [x, {token}]}}"))
    sweeps = ground.dispatcher.sweeps
    with pytest.raises(SpecError, match=r"looks like .* secrets are never written down"):
        sweeps.plan(file, "line")
    found = sweeps.start(sweeps.plan(file, "line", changes=Changes(allow_plain=("word",))))
    assert f"--word={token}" in json.loads(found.trials[1].entry.job)["command"]
    sweeps.stop(found.row.id)
    resumed = sweeps.resume(found.row.id)
    assert f"--word={token}" in json.loads(resumed.trials[3].entry.job)["command"]


def test_trials_that_are_entered_twice_are_there_once(ground: Ground) -> None:
    file = ground.place / "sweep.yaml"
    file.write_text(FOUR)
    planned = ground.dispatcher.sweeps.plan(file, "line")
    row = entering.record(ground.dispatcher, planned)
    assert entering.enter(ground.dispatcher, row, planned.trials) == []
    assert len(ground.dispatcher.list()) == 4


def _end(ground: Ground, name: str, loss: float) -> None:
    """Let a job end on its cloud; nobody has looked yet."""
    ground.cloud.lines[name] = [LogLine(1, "node", f"dispatch-metric loss={loss}")]
    ground.cloud.end_at = ground.dispatcher.stamp()
    ground.cloud.end(name)
    ground.clock.sleep(30)


def _not_mine(turn: str) -> bool:
    return not turn.startswith("sweeps")


def test_no_trial_starts_while_another_process_has_yet_to_read_whether_the_target_is_reached(
    ground: Ground,
) -> None:
    id = ground.start(FOUR.replace("goal: minimize", "goal: minimize, target: 0.25")).row.id
    _end(ground, ground.running()[0], 0.2)
    work = ground.dispatcher.work()
    tick.tick(dataclasses.replace(work, turn=_not_mine))
    tick.tick(work, observe=False)
    assert len(ground.cloud.sent) == 2
    tick.tick(work)
    assert ground.dispatcher.sweeps.show(id).row.state == "stopping"
    assert len(ground.cloud.sent) == 2


def test_a_log_that_nobody_reads_keeps_trials_waiting_for_five_minutes_only(ground: Ground) -> None:
    ground.start(FOUR.replace("goal: minimize", "goal: minimize, target: 0.25"))
    _end(ground, ground.running()[0], 0.2)
    ground.clock.sleep(judging.UNREAD)
    tick.tick(dataclasses.replace(ground.dispatcher.work(), turn=_not_mine))
    assert len(ground.cloud.sent) == 3


@pytest.mark.parametrize("observe", [True, False])
def test_whoever_sends_holds_a_sweep_to_its_cost(ground: Ground, observe: bool) -> None:
    prices = ground.place / "prices.yaml"
    prices.write_text(
        "{as_of: 2026-11-01, source: finance, currency: USD, prices: [{cloud: aws, instance: ml.m5.xlarge,"
        " unit_price: 3600}]}"
    )
    id = ground.start(f"{FOUR}max_cost: 150\n", prices).row.id
    _end(ground, ground.running()[0], 0.2)
    work = dataclasses.replace(ground.dispatcher.work(), turn=_not_mine)
    tick.look(work, ground.dispatcher.list())
    ground.clock.sleep(1000)
    tick.tick(work, observe=observe)
    found = ground.dispatcher.sweeps.show(id)
    assert (len(ground.cloud.sent), found.row.state) == (2, "stopping")
    assert str(found.row.reason).startswith("it has cost ")


def test_a_trial_of_a_sweep_that_is_stopping_is_sent_by_nobody(ground: Ground) -> None:
    id = ground.start().row.id
    ground.dispatcher.ledger.change_sweep(id, {"state": "stopping", "reason": "by ada"})
    held = {"now": ground.dispatcher.stamp(), "takes": (), "skip": ()}
    assert ground.dispatcher.ledger.head("line", **held) is None


def test_a_sweep_that_cannot_be_judged_keeps_no_other_job_waiting(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.start(FOUR.replace("max: 2", "max: 1"))

    def broken(rows: object) -> None:
        raise LedgerError("integer out of range")

    monkeypatch.setattr(ground.dispatcher.ledger, "record_metrics", broken)
    name = ground.running()[0]
    _end(ground, name, 0.2)
    id = ground.start(FOUR.replace("max: 2", "max: 1")).trials[0].entry.id
    report = ground.dispatcher.tick()
    assert [str(error) for error, _ in report.errors] == ["integer out of range"]
    assert any(id in sent for sent in ground.cloud.sent)


def test_what_was_never_billed_counts_by_the_clock_against_max_cost() -> None:
    sent = entry("a", state="running", cloud_name="x", provider_id="p", unit_price="3600", claimed_at=NOW)
    later = "2026-11-21T08:10:00.000Z"
    assert later[:10] == NOW[:10]
    now = moment(later)
    known = state.cost(sent, now)
    over = dataclasses.replace(sent, state="failed", ended_at=later)
    again = dataclasses.replace(
        sent, state="queued", attempt=2, cloud_name=None, provider_id=None, queued_at=later
    )
    assert known == moment(later) - moment(NOW)
    assert (state.cost(over, now + 99), state.cost(again, now + 99)) == (known, known)
    assert state.cost(dataclasses.replace(over, billable_seconds=0), now) == 0.0
    assert state.cost(entry("b", unit_price="3600"), now) == 0.0


def test_a_sweep_that_was_stopped_and_of_which_all_succeeded_has_ended(ground: Ground) -> None:
    id = ground.start(FOUR.replace("max: 2", "max: 1")).row.id
    ground.dispatcher.sweeps.stop(id)
    ground.run(loss_of)
    assert ground.dispatcher.sweeps.show(id).row.state == "ended"
