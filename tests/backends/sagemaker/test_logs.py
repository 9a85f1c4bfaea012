"""Reading a job's streams: merged by time, paged to the end, followed with pauses that grow and shrink."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dispatcher.backends.sagemaker.logs import LONGEST, SHORTEST, LogReader


class Gone(Exception):
    """What CloudWatch raises for a group or stream that is not there."""


class CloudWatch:
    """Streams as lists of (time, text); answers two events a page and repeats the token at the end."""

    class exceptions:
        ResourceNotFoundException = Gone

    def __init__(self, **streams: list[tuple[int, str]]) -> None:
        self.streams = {name.replace("_", "/").replace("__", "-"): events for name, events in streams.items()}
        self.group = True
        self.calls: list[str] = []

    def describe_log_streams(self, **asked: Any) -> dict[str, Any]:
        self.calls.append("list")
        if not self.group:
            raise Gone
        names = sorted(name for name in self.streams if name.startswith(asked["logStreamNamePrefix"]))
        start = int(asked.get("nextToken", 0))
        page = {"logStreams": [{"logStreamName": name} for name in names[start : start + 1]]}
        return page | ({"nextToken": str(start + 1)} if start + 1 < len(names) else {})

    def get_log_events(self, **asked: Any) -> dict[str, Any]:
        self.calls.append(asked["logStreamName"])
        assert asked["startFromHead"] is True
        events = self.streams[asked["logStreamName"]]
        start = int(asked.get("nextToken", "f/0").removeprefix("f/"))
        page = events[start : start + 2]
        return {
            "events": [{"timestamp": time, "message": text} for time, text in page],
            "nextForwardToken": f"f/{start + len(page)}",
        }


def cloudwatch() -> CloudWatch:
    fake = CloudWatch()
    fake.streams = {
        "a/algo-1-1700000000": [(1, "one"), (3, "three"), (5, "five")],
        "a/algo-2-1700000001": [(2, "two"), (3, "three too"), (4, "four")],
        "ab/algo-1-1700000002": [(0, "another job's")],
    }
    return fake


def test_all_streams_of_the_job_are_merged_by_time_and_no_other_job_is_read() -> None:
    lines = list(LogReader(cloudwatch(), "a").read())
    assert [line.text for line in lines] == ["one", "two", "three", "three too", "four", "five"]
    assert [line.node for line in lines[:2]] == ["algo-1", "algo-2"]


def test_reading_begins_before_everything_is_loaded() -> None:
    fake = cloudwatch()
    lines = LogReader(fake, "a").read()
    next(lines)
    assert fake.calls == ["list", "list", "a/algo-1-1700000000", "a/algo-2-1700000001"]


def test_a_group_or_stream_that_is_not_there_yet_is_empty() -> None:
    fake = cloudwatch()
    fake.group = False
    assert list(LogReader(fake, "a").read()) == []


def test_following_reads_only_what_is_new_and_waits_longer_while_nothing_comes() -> None:
    fake = CloudWatch()
    fake.streams = {"a/algo-1-1700000000": [(1, "one")]}
    naps: list[float] = []
    ended = False

    def sleep(seconds: float) -> None:
        nonlocal ended
        naps.append(seconds)
        if len(naps) == 8:
            fake.streams["a/algo-1-1700000000"].append((2, "two"))
            fake.streams["a/algo-2-1700000009"] = [(3, "late node")]
        ended = len(naps) >= 10

    lines = [line.text for line in LogReader(fake, "a").follow(lambda: ended, sleep)]
    assert lines == ["one", "two", "late node"]
    assert naps[0] == SHORTEST
    assert naps[1:8] == sorted(naps[1:8])
    assert max(naps) == LONGEST
    assert naps[8] == SHORTEST, "lines make it look often again"
    assert len(fake.calls) < 60, "no hammering"


def test_lines_that_arrive_after_the_end_are_still_read() -> None:
    fake = CloudWatch()
    fake.streams = {"a/algo-1-1700000000": [(1, "one")]}
    naps: Iterator[int] = iter(range(100))

    def sleep(seconds: float) -> None:
        if next(naps) == 1:
            fake.streams["a/algo-1-1700000000"].append((2, "last words"))

    assert [line.text for line in LogReader(fake, "a").follow(lambda: True, sleep)] == ["one", "last words"]


def test_a_stream_with_an_unusual_name_is_its_own_node() -> None:
    fake = CloudWatch()
    fake.streams = {"a/profiler": [(1, "x")]}
    (line,) = LogReader(fake, "a").read()
    assert line.node == "profiler"
