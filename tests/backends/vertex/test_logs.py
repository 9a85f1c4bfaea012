"""Reading a job's entries: all tasks in time order, paged, followed over a window, within the quota."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from dispatcher.backends.vertex.logs import LONGEST, SHORTEST, LogReader
from tests.backends.vertex.doubles import Wire, answer, refusal, session

JOB = "projects/1/locations/us-central1/customJobs/42"
START = "2026-11-21T08:00:00.5Z"


def entry(second: float, text: str, task: str = "workerpool0-0", **rest: Any) -> dict[str, Any]:
    """Return an entry at so many seconds past eight."""
    return {
        "insertId": f"{task}-{text}",
        "logName": f"projects/acme-ml-eu/logs/{task}",
        "timestamp": f"2026-11-21T08:{int(second) // 60:02d}:{second % 60:012.9f}Z",
        "resource": {"type": "ml_job", "labels": {"job_id": "42", "task_name": task}},
        "textPayload": text,
        **rest,
    }


class Logging:
    """The entries of a job; answers two a page, those from the filter's time on."""

    def __init__(self, *entries: dict[str, Any]) -> None:
        self.entries = list(entries)
        self.refuse: list[requests.Response] = []

    def __call__(self, request: dict[str, Any]) -> requests.Response:
        if self.refuse:
            return self.refuse.pop(0)
        start = request["json"]["filter"].partition('timestamp>="')[2].rstrip('"')
        found = sorted(
            (one for one in self.entries if one["timestamp"].rstrip("Z") >= start.rstrip("Z")),
            key=lambda one: (one["timestamp"], one["insertId"]),
        )
        at = int(request["json"].get("pageToken", 0))
        page = {"entries": found[at : at + 2]} | ({"nextPageToken": str(at + 2)} if at + 2 < len(found) else {})
        return answer(200, page if found else {})


def reader(logging: Logging) -> tuple[LogReader, Wire, list[float]]:
    opened, wire, naps = session(logging)
    return LogReader(opened, JOB, START), wire, naps


def test_what_all_nodes_printed_is_read_in_time_order_to_the_last_page() -> None:
    logging = Logging(
        entry(1, "one"),
        entry(2, "two", "workerpool1-0"),
        entry(3, "three"),
        entry(4, "Job completed successfully.", "service"),
    )
    read, wire, _ = reader(logging)
    lines = list(read.read())
    assert [(line.node, line.text) for line in lines] == [
        ("workerpool0-0", "one"),
        ("workerpool1-0", "two"),
        ("workerpool0-0", "three"),
    ]
    assert lines[0].time == 1_795_248_001_000
    assert [call["json"].get("pageToken") for call in wire.seen] == [None, "2"]
    (asked, *_) = wire.seen
    assert asked["url"] == "https://logging.googleapis.com/v2/entries:list"
    assert asked["json"]["resourceNames"] == ["projects/acme-ml-eu"]
    assert asked["json"]["filter"] == (
        f'resource.type="ml_job" AND resource.labels.job_id="42" AND timestamp>="{START}"'
    )
    assert asked["json"]["orderBy"] == "timestamp asc"


def test_a_structured_line_is_its_message_and_anything_else_is_shown_whole() -> None:
    structured = [
        entry(1, "", textPayload=None, jsonPayload={"message": "epoch 1\n", "levelname": "INFO"}, insertId="a"),
        entry(2, "", textPayload=None, jsonPayload={"loss": 0.5, "epoch": 1}, insertId="b"),
        entry(3, "trailing\n"),
    ]
    read, *_ = reader(Logging(*structured))
    assert [line.text for line in read.read()] == ["epoch 1", '{"epoch": 1, "loss": 0.5}', "trailing"]


def test_a_job_without_lines_is_empty() -> None:
    read, *_ = reader(Logging())
    assert list(read.read()) == []


def followed(logging: Logging, on_sleep: Callable[[int], None], ended: Callable[[int], bool]) -> tuple[Any, ...]:
    read, wire, _ = reader(logging)
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        on_sleep(len(naps))

    return [line.text for line in read.follow(lambda: ended(len(naps)), sleep)], naps, wire


def test_following_shows_each_line_once_though_the_last_minute_is_read_again() -> None:
    logging = Logging(entry(1, "one"))

    def sleep(round_: int) -> None:
        if round_ == 3:
            logging.entries += [entry(30, "two"), entry(31, "two", "workerpool1-0")]
        if round_ == 4:
            logging.entries.append(entry(29, "late, of a slower node", "workerpool1-0"))

    lines, _, wire = followed(logging, sleep, lambda round_: round_ >= 6)
    assert lines == ["one", "two", "two", "late, of a slower node"]
    starts = [call["json"]["filter"].partition('timestamp>="')[2] for call in wire.seen]
    assert starts[0] == f'{START}"'
    assert starts[-1] == '2026-11-21T07:59:31.000000Z"', "a minute before the newest line"


def test_what_is_remembered_does_not_grow_with_the_log() -> None:
    logging = Logging(*(entry(number, str(number)) for number in range(0, 3000, 20)))
    read, *_ = reader(logging)
    list(read.follow(lambda: True, lambda seconds: None))
    assert len(read._known) <= 4


def test_two_entries_that_differ_in_nothing_but_their_id_are_two_lines() -> None:
    logging = Logging(entry(1, "same", insertId="a"), entry(1, "same", insertId="b"))
    lines, *_ = followed(logging, lambda round_: None, lambda round_: True)
    assert lines == ["same", "same"]


def test_looks_get_rarer_while_nothing_comes_and_stay_within_half_the_quota() -> None:
    logging = Logging(entry(1, "one"))

    def sleep(round_: int) -> None:
        if round_ == 10:
            logging.entries.append(entry(50, "two"))

    lines, naps, wire = followed(logging, sleep, lambda round_: round_ >= 12)
    assert lines == ["one", "two"]
    assert naps[:9] == sorted(naps[:9])
    assert (naps[0], max(naps), naps[10]) == (SHORTEST, LONGEST, SHORTEST)
    assert min(naps) >= 2, "60 calls a minute are all that a project has"
    assert len(wire.seen) == len(naps) + 1


def test_being_throttled_is_a_reason_to_wait_and_not_to_stop() -> None:
    logging = Logging(entry(1, "one"))
    rate = "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute'"
    logging.refuse = [refusal(429, "RESOURCE_EXHAUSTED", rate) for _ in range(8)]
    lines, *_ = followed(logging, lambda round_: None, lambda round_: round_ >= 3)
    assert lines == ["one"]
