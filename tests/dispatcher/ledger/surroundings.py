"""What every ledger driver must do with what surrounds jobs: queues, images, agents, sweeps, news of all that."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from dispatcher.errors import LedgerError
from dispatcher.ledger import AgentRow, Event, Filter, ImageRow, Lease, MetricRow, QueueRow, SweepRow, Target
from tests.dispatcher.ledger.given import LATER, MUCH_LATER, NOW, Open, add, entry, sync


def image(digest: str, **columns: Any) -> ImageRow:
    """A recorded image."""
    given: dict[str, Any] = {"zone": "z", "name": "train", "reference": "r", "tag": "t", "platform": "linux/amd64"}
    given |= {"recorded_at": NOW, "who": "ada", "source": ".", "pushed": 0, **columns}
    return ImageRow(digest=digest, **given)


class Surroundings:
    """Subclass it with an `open` fixture that returns a function opening one and the same ledger."""

    def test_zones_and_queues_are_exactly_what_was_last_synced(self, open: Open) -> None:
        ledger = open()
        sync(ledger, ["a", "b"])
        sync(ledger, ["b"])
        assert [row.name for row in open().queues()] == ["b"]
        assert [row.name for row in open().zones()] == ["z"]
        assert ledger.meta("environment") == "dev"

    def test_a_queue_needs_its_zone_and_a_failed_sync_changes_nothing(self, open: Open) -> None:
        ledger = open()
        sync(ledger, ["a"])
        with pytest.raises(LedgerError):
            ledger.synchronise([], [QueueRow("b", "nowhere", "{}", NOW)], "dev")
        assert [row.name for row in ledger.queues()] == ["a"]

    def test_back_off_belongs_to_the_target_and_is_forgotten(self, open: Open) -> None:
        ledger = open()
        target = Target("z", "h", 1, 2, LATER, "no capacity")
        ledger.hold_back(dataclasses.replace(target, failures=1))
        ledger.hold_back(target)
        assert open().targets() == [target]
        ledger.release("z", "h", 1)
        assert open().targets() == []

    def test_facts_are_remembered(self, open: Open) -> None:
        ledger = open()
        assert ledger.meta("last_tick_at") is None
        ledger.remember("last_tick_at", NOW)
        ledger.remember("last_tick_at", LATER)
        assert open().meta("last_tick_at") == LATER

    def test_an_image_that_is_recorded_again_is_the_newest_and_once_pushed_stays_so(self, open: Open) -> None:
        ledger = open()
        ledger.record_image(image("sha256:1", pushed=1, entrypoint='["train"]'))
        ledger.record_image(image("sha256:2"))
        ledger.record_image(image("sha256:3", name="other"))
        ledger.record_image(image("sha256:4", zone="elsewhere"))
        ledger.record_image(image("sha256:1", pushed=0))
        found = open().images("z", "train")
        assert [(one.digest, one.pushed) for one in found] == [("sha256:1", 1), ("sha256:2", 0)]
        assert [one.digest for one in ledger.images("z")] == ["sha256:1", "sha256:3", "sha256:2"]
        assert len(ledger.images()) == 4

    def test_a_turn_is_one_owner_s_until_it_runs_out_is_given_back_or_the_owner_is_gone(self, open: Open) -> None:
        ledger, mine, yours = open(), Lease("t1", "ada", LATER), Lease("t2", "bob", MUCH_LATER)
        assert ledger.turn("zone", mine, NOW)
        assert not open().turn("zone", yours, NOW)
        assert ledger.turn("other", yours, NOW)
        assert ledger.turn("zone", Lease("t3", "ada", LATER), NOW), "its own, whatever the token"
        assert ledger.turn("zone", yours, NOW, lambda owner: owner != "ada")
        assert not ledger.turn("zone", mine, LATER)
        ledger.yield_turn("zone", "ada")
        assert {turn.name: turn.owner for turn in ledger.turns()} == {"other": "bob", "zone": "bob"}
        ledger.yield_turn("zone", "bob")
        assert ledger.turn("zone", mine, NOW)
        assert ledger.turn("zone", yours, LATER), "it ran out"
        ledger.leave("bob")
        assert ledger.turns() == []

    def test_an_agent_s_name_is_its_own_until_it_leaves_or_is_not_seen_any_more(self, open: Open) -> None:
        ledger = open()
        mine = AgentRow("night", "t1", "ada@here#1", "here", NOW, LATER, '{"queues": ["q"]}')
        yours = dataclasses.replace(mine, token="t2", owner="bob@there#2", seen_at=MUCH_LATER)
        assert ledger.check_in(mine, stale=NOW)
        assert open().agents() == [mine]
        assert not ledger.check_in(yours, stale=NOW)
        assert ledger.check_in(dataclasses.replace(mine, seen_at=LATER), stale=NOW)
        assert ledger.check_in(yours, stale=NOW, dead=["ada@here#1"])
        assert not ledger.check_in(mine, stale=LATER)
        ledger.check_out("night", "t1")
        assert ledger.agents() == [yours]
        assert ledger.check_in(mine, stale=MUCH_LATER)
        ledger.check_out("night", "t1")
        assert ledger.agents() == []

    def test_a_sweep_its_trials_and_what_they_reported(self, open: Open) -> None:
        ledger = open()
        one = SweepRow("s1", "lr", "ada", "here", NOW, '{"max_trials": 3}', "d", "running")
        ledger.add_sweep(one)
        with pytest.raises(LedgerError):
            ledger.add_sweep(one)
        ledger.add_sweep(dataclasses.replace(one, id="s2", submitted_at=LATER, state="ended"))
        assert [sweep.id for sweep in open().sweeps()] == ["s2", "s1"]
        assert ledger.sweeps(["running"]) == [one]
        assert not ledger.change_sweep("s1", {"state": "ended"}, state="stopping")
        assert ledger.change_sweep("s1", {"state": "ended", "reason": "goal", "ended_at": LATER}, state="running")
        changed = ledger.sweep("s1")
        assert changed is not None
        assert (changed.state, changed.reason) == ("ended", "goal")
        with pytest.raises(ValueError, match="no such columns: colour"):
            ledger.change_sweep("s1", {"colour": "red"})
        add(ledger, entry("b", sweep="s1", trial=1, parameters='{"lr": 0.1}'), entry("a", sweep="s1", trial=2))
        assert [trial.id for trial in ledger.trials("s1")] == ["b", "a"]
        ledger.record_metrics([MetricRow("a", "loss", 3, 0.5, NOW), MetricRow("b", "loss", None, None, NOW)])
        ledger.record_metrics([MetricRow("a", "loss", 10**15 - 1, 0.25, LATER)])  # a step may count tokens
        found = [MetricRow("a", "loss", 10**15 - 1, 0.25, LATER), MetricRow("b", "loss", None, None, NOW)]
        assert open().metrics(["a", "b", "c"]) == found

    def test_nothing_that_looks_like_a_secret_is_kept_with_agents_sweeps_labels_and_metrics(
        self, open: Open
    ) -> None:
        ledger, secret = open(), "AKIA" + "IOSFODNN7EXAMPLQ"
        add(ledger, entry("a", labels=json.dumps({"key": secret}), parameters=json.dumps({"key": secret})))
        ledger.check_in(AgentRow("n", "t", "o", "h", NOW, NOW, json.dumps({"why": secret})), stale=NOW)
        ledger.record_metrics([MetricRow("a", secret, 1, 0.5, NOW)])
        ledger.unseen(["a"], f"denied for {secret}", NOW)
        with pytest.raises(LedgerError, match="of the sweep"):
            ledger.add_sweep(
                SweepRow("s", "n", "ada", "h", NOW, json.dumps({"env": {"K": secret}}), "d", "running")
            )
        kept = (ledger.entry("a"), ledger.agents(), ledger.metrics(["a"]), ledger.sweeps())
        assert secret not in repr(kept)
        assert ledger.entries(Filter(labels={"key": secret}), None) == []

    def test_a_wait_ends_when_somebody_else_queued_changed_or_paused_something(self, open: Open) -> None:
        mine, other = open(), open()
        sync(mine, ["line"])
        mine.wait(0)
        assert not mine.wait(0)
        for change in (
            lambda: add(other, entry("a")),
            lambda: other.change("a", {"cancel_requested_at": NOW}, Event("a", NOW, "cancel asked", "bob")),
            lambda: other.pause("line", "maintenance"),
        ):
            change()
            assert mine.wait(5)
            assert not mine.wait(0)
        other.remember("last_tick_at", NOW)
        other.change("a", {"reason": "x"}, Event("a", NOW, "odd", "bob"))
        given_back: dict[str, object] = {"state": "queued", "lease_token": None, "last_error": "sign-in expired"}
        other.change("a", given_back, Event("a", NOW, "refused", "bob"))
        assert not mine.wait(0), "or two that wait would wake each other for ever"
        mine.change("a", {"priority": 1}, Event("a", NOW, "priority", "ada"))
        other.remember("last_tick_at", LATER)
        assert not mine.wait(0), "its own change is no news"
