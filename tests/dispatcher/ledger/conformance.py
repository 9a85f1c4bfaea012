"""What every ledger driver must do, as functions over an opener; a driver's test module runs them all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from dispatcher.errors import LedgerError
from dispatcher.ledger import Caps, Entry, Event, Filter, ImageRow, Lease, Ledger, Load, QueueRow, Target, ZoneRow

Open = Callable[[], Ledger]
NOW, LATER, MUCH_LATER = "2026-11-21T08:00:00.000Z", "2026-11-21T08:05:00.000Z", "2026-11-21T09:00:00.000Z"
LEASE = Lease("token-1", "ada@here#1", LATER)
ANY = Caps()


def entry(id: str, **columns: Any) -> Entry:
    """A queued submission."""
    given: dict[str, Any] = {"queue": "line", "zone": "z", "cloud": "aws", "region": "r", "slug": "s"}
    given |= {"state": "queued", "priority": 2, "attempt": 1, "submitted_at": NOW, "who": "ada", "host": "here"}
    given |= {"job": "{}", "job_digest": "d", "nodes": 1, "hardware": "h", **columns}
    return Entry(id=id, **given)


def add(ledger: Ledger, *entries: Entry) -> None:
    for one in entries:
        ledger.add(one, Event(one.id, NOW, "queued", "ada"))


def claim(ledger: Ledger, one: Entry, lease: Lease = LEASE, caps: Caps = ANY, **more: Any) -> Entry | None:
    given = {"now": NOW, "passed": (), "cloud_name": f"{one.slug}-{one.id}-1", "request_digest": "rd", **more}
    return ledger.claim(one, lease=lease, caps=caps, **given)


def image(digest: str, **columns: Any) -> ImageRow:
    """A recorded image."""
    given: dict[str, Any] = {"zone": "z", "name": "train", "reference": "r", "tag": "t", "platform": "linux/amd64"}
    given |= {"recorded_at": NOW, "who": "ada", "source": ".", "pushed": 0, **columns}
    return ImageRow(digest=digest, **given)


class Conformance:
    """Subclass it with an `open` fixture that returns a function opening one and the same ledger."""

    def test_what_is_added_is_there_for_everyone_who_opens_the_ledger(self, open: Open) -> None:
        one = entry("aaaa", job='{"image": "ü"}', unit_price="1.23", links="{}")
        add(open(), one)
        assert open().entry("aaaa") == one
        assert [event.kind for event in open().events("aaaa")] == ["queued"]

    def test_an_id_is_taken_once(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("aaaa"))
        with pytest.raises(LedgerError):
            add(ledger, entry("aaaa", who="bob"))
        assert len(ledger.events("aaaa")) == 1

    def test_jobs_wait_in_the_order_of_priority_time_and_id(self, open: Open) -> None:
        ledger = open()
        add(
            ledger,
            entry("d", submitted_at=LATER),
            entry("c"),
            entry("b"),
            entry("a", priority=3),
            entry("e", priority=0, submitted_at=MUCH_LATER),
            entry("x", queue="other"),
        )
        assert [one.id for one in ledger.waiting("line")] == ["e", "b", "c", "d", "a"]

    def test_loads_count_what_waits_and_runs_in_each_queue(self, open: Open) -> None:
        ledger = open()
        assert ledger.loads() == {}
        add(ledger, entry("a", nodes=3), entry("b", submitted_at=LATER), entry("c", submitted_at=MUCH_LATER))
        add(ledger, entry("x", queue="other"))
        claim(ledger, entry("a", nodes=3))
        ledger.change("c", {"state": "cancelled", "ended_at": NOW})
        assert ledger.loads() == {"line": Load(1, LATER, 1, 3), "other": Load(1, NOW, 0, 0)}
        assert [one.id for one in ledger.waiting(None, 1)] == ["x"]

    def test_lists_are_newest_first_filtered_counted_and_cut(self, open: Open) -> None:
        ledger = open()
        add(
            ledger,
            entry("a"),
            entry("b", submitted_at=LATER, who="bob"),
            entry("c", submitted_at=MUCH_LATER, queue="q"),
        )
        assert [one.id for one in ledger.entries(Filter(), None)] == ["c", "b", "a"]
        assert [one.id for one in ledger.entries(Filter(), 2)] == ["c", "b"]
        assert [one.id for one in ledger.entries(Filter(who="bob"), None)] == ["b"]
        assert [one.id for one in ledger.entries(Filter(queue="line", since=LATER), None)] == ["b"]
        assert ledger.entries(Filter(states=["running", "failed"]), None) == []
        assert ledger.count(Filter(states=["queued"])) == 3

    def test_a_job_is_found_by_the_beginning_of_its_id_or_its_cloud_name(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("abcd"), entry("abxy", submitted_at=LATER), entry("zzzz"))
        claim(ledger, entry("abcd"), passed=("abxy",))
        assert {one.id for one in ledger.find("ab", 9)} == {"abcd", "abxy"}
        assert [one.id for one in ledger.find("s-abcd-1", 9)] == ["abcd"]
        assert ledger.find("%", 9) == ledger.find("_bcd", 9) == ledger.find("nope", 9) == []

    def test_only_the_first_in_line_can_be_claimed_and_only_once(self, open: Open) -> None:
        ledger = open()
        first, second = entry("a"), entry("b")
        add(ledger, first, second)
        assert claim(ledger, second) is None
        claimed = claim(ledger, first)
        assert claimed is not None
        assert (claimed.state, claimed.cloud_name, claimed.request_digest) == ("submitting", "s-a-1", "rd")
        assert claim(open(), first, Lease("token-2", "bob@there#2", LATER)) is None
        assert claim(ledger, second) is not None

    def test_those_that_hold_back_are_passed_and_those_not_due_do_not_stand_in_the_way(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a"), entry("b", not_before=MUCH_LATER), entry("c"))
        assert claim(ledger, entry("c")) is None
        assert claim(ledger, entry("c"), passed=("a",)) is not None

    def test_caps_count_jobs_and_nodes_of_the_queue(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a", nodes=3), entry("b", nodes=2), entry("x", queue="other", nodes=9))
        assert claim(ledger, entry("x", queue="other", nodes=9), caps=Caps(nodes=9)) is not None
        assert claim(ledger, entry("a", nodes=3), caps=Caps(nodes=2)) is None
        assert claim(ledger, entry("a", nodes=3), caps=Caps(running=1, nodes=4)) is not None
        assert claim(ledger, entry("b", nodes=2), caps=Caps(running=1)) is None
        assert claim(ledger, entry("b", nodes=2), caps=Caps(nodes=4)) is None
        assert claim(ledger, entry("b", nodes=2), caps=Caps(running=2, nodes=5)) is not None

    def test_a_paused_queue_gives_no_job(self, open: Open) -> None:
        ledger = open()
        self._sync(ledger, ["line"])
        add(ledger, entry("a"))
        ledger.pause("line", "maintenance")
        assert claim(ledger, entry("a")) is None
        ledger.pause("line", None)
        assert claim(ledger, entry("a")) is not None

    def test_a_stale_token_changes_nothing(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a"))
        claim(ledger, entry("a"))
        running = ledger.entry("a")
        assert running is not None
        assert ledger.take_over(running, Lease("token-2", "bob@there#2", MUCH_LATER), NOW, dead=False) is None
        assert (
            ledger.take_over(running, Lease("token-2", "bob@there#2", MUCH_LATER), LATER, dead=False) is not None
        )
        event = Event("a", NOW, "submitted", "ada")
        assert not ledger.change("a", {"state": "pending"}, event, token="token-1")
        assert [e.kind for e in ledger.events("a")] == ["queued", "claimed"]
        assert ledger.change("a", {"state": "pending"}, event, token="token-2")

    def test_the_lease_of_a_dead_process_is_taken_at_once_and_by_one_only(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a"))
        claimed = claim(ledger, entry("a"))
        assert claimed is not None
        assert ledger.take_over(claimed, Lease("t2", "o", MUCH_LATER), NOW, dead=True) is not None
        assert ledger.take_over(claimed, Lease("t3", "o", MUCH_LATER), NOW, dead=True) is None

    def test_what_has_ended_never_changes(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a"))
        assert ledger.change("a", {"state": "cancelled", "ended_at": NOW})
        assert not ledger.change("a", {"state": "queued", "ended_at": None})
        assert not ledger.change("a", {"reason": "x"}, Event("a", NOW, "late", "ada"))
        assert len(ledger.events("a")) == 1

    def test_a_change_meant_for_one_state_does_not_happen_in_another(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a"))
        claim(ledger, entry("a"))
        assert not ledger.change("a", {"state": "cancelled", "ended_at": NOW}, state="queued")
        assert ledger.change("a", {"reason": "x"}, state="submitting")

    def test_a_change_meant_for_one_attempt_does_not_happen_in_another(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a", attempt=2))
        assert not ledger.change("a", {"reason": "late"}, attempt=1)
        assert ledger.change("a", {"reason": "now"}, attempt=2)
        found = ledger.entry("a")
        assert found is not None
        assert found.reason == "now"

    def test_a_state_that_cannot_be_is_refused_and_leaves_no_trace(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a"))
        for columns in (
            {"state": "paused"},
            {"state": "failed"},
            {"ended_at": NOW},
            {"state": "running"},
            {"attempt": 0},
        ):
            with pytest.raises(LedgerError):
                ledger.change("a", columns, Event("a", NOW, "wrong", "ada"))
        assert ledger.entry("a") == entry("a")
        assert len(ledger.events("a")) == 1

    def test_an_unknown_column_is_a_programming_error(self, open: Open) -> None:
        with pytest.raises(ValueError, match="no such columns: colour"):
            open().change("a", {"colour": "red"})

    def test_active_is_what_may_be_on_a_cloud(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a"), entry("b"), entry("c"))
        claim(ledger, entry("a"))
        claim(ledger, entry("b"))
        ledger.change("b", {"state": "failed", "ended_at": NOW})
        assert [one.id for one in ledger.active()] == ["a"]

    def test_spot_jobs_that_wait_again_are_those_that_were_sent_before(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("new", spot=1), entry("back", spot=1), entry("plain", spot=0), entry("there", spot=1))
        for one in ("back", "plain", "there"):
            assert claim(ledger, entry(one, spot=int(one != "plain")), passed=("new", "back", "plain", "there"))
        for one in ("back", "plain"):
            ledger.change(one, {"state": "queued", "cloud_name": None})
        assert [one.id for one in ledger.waiting_again()] == ["back"]

    def test_a_job_that_turned_from_spot_to_on_demand_is_not_claimed_as_spot(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a", spot=1))
        ledger.change("a", {"spot": 0})
        assert claim(ledger, entry("a", spot=1)) is None

    def test_zones_and_queues_are_exactly_what_was_last_synced(self, open: Open) -> None:
        ledger = open()
        self._sync(ledger, ["a", "b"])
        self._sync(ledger, ["b"])
        assert [row.name for row in open().queues()] == ["b"]
        assert [row.name for row in open().zones()] == ["z"]
        assert ledger.meta("environment") == "dev"

    def test_a_queue_needs_its_zone_and_a_failed_sync_changes_nothing(self, open: Open) -> None:
        ledger = open()
        self._sync(ledger, ["a"])
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

    @staticmethod
    def _sync(ledger: Ledger, queues: list[str]) -> None:
        zone = ZoneRow("z", "aws", "r", "dev", "none", "stack", 1, NOW, NOW, "{}")
        ledger.synchronise([zone], [QueueRow(name, "z", "{}", NOW) for name in queues], "dev")

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
