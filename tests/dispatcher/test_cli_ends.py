"""How `dispatch` tells the end of a job, and what a user is told to do next."""

from __future__ import annotations

import dataclasses
import io
import sys
from collections.abc import Iterator

import pytest

from dispatcher.backends.base import LogLine, State
from dispatcher.errors import ExitCode
from tests.dispatcher.command_line import Run, submitted
from tests.dispatcher.doubles import ManualClock, ToyCloud


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_job_that_failed_for_want_of_capacity_ends_every_wait_with_6_and_a_way_on(
    line: Run, cloud: ToyCloud, clock: ManualClock, form: str
) -> None:
    def fail(_: float) -> None:
        name = cloud.sent[-1]
        cloud.reasons[name], cloud.causes[name] = "CapacityError: none left", "capacity"
        cloud.end(name, State.FAILED)

    clock.on_sleep = fail
    said = line("submit", "job.yaml", "--wait", "-o", form)
    id = cloud.sent[-1].split("-")[1]
    assert said.code == ExitCode.CAPACITY
    assert f"error: zone aws-euc1 had no capacity for job {id} (1 x " in said.err
    assert "--set resources.instance" in said.err
    assert f"dispatch retry {id} sends it once more" in said.err
    assert "retry_on: [capacity]" in said.err
    assert said.json["state"] == "failed" if form == "json" else "CapacityError: none left" in said.out
    assert line("wait", id).code == ExitCode.CAPACITY
    assert "dispatch wait" not in said.err


def test_a_job_that_stays_queued_says_what_starts_it_and_so_does_a_resumed_queue(
    line: Run, clock: ManualClock
) -> None:
    line("queue", "pause", "line")
    said = line("submit", "job.yaml")
    id = said.out.split()[1].rstrip(":")
    assert said.out.startswith("queued ")
    assert said.err == f"  dispatch wait {id} starts it when it can; dispatch cancel {id} drops it\n"
    clock.now += 1
    assert line("submit", "job.yaml", "-o", "json").json["state"] == "queued"
    said = line("queue", "resume", "line")
    assert (said.out, said.err) == (
        "queue line is open\n",
        f"  2 jobs wait: dispatch wait {id} starts what may go\n",
    )


@pytest.mark.parametrize(("typed", "code", "sent"), [("n\n", 130, 0), ("", 130, 0), ("\n", 0, 1)])
def test_the_question_names_hardware_time_and_price_and_no_sends_nothing(
    line: Run, cloud: ToyCloud, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, sent: int
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(typed))
    monkeypatch.setattr("sys.stderr", Terminal())
    said = line("submit", "job.yaml")
    assert isinstance(sys.stderr, Terminal)
    asked = sys.stderr.getvalue()
    assert (said.code, len(cloud.sent)) == (code, sent)
    assert asked.startswith("Submit train to queue line (aws-euc1, 1 x ml.")
    assert ", at most 1d), price unknown? [Y/n]" in asked
    assert ("nothing was sent" in asked) is (code == 130)
    assert (line("list", "-o", "json").json == []) is (code == 130)


def failing(cloud: ToyCloud, clock: ManualClock) -> None:
    """The next job prints twelve lines and fails."""

    def fail(_: float) -> None:
        name = cloud.sent[-1]
        cloud.lines[name] = [LogLine(n, "algo-1", f"line {n} password=hunter2hunter2") for n in range(12)]
        cloud.end(name, State.FAILED)

    clock.on_sleep = fail


def test_a_failed_job_shows_its_last_lines_without_secrets(
    line: Run, cloud: ToyCloud, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(cloud, clock)
    said = line("submit", "job.yaml", "--wait", "-o", "json")
    id = said.json["id"]
    assert said.code == ExitCode.JOB_FAILED
    shown = said.err.splitlines()
    assert shown[0] == f"  its last lines (all of them: dispatch logs {id}):"
    assert [text.split()[1] for text in shown[1:]] == [str(n) for n in range(2, 12)]
    assert "hunter2" not in said.err
    assert line("wait", id).err == said.err
    assert line("show", id).err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert line("show", id).err == said.err
    assert line("show", id, "-o", "json").err == ""


@pytest.mark.parametrize(
    ("state", "started", "said"),
    [
        (State.SUCCEEDED, None, "s3://out/model.tar.gz"),
        (State.SUCCEEDED, "2026-11-21T08:00:00.000Z", "s3://out/model.tar.gz"),
        (State.FAILED, "2026-11-21T08:00:00.000Z", "s3://out/model.tar.gz (if it wrote any)"),
        (State.CANCELLED, None, None),
    ],
)
def test_outputs_are_promised_for_a_job_that_can_have_some(
    line: Run,
    cloud: ToyCloud,
    monkeypatch: pytest.MonkeyPatch,
    state: State,
    started: str | None,
    said: str | None,
) -> None:
    seen = cloud._observation
    told = {"model_uri": "s3://out/model.tar.gz", "started_at": started}
    monkeypatch.setattr(cloud, "_observation", lambda *given: dataclasses.replace(seen(*given), **told))
    id = submitted(line("submit", "job.yaml"))
    cloud.end(f"train-{id}-1", state)
    lines = [*line("wait", id).out.splitlines(), *line("show", id).out.splitlines()]
    shown = [one.split(maxsplit=1)[1] for one in lines if one.strip().startswith("output")]
    assert shown == [said] * 2 * (said is not None)


def test_lines_that_cannot_be_had_quickly_are_left_out_and_fail_nothing(
    line: Run, cloud: ToyCloud, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(cloud, clock)

    def slow(name: str, **_: object) -> Iterator[LogLine]:
        for known in cloud.lines[name]:
            clock.now += 1
            yield known

    def broken(name: str, **_: object) -> Iterator[LogLine]:
        raise RuntimeError(name)

    for logs in (slow, broken):
        monkeypatch.setattr(cloud, "logs", logs)
        said = line("submit", "job.yaml", "--wait")
        assert (said.code, said.err) == (ExitCode.JOB_FAILED, "")
