"""What every ledger driver must do with jobs, as functions over an opener; a driver's tests run them all."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from dispatcher.errors import LedgerError, UsageError
from dispatcher.ledger import Caps, Entry, Event, Filter, Lease, Load, Target
from tests.dispatcher.ledger.given import LATER, MUCH_LATER, NOW, Open, add, claim, entry, sync


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

    def test_one_at_a_time_goes_on_with_the_checkpoints_of_another(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("first"), entry("again", retry_of="first", checkpoints_of="first"))
        refused = "job again goes on with the checkpoints of first already, and is "
        with pytest.raises(UsageError, match=f"{refused}queued"):
            add(open(), entry("twice", retry_of="first", checkpoints_of="first"))
        assert claim(ledger, skip=("first",)) == "again"
        with pytest.raises(UsageError, match=f"{refused}submitting"):
            add(ledger, entry("twice", retry_of="first", checkpoints_of="first"))
        add(ledger, entry("fresh", retry_of="first"), entry("other", retry_of="x", checkpoints_of="x"))
        assert ledger.change("again", {"state": "failed", "reason": "no", "ended_at": NOW})
        add(ledger, entry("next", retry_of="again", checkpoints_of="first"))
        assert ledger.entry("twice") is None

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
        assert claim(ledger) == "a"
        ledger.change("c", {"state": "cancelled", "ended_at": NOW})
        assert ledger.loads() == {"line": Load(1, LATER, 1, 3), "other": Load(1, NOW, 0, 0)}
        assert ledger.waiting_queues() == ["line", "other"]
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
        assert claim(ledger) == "abcd"
        assert {one.id for one in ledger.find("ab", 9)} == {"abcd", "abxy"}
        assert [one.id for one in ledger.find("s-abcd-1", 9)] == ["abcd"]
        assert ledger.find("%", 9) == ledger.find("_bcd", 9) == ledger.find("nope", 9) == []

    def test_the_first_in_line_is_claimed_and_once_only(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("b"), entry("a", attempt=3), entry("c", submitted_at=MUCH_LATER, priority=1))
        assert [claim(ledger), claim(open()), claim(ledger), claim(ledger)] == ["c", "a", "b", None]
        claimed = ledger.entry("a")
        assert claimed is not None
        assert (claimed.state, claimed.cloud_name, claimed.claimed_at) == ("submitting", "s-a-3", NOW)
        assert (claimed.lease_token, claimed.lease_owner, claimed.lease_until) == ("token-1", "ada@here#1", LATER)
        assert [event.kind for event in ledger.events("a")] == ["queued", "claimed"]

    def test_a_claim_passes_who_is_not_due_cancelled_skipped_of_another_type_or_from_elsewhere(
        self, open: Open
    ) -> None:
        ledger = open()
        add(ledger, entry("a", not_before=MUCH_LATER), entry("b"), entry("c"), entry("d", job_type="train"))
        add(ledger, entry("e", host="there", job_type="train"))
        ledger.change("b", {"cancel_requested_at": NOW})
        assert [one.id for one in ledger.withdrawn()] == ["b"]
        wanted: dict[str, Any] = {"skip": ("c",), "takes": ("train", "other"), "host": "there"}
        assert claim(ledger, **wanted) == "e"
        assert claim(ledger, **{**wanted, "host": "here"}) == "d"
        assert claim(ledger, skip=("c",)) is None
        assert [claim(ledger), claim(ledger), claim(ledger, now=MUCH_LATER)] == ["c", None, "a"]

    def test_who_aims_at_a_target_that_is_held_back_is_passed_until_it_no_longer_is(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a"), entry("b", spot=1), entry("c", hardware="other"))
        ledger.hold_back(Target("z", "h", 0, 1, LATER, "no capacity"))
        assert [claim(ledger), claim(ledger), claim(ledger)] == ["b", "c", None]
        assert claim(ledger, now=LATER) == "a"

    def test_the_head_is_who_would_be_claimed_whether_there_is_room_or_not(self, open: Open) -> None:
        ledger = open()
        sync(ledger, ["line"])
        assert ledger.head("line", now=NOW) is None
        add(ledger, entry("a", not_before=LATER), entry("b"), entry("c", job_type="train"))
        ledger.pause("line", "maintenance")
        wanted: tuple[tuple[dict[str, Any], str], ...] = (
            ({}, "b"), ({"skip": ("b",)}, "c"), ({"takes": ("train",)}, "c")
        )  # fmt: skip
        for given, expected in wanted:
            head = ledger.head("line", now=NOW, **given)
            assert head is not None
            assert (head.id, head.state) == (expected, "queued")

    def test_caps_count_jobs_and_nodes_of_the_queue_and_nobody_overtakes_who_does_not_fit(
        self, open: Open
    ) -> None:
        ledger = open()
        add(ledger, entry("a", nodes=3), entry("b", nodes=2), entry("c", nodes=1), entry("x", queue="o", nodes=9))
        assert claim(ledger, "o", caps=Caps(nodes=9)) == "x"
        assert claim(ledger, caps=Caps(nodes=2)) is None
        assert claim(ledger, caps=Caps(running=1, nodes=4)) == "a"
        assert claim(ledger, caps=Caps(running=1)) is None
        assert claim(ledger, caps=Caps(nodes=4)) is None, "c would fit, and b is before it"
        assert claim(ledger, caps=Caps(running=2, nodes=5)) == "b"
        ledger.change("a", {"state": "failed", "ended_at": NOW})
        assert claim(ledger, caps=Caps(running=2, nodes=3)) == "c"

    @pytest.mark.parametrize("ageing", [None, 600, 1500])
    def test_jobs_go_and_are_told_their_place_by_the_formula_of_waiting_and_nothing_becomes_critical(
        self, open: Open, ageing: int | None
    ) -> None:
        ledger, dice, now = open(), random.Random(7), MUCH_LATER
        jobs = [
            entry(
                f"j{number:02d}",
                priority=dice.randrange(4),
                submitted_at=f"2026-11-21T08:{dice.randrange(0, 60, 5):02d}:00.000Z",
            )
            for number in range(40)
        ]
        add(ledger, *jobs)

        def rank(one: Entry) -> tuple[int, str, str]:
            if ageing is None:
                return one.order
            steps = (60 - int(one.submitted_at[14:16])) * 60 // ageing
            return (min(one.priority, max(1, one.priority - steps)), one.submitted_at, one.id)

        order = sorted(jobs, key=rank)
        for ahead, one in enumerate(order):
            assert ledger.place(one, now, ageing) == ahead
            assert ledger.ahead(one, 3, now, ageing) == order[:ahead][:3]
        assert ledger.head("line", now=now, ageing=ageing, skip=[order[0].id]) == order[1]
        claimed = [claim(ledger, now=now, ageing=ageing, caps=Caps(running=99)) for _ in range(41)]
        assert claimed == [*(one.id for one in order), None]

    def test_a_paused_queue_gives_no_job(self, open: Open) -> None:
        ledger = open()
        sync(ledger, ["line"])
        add(ledger, entry("a"))
        ledger.pause("line", "maintenance")
        assert claim(ledger) is None
        ledger.pause("line", None)
        assert claim(ledger) == "a"

    def test_a_draining_queue_is_marked_and_gives_what_it_has(self, open: Open) -> None:
        ledger = open()
        sync(ledger, ["line"])
        add(ledger, entry("a"))
        ledger.drain("line", True)
        assert [row.draining for row in open().queues()] == [1]
        assert claim(ledger) == "a"
        ledger.drain("line", False)
        assert [row.draining for row in ledger.queues()] == [0]

    def test_a_stale_token_changes_nothing(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a"))
        claim(ledger)
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
        claim(ledger)
        claimed = ledger.entry("a")
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
        claim(ledger)
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
        add(ledger, entry("x", queue="other", hardware="big"))
        assert [claim(ledger), claim(ledger), claim(ledger, "other")] == ["a", "b", "x"]
        ledger.change("b", {"state": "failed", "ended_at": NOW})
        assert [one.id for one in ledger.active()] == ["a", "x"]
        assert [one.id for one in ledger.active(["other", "none"])] == ["x"]
        assert ledger.active([]) == []
        assert [ledger.rivals(entry("c")), ledger.rivals(entry("a")), ledger.rivals(entry("c", zone="far"))] == [
            2,
            1,
            0,
        ]

    def test_who_has_left_a_zone_lately_ended_there_or_waits_for_its_next_attempt(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a"), entry("b", hardware="big"), entry("c", spot=1), entry("d", zone="far"))
        assert ledger.left(entry("x"), "") == set()
        for _ in range(4):
            claim(ledger)
        ended = {"state": "failed", "reason": "no", "ended_at": LATER}
        assert all(ledger.change(one, ended) for one in ("a", "d"))
        assert ledger.change("b", {"state": "queued", "attempt": 2, "cloud_name": None, "queued_at": LATER})
        assert ledger.change("c", {"state": "queued", "cloud_name": None})
        of = entry("x")
        assert ledger.left(of, NOW) == {(of.zone, of.hardware, 0), (of.zone, "big", 0)}
        assert ledger.left(entry("a"), NOW) == {(of.zone, "big", 0)}
        assert ledger.left(of, LATER) == set()

    def test_room_is_kept_for_the_first_of_all_where_only_some_types_are_taken(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("large", job_type="large", nodes=2), entry("s1", job_type="small", nodes=1))
        add(ledger, entry("s2", job_type="small", nodes=1))
        small: dict[str, Any] = {"takes": ("small",)}
        assert claim(ledger, caps=Caps(running=1), **small) is None
        assert claim(ledger, caps=Caps(nodes=2), **small) is None
        assert claim(ledger, caps=Caps(running=2, nodes=3), **small) == "s1", "it fits beside the large one"
        assert claim(ledger, caps=Caps(running=2, nodes=4), ageing=60, **small) is None
        assert claim(ledger, caps=Caps(running=2, nodes=4), takes=("large",)) == "large"
        assert claim(ledger, caps=Caps(running=3, nodes=4), **small) == "s2"

    def test_spot_jobs_that_wait_again_are_those_that_were_sent_before(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("new", spot=1), entry("back", spot=1), entry("plain", spot=0), entry("there", spot=1))
        for one in ("back", "plain", "there"):
            assert claim(ledger, skip={"new", "back", "plain", "there"} - {one}) == one
        for one in ("back", "plain"):
            ledger.change(one, {"state": "queued", "cloud_name": None})
        assert [one.id for one in ledger.waiting_again()] == ["back"]

    def test_who_may_not_wait_any_longer_is_overdue(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a", queue_until=NOW), entry("b", queue_until=LATER), entry("c"))
        assert [one.id for one in ledger.overdue(NOW)] == ["a"]
        claim(ledger)
        assert [one.id for one in ledger.overdue(LATER)] == ["b"]

    def test_many_are_read_and_noted_at_once_and_what_has_ended_stays_as_it_is(self, open: Open) -> None:
        ledger = open()
        add(ledger, *[entry(f"{number:04d}") for number in range(510)])
        ids = [f"{number:04d}" for number in range(510)]
        ledger.change("0001", {"state": "cancelled", "ended_at": NOW})
        ledger.unseen(ids, "no answer", NOW)
        found = open().several([*ids, "none"])
        assert len(found) == 510
        assert {one.last_error for one in found.values() if one.id != "0001"} == {"no answer"}
        ledger.seen(ids, LATER)
        found = ledger.several(ids)
        assert {(one.last_error, one.last_seen_at) for one in found.values() if not one.final} == {(None, LATER)}
        assert found["0001"].last_seen_at is None
        for one in ("0002", "0003"):
            ledger.change(one, {"reason": "x"}, Event(one, LATER, "queued", "bob"))
        assert {event.who for event in ledger.first_events(["0002", "0003", "none"], "queued").values()} == {"ada"}
        told = ledger.events_of(["0002", "0003", "none"], "queued")
        assert {id: [event.who for event in of_one] for id, of_one in told.items()} == {
            "0002": ["ada", "bob"],
            "0003": ["ada", "bob"],
        }

    def test_a_waiting_job_gets_another_priority_and_one_that_no_longer_waits_does_not(self, open: Open) -> None:
        ledger = open()
        add(ledger, entry("a"), entry("b"))
        assert ledger.reprioritise("b", 0, Event("b", NOW, "priority", "ada"))
        assert claim(ledger) == "b"
        assert not ledger.reprioritise("b", 3, Event("b", NOW, "priority", "ada"))
        assert [event.kind for event in ledger.events("b")] == ["queued", "priority", "claimed"]

    def test_lists_are_filtered_by_everything_at_once_and_read_page_by_page(self, open: Open) -> None:
        ledger = open()
        for number in range(8):
            columns: dict[str, Any] = {"priority": number % 4, "regime": "gdpr" if number % 2 else None}
            columns |= {"labels": json.dumps({"team": "vision" if number < 4 else "text", "n": str(number)})}
            columns |= {"job_type": "train" if number > 1 else None, "sweep": "s1" if number in (2, 3) else None}
            add(ledger, entry(f"j{number}", submitted_at=f"2026-11-21T08:0{number // 2}:00.000Z", **columns))
        ledger.change("j0", {"state": "failed", "ended_at": NOW})
        ledger.change("j5", {"state": "cancelled", "ended_at": NOW})
        assert claim(ledger) == "j4"
        final, live = ("failed", "cancelled", "succeeded", "timed_out"), ("queued", "submitting")
        for wanted, expected in (
            (Filter(priority=3), "j7 j3"),
            (Filter(regime="gdpr"), "j7 j5 j3 j1"),
            (Filter(job_type="train", since="2026-11-21T08:01"), "j6 j7 j4 j5 j2 j3"),
            (Filter(until="2026-11-21T08:01:00.000Z"), "j0 j1"),
            (Filter(sweep="s1"), "j2 j3"),
            (Filter(states=final), "j5 j0"),
            (Filter(states=live), "j6 j7 j4 j2 j3 j1"),
            (Filter(states=["cancelled", "submitting", "failed"]), "j4 j5 j0"),
            (Filter(states=[]), ""),
            (Filter(labels={"team": "vision"}), "j2 j3 j0 j1"),
            (Filter(labels={"team": "vision", "n": "3"}), "j3"),
            (Filter(labels={"team": "vision"}, regime="gdpr", states=live, since="2026-11-21T08:01"), "j3"),
            (Filter(labels={"team": "vision"}, after=("2026-11-21T08:01:00.000Z", "j2")), "j3 j0 j1"),
            (Filter(after=("2026-11-21T08:02:00.000Z", "j4")), "j5 j2 j3 j0 j1"),
            (Filter(states=live, priority=3, regime="gdpr", queue="line", who="ada"), "j7 j3"),
        ):
            assert [one.id for one in ledger.entries(wanted, None)] == expected.split(), wanted
            assert [one.id for one in ledger.entries(wanted, 2)] == expected.split()[:2], wanted
            assert ledger.count(wanted) == len(expected.split()), wanted
            assert ledger.count(wanted, 1) == min(1, len(expected.split())), wanted
