"""Reading a job's logs: a file for each process, in pieces as they grow, no line twice and none in two parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azure.core import exceptions as http

from dispatcher.backends.azureml.logs import LONGEST, SHORTEST, LogReader
from dispatcher.errors import NotFoundError, UnreachableError
from tests.backends.azureml.doubles import Call, Response, Wire, answer, refusal, session

ROOT = "https://acct.blob.core.windows.net/azureml/ExperimentRun/dcid.job-1"
WRITTEN = "Sat, 21 Nov 2026 08:00:00 GMT"


class History:
    """Run history with the logs of one job; a file's address is new each time it is asked for."""

    def __init__(self, **files: bytes) -> None:
        self.files = {f"user_logs/{name}.txt": content for name, content in files.items()}
        self.refuse: list[Any] = []
        self.signatures = 0

    def __call__(self, call: Call) -> Response:
        if call.url.endswith("/runs/job-1/details"):
            if self.refuse:
                given = self.refuse.pop(0)
                if isinstance(given, Exception):
                    raise given
                return given  # type: ignore[no-any-return] # what a test prepared
            self.signatures += 1
            return answer(200, {"logFiles": {name: f"{ROOT}/{name}?sig={self.signatures}" for name in self.files}})
        assert call.query["sig"] == str(self.signatures), "the newest signature"
        content = self.files[call.url.removeprefix(f"{ROOT}/")]
        start = int(call.headers["range"].removeprefix("bytes=").rstrip("-")) if "range" in call.headers else 0
        if start and start >= len(content):
            return answer(416, b"")
        return answer(206 if start else 200, content[start:], Last_Modified=WRITTEN)


def reader(history: History) -> tuple[LogReader, Wire]:
    opened, wire, _ = session(history)
    return LogReader(opened, "job-1"), wire


def test_what_each_process_printed_is_read_the_first_one_s_first() -> None:
    history = History(
        std_log_process_10=b"ten\n", std_log_process_0=b"one\r\ntwo\n", std_log_process_2=b"z\xc3\xa4hlt \xff\nend"
    )
    read, _ = reader(history)
    lines = list(read.read())
    assert [(line.node, line.text) for line in lines] == [
        ("process_0", "one"),
        ("process_0", "two"),
        ("process_2", "z\u00e4hlt \ufffd"),
        ("process_10", "ten"),
        ("process_2", "end"),
    ]
    assert {line.time for line in lines} == {1_795_248_000_000}


def test_what_azure_ml_itself_did_is_shown_only_where_no_program_has_begun() -> None:
    history = History(std_log=b"mine\n")
    history.files["system_logs/lifecycler/lifecycler.log"] = b"x\n"
    history.files["azureml-logs/20_image_build_log.txt"] = b"built\n"
    read, _ = reader(history)
    assert [(line.node, line.text) for line in read.read()] == [("std_log", "mine")]
    del history.files["user_logs/std_log.txt"]
    read, _ = reader(history)
    assert [(line.node, line.text) for line in read.read()] == [("20_image_build_log", "built")]


def test_a_job_without_logs_is_empty() -> None:
    read, _ = reader(History())
    assert list(read.read()) == []


def followed(history: History, on_sleep: Callable[[int], None], ended: Callable[[int], bool]) -> tuple[Any, ...]:
    read, wire = reader(history)
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        on_sleep(len(naps))

    return [line.text for line in read.follow(lambda: ended(len(naps)), sleep)], naps, wire


def test_following_reads_only_what_is_new_and_shows_no_half_line() -> None:
    history = History(std_log_process_0=b"one\ntw")

    def sleep(round_: int) -> None:
        if round_ == 2:
            history.files["user_logs/std_log_process_0.txt"] += b"o\nthree\n"
            history.files["user_logs/std_log_process_1.txt"] = b"other\nno end"

    lines, _, wire = followed(history, sleep, lambda round_: round_ >= 3)
    assert lines == ["one", "two", "three", "other", "no end"]
    ranges = [call.headers.get("range") for call in wire.seen if "process_0" in call.url]
    assert ranges[:3] == [None, "bytes=6-", "bytes=6-"]
    assert ranges[3:] == ["bytes=14-"] * len(ranges[3:])


def test_looks_get_rarer_while_nothing_comes() -> None:
    history = History(std_log=b"one\n")

    def sleep(round_: int) -> None:
        if round_ == 8:
            history.files["user_logs/std_log.txt"] += b"two\n"

    lines, naps, _ = followed(history, sleep, lambda round_: round_ >= 10)
    assert lines == ["one", "two"]
    assert naps[:7] == sorted(naps[:7])
    assert (naps[0], max(naps), naps[8]) == (SHORTEST, LONGEST, SHORTEST)


def test_being_throttled_is_a_reason_to_wait_and_not_to_stop() -> None:
    history = History(std_log=b"one\n")
    history.refuse = [refusal(429, "TooManyRequests", "slow down") for _ in range(8)]
    lines, *_ = followed(history, lambda round_: None, lambda round_: round_ >= 3)
    assert lines == ["one"]


def test_a_job_whose_run_is_not_there_yet_is_waited_for_and_a_run_that_goes_is_not() -> None:
    history = History(std_log=b"one\n")
    history.refuse = [refusal(404, "UserError", "Run job-1 was not found.") for _ in range(2)]
    lines, *_ = followed(history, lambda round_: None, lambda round_: round_ >= 3)
    assert lines == ["one"]
    read, _ = reader(history)
    list(read._look())
    history.refuse = [refusal(404, "UserError", "Run job-1 was not found.")]
    with pytest.raises(NotFoundError):
        list(read._look())


def test_a_whole_file_in_place_of_the_part_that_was_asked_for_repeats_nothing() -> None:
    history = History(std_log=b"one\ntwo\nth")

    def careless(call: Call) -> Response:
        if "sig" in call.query:
            return answer(200, history.files["user_logs/std_log.txt"], Last_Modified=WRITTEN)
        return history(call)

    opened, *_ = session(careless)
    read = LogReader(opened, "job-1")
    assert [line.text for line in read._look()] == ["one", "two"]
    history.files["user_logs/std_log.txt"] += b"ree\nfour\n"
    assert [line.text for line in read._look()] == ["three", "four"]
    assert list(read._look()) == []


def test_a_connection_that_breaks_within_a_log_loses_nothing_and_repeats_nothing() -> None:
    history = History(std_log=b"one\ntwo\n")
    whole = history.__call__
    breaks = [http.IncompleteReadError("broke")]

    def broken(call: Call) -> Response:
        given = whole(call)
        if "sig" in call.query and breaks:
            return Response(200, given.content[:5], given.headers, breaks.pop())
        return given

    opened, *_ = session(broken)
    read = LogReader(opened, "job-1")
    with pytest.raises(UnreachableError, match="GetLog"):
        list(read._look())
    assert [line.text for line in read._look()] == ["two"], "`one` was there before it broke"
