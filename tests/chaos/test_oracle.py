"""The oracle of chaos runs finds what is planted: lost, doubled, out of turn, over a cap, and paid twice."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.ledger import Entry, Event
from tests.chaos import oracle, order, traces
from tests.chaos.census import Found
from tests.chaos.journal import Line
from tests.chaos.oracle import Evidence, Verdict
from tests.dispatcher.ledger.given import entry

AT = "2026-11-21T08:00:{:02d}.000Z"


def ended(number: int, **changes: Any) -> Entry:
    """The submission of wish `number`, which ended well and cost 7 s."""
    given: dict[str, Any] = {"slug": f"c{number}", "state": "succeeded", "ended_at": AT.format(30)}
    given |= {"cloud_name": f"c{number}-j{number}-1", "provider_id": f"arn:{number}", "billable_seconds": 7}
    return entry(f"j{number}", **{**given, **changes})


def found(number: int, attempt: int = 1, **changes: Any) -> Found:
    """Its job on the cloud."""
    given: dict[str, Any] = {"name": f"c{number}-j{number}-{attempt}", "provider_id": f"arn:{number}", "zone": "z"}
    given |= {"state": "succeeded", "created": AT.format(10), "ended": AT.format(20), "billed": 7}
    return Found(**{**given, **changes})


def event(number: int, kind: str, seq: int, attempt: int = 1) -> Event:
    return Event(f"j{number}", AT.format(seq), kind, "ada", f'{{"attempt": {attempt}}}', seq)


EVENTS = (
    *(event(0, "claimed", 1), event(0, "submitted", 2), event(0, "succeeded", 3)),
    *(event(1, "claimed", 4), event(1, "adopted", 5), event(1, "succeeded", 6)),
)
AGAIN = (*EVENTS, event(1, "submitted", 7, attempt=2))


def judged(**changes: Any) -> Verdict:
    """The verdict over two wishes that came true, with changes."""
    given: dict[str, Any] = {"jobs": 2, "entries": [ended(0), ended(1)], "clouds": [found(0), found(1)]}
    given |= {"events": EVENTS, "journal": [], "caps": {"line": 1}}
    return oracle.judge(Evidence(**{**given, **changes}))


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    verdict = judged()
    assert verdict.clean, verdict.all()
    assert verdict.billed == {"z": 14}


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("lost", {"entries": [ended(0)], "clouds": [found(0)]}),
        ("lost", {"journal": [{"what": "recorded", "id": "gone", "process": "submitter-0-1"}]}),
        ("lost", {"entries": [ended(0), ended(1, state="running", ended_at=None)]}),
        ("lost", {"clouds": [found(0)]}),
        (
            "lost",
            {
                "entries": [ended(0), ended(1, state="cancelled", cloud_name=None, provider_id=None)],
                "clouds": [found(0), found(1)],
                "events": [one for one in EVENTS if one.kind != "adopted"],
            },
        ),
        ("lost", {"clouds": [found(0), found(1), found(1, name="c9-j9-1")]}),
        ("doubled", {"entries": [ended(0), ended(1), ended(1, slug="c0")]}),
        ("doubled", {"clouds": [found(0), found(1), found(1, provider_id="arn:other")]}),
        ("doubled", {"clouds": [found(0), found(1), found(1, attempt=2)]}),
        (
            "doubled",
            {
                "entries": [ended(0), ended(1, attempt=2, cloud_name="c1-j1-2", billable_seconds=14)],
                "clouds": [found(0), found(1), found(1, 2, provider_id="arn:2", created=AT.format(19))],
            },
        ),
        ("disagreed", {"clouds": [found(0), found(1, state="failed")]}),
        (
            "disagreed",
            {"entries": [ended(0), ended(1, provider_id=None, billable_seconds=0)], "clouds": [found(0)]},
        ),
        ("overfull", {"events": sorted(EVENTS, key=lambda event: event.kind == "succeeded")}),
        ("lost", {"events": [one for one in EVENTS if one.kind != "adopted"]}),
        ("lost", {"clouds": [found(0), found(1, state="InProgress", ended="", billed=None)]}),
        (
            "lost",
            {
                "entries": [ended(0), ended(1, state="cancelled", cloud_name=None, billable_seconds=None)],
                "clouds": [found(0), found(1, state="InProgress", ended="", billed=None)],
            },
        ),
        (
            "lost",
            {
                "entries": [ended(0), ended(1, state="failed", attempt=2, cloud_name=None, billable_seconds=None)],
                "clouds": [found(0), found(1, state="InProgress", ended="", billed=None)],
            },
        ),
        ("money", {"entries": [ended(0), ended(1, billable_seconds=14)]}),
        ("money", {"entries": [ended(0), ended(1, billable_seconds=None)]}),
    ],
)
def test_each_thing_that_is_wrong_is_found_and_called_what_it_is(kind: str, changes: dict[str, Any]) -> None:
    verdict = judged(**changes)
    assert getattr(verdict, kind), verdict
    assert not verdict.clean


def test_an_attempt_that_began_when_the_one_before_had_ended_is_no_double_and_both_are_paid() -> None:
    later = found(1, 2, provider_id="arn:2", created=AT.format(21), ended=AT.format(29))
    twice = ended(1, attempt=2, cloud_name="c1-j1-2", provider_id="arn:2", billable_seconds=14)
    verdict = judged(entries=[ended(0), twice], clouds=[found(0), found(1), later], events=AGAIN)
    assert verdict.clean, verdict.all()


# Order

LOW, HIGH = [3, AT.format(0), "low"], [1, AT.format(1), "high"]


def asked(t: float, process: str, what: str, **more: Any) -> Line:
    return {"t": t, "process": process, "thread": 1, "what": what, **more}


def added(t: float, order: list[Any], until: float | None = None) -> list[Line]:
    named = {"id": order[2], "slug": "c0", "queue": "line", "order": order, "target": ["z", "h", 0]}
    begin = asked(t, f"person-{order[2]}-1", "add?", **named, job_type=None)
    return [begin, asked(until or t + 1, begin["process"], "add.")]


def claimed(t: float, order: list[Any], skip: list[str] | None = None, process: str = "agent-0-1") -> list[Line]:
    named = {"id": order[2], "queue": "line", "order": order, "target": ["z", "h", 0], "job_type": None}
    begin = asked(t, process, "claim?", queue="line", now=AT.format(0), skip=skip or [], takes=[], owner="o")
    return [begin, asked(t + 1, process, "claim.", **named)]


def passed(*lines: Line) -> tuple[str, ...]:
    read = traces.read(sorted(lines, key=lambda line: float(line["t"])), [])
    return order.judge(*read).passed


def test_a_job_that_was_claimed_before_one_that_stood_ahead_is_out_of_turn() -> None:
    (line,) = passed(*added(0, LOW), *added(2, HIGH), *claimed(10, LOW), *claimed(20, HIGH))
    assert line.startswith("low (priority 3) was claimed while high (priority 1) stood before it")


def test_jobs_that_were_claimed_in_turn_are_in_order() -> None:
    assert passed(*added(0, LOW), *added(2, HIGH), *claimed(10, HIGH), *claimed(20, LOW)) == ()


@pytest.mark.parametrize(
    "excuse",
    [
        pytest.param([*added(2, HIGH, until=10.5), *claimed(10, LOW)], id="it came in at that moment"),
        pytest.param(
            [*added(2, HIGH), *claimed(10, LOW), *claimed(10.5, HIGH, process="b-1-1")], id="side by side"
        ),
        pytest.param([*added(2, HIGH), *claimed(10, LOW, skip=["high"])], id="this process cannot send it"),
        pytest.param(
            [
                *added(2, HIGH),
                asked(5, "b-1-1", "hold_back?", target=["z", "h", 0], until=AT.format(1)),
                asked(6, "b-1-1", "hold_back."),
                *claimed(10, LOW),
            ],
            id="its hardware was held back",
        ),
        pytest.param(
            [
                *added(2, HIGH),
                asked(5, "b-1-1", "change?", id="high", cancel_requested_at="x"),
                asked(6, "b-1-1", "change.", done=True),
                *claimed(10, LOW),
            ],
            id="its owner gave it up",
        ),
    ],
)
def test_a_job_that_may_not_have_been_able_to_go_was_not_passed_over(excuse: list[Line]) -> None:
    assert passed(*added(0, LOW), *excuse) == ()


def test_a_job_that_came_back_into_the_queue_has_its_old_place_there_once_it_may_go() -> None:
    def back(not_before: str) -> list[Line]:
        asks = asked(6, "agent-0-1", "change?", id="high", state="queued", not_before=not_before)
        return [asks, asked(7, "agent-0-1", "change.", done=True)]

    before = [*added(0, LOW), *added(1, HIGH), *claimed(3, HIGH)]
    assert passed(*before, *back(AT.format(0)), *claimed(10, LOW)) != ()
    assert passed(*before, *back(AT.format(1)), *claimed(10, LOW)) == ()


def test_what_a_killed_process_had_claimed_is_known_from_the_ledger() -> None:
    killed = claimed(3, HIGH)[:1]
    lines = [*added(0, LOW), *added(1, HIGH), *killed, *claimed(10, LOW, process="b-1-1")]
    events = [Event("high", AT.format(0), "claimed", "o", "{}", 1)]
    assert order.judge(*traces.read(sorted(lines, key=lambda line: float(line["t"])), events)).passed == ()
    assert order.judge(*traces.read(sorted(lines, key=lambda line: float(line["t"])), [])).passed != ()
