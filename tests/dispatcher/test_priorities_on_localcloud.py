"""The story of seed 002 with jobs that really run, and failed ones that are tried again, on three clouds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatcher.api import Dispatcher
from dispatcher.job import Job, Priority, Resources
from dispatcher.ledger import Entry
from tests.backends.azureml.landing import azure_landed, azure_landing
from tests.backends.sagemaker.landing import landed, landing
from tests.backends.vertex.landing import vertex_landed, vertex_landing
from tests.dispatcher.grounds import Ground, ground, opened, put_image

__all__ = ["azure_landed", "azure_landing", "ground", "landed", "landing", "vertex_landed", "vertex_landing"]
pytestmark = pytest.mark.wire

PROGRAM = """
import json, os, pathlib, sys, time

saved = pathlib.Path(os.environ["DISPATCH_CHECKPOINT_DIR"]) / "state.json"
state = json.loads(saved.read_text()) if saved.exists() else {"step": 0, "total": 0}
begun = state["step"]
print("begins at", begun, flush=True)
while state["step"] < 4:
    state = {"step": state["step"] + 1, "total": state["total"] + state["step"] + 1}
    part = saved.with_suffix(".part")
    part.write_text(json.dumps(state))
    part.replace(saved)
    print("step", state["step"], flush=True)
    if sys.argv[1] == "long" and state["step"] == 2 and not begun:
        time.sleep(60)
print("total", state["total"], flush=True)
"""
"""Adds up four steps and saves each. A long one is busy after the second, in its first life, until stopped."""


@pytest.fixture
def dispatcher(ground: Ground, tmp_path: Path) -> Iterator[Dispatcher]:
    """A dispatcher on a zone of the local cloud with one queue, which runs two jobs at a time."""
    put_image(ground, "train-queued", PROGRAM, tmp_path)
    with opened(ground, tmp_path, "name: gpu, max_running: 2") as made:
        yield made


def test_the_most_urgent_jobs_go_first_and_those_that_gave_way_finish_from_where_they_were(
    dispatcher: Dispatcher, ground: Ground
) -> None:
    def submit(name: str, priority: Priority = Priority.MEDIUM, work: str = "short") -> Entry:
        job = Job(
            image="train-queued",
            name=name,
            command=("python", "-u", "train.py", work),
            resources=Resources(instance=ground.instance),
            runtime=True,
            max_runtime=300,
            priority=priority,
            checkpoint=True,
            preemptible=True,
        )
        return dispatcher.enqueue(dispatcher.plan(job, "gpu"))

    # "We've filled up this queue with four Medium (default) priority jobs": two run, and two wait.
    one, two = submit("one", work="long"), submit("two", work="long")
    submit("three")
    submit("four")
    until(dispatcher, lambda: printed(dispatcher, one, "step 2") and printed(dispatcher, two, "step 2"))
    assert waiting(dispatcher) == ["three", "four"]

    # "After we submit the job, it jumps the two previously-submitted Medium jobs", and the younger one gives way.
    high = submit("high", Priority.HIGH, work="long")
    assert waiting(dispatcher) == ["high", "three", "four"]
    until(dispatcher, lambda: printed(dispatcher, high, "step 2"))
    assert waiting(dispatcher) == ["two", "three", "four"], "it keeps its place"

    # "One Low and one Critical priority": "they appear at the bottom and the top, respectively".
    submit("low", Priority.LOW)
    critical = submit("critical", Priority.CRITICAL)
    assert waiting(dispatcher) == ["critical", "two", "three", "four", "low"]

    # For the critical one the least urgent gives way, although the high one is younger; all come to their end.
    until(dispatcher, lambda: dispatcher.show(critical.id).final)
    assert dispatcher.show(high.id).state == "running"
    dispatcher.cancel(high.id)
    until(dispatcher, lambda: all(entry.final for entry in dispatcher.list()))
    assert started(dispatcher) == [
        *("one", "two", "high", "critical"),
        *("one", "two", "three", "four", "low"),
    ]
    ends = {entry.slug: entry.state for entry in dispatcher.list()}
    assert ends.pop("high") == "cancelled"
    assert set(ends.values()) == {"succeeded"}
    for entry in (one, two):
        ended = dispatcher.show(entry.id)
        assert (ended.attempt, ended.preemptions, ended.retries, ended.interruptions) == (2, 1, 0, 0)
        own = ["begins at 0", "step 1", "step 2", "begins at 2", "step 3", "step 4", "total 10"]
        assert [text for text in lines(dispatcher, entry) if text in own] == own


def until(dispatcher: Dispatcher, met: Callable[[], bool]) -> None:
    """Run the queue until something is so."""
    deadline = time.monotonic() + 90
    while not met():
        assert time.monotonic() < deadline, [(e.slug, e.state, e.reason) for e in dispatcher.list()]
        dispatcher.tick()
        time.sleep(0.1)


def lines(dispatcher: Dispatcher, entry: Entry) -> list[str]:
    return [line.text for line in dispatcher.logs(entry.id)]


def printed(dispatcher: Dispatcher, entry: Entry, text: str) -> bool:
    return dispatcher.show(entry.id).started and text in lines(dispatcher, entry)


def waiting(dispatcher: Dispatcher) -> list[str]:
    """Who waits, the next first."""
    return [entry.slug for entry in dispatcher.waiting("gpu")]


def started(dispatcher: Dispatcher) -> list[str]:
    """The names of all attempts in the order in which they were claimed."""
    found = [
        (event.at, event.seq, entry.slug)
        for entry in dispatcher.list()
        for event in dispatcher.events(entry.id)
        if event.kind == "claimed"
    ]
    return [name for _, _, name in sorted(found)]


STUMBLES = """
import os, pathlib, sys

saved = pathlib.Path(os.environ["DISPATCH_CHECKPOINT_DIR"]) / "step"
step = int(saved.read_text()) if saved.exists() else 0
print("begins at", step, flush=True)
saved.write_text(str(step + 1))
sys.exit(3 if step < 2 else 0)
"""
"""Gets one step further in each life, and fails in its first two."""


def test_a_failed_attempt_and_a_retried_job_both_go_on_from_the_checkpoint(
    ground: Ground, tmp_path: Path, dispatcher: Dispatcher
) -> None:
    (tmp_path / "image" / "train.py").write_text(STUMBLES)
    job = Job(
        image="train-queued",
        name="stumbles",
        command=("python", "-u", "train.py"),
        resources=Resources(instance=ground.instance),
        runtime=True,
        max_runtime=300,
        checkpoint=True,
        retries=1,
        retry_on=("program",),
    )
    first = dispatcher.submit(job, "gpu")
    until(dispatcher, lambda: dispatcher.show(first.id).retries == 1)
    dispatcher.ledger.change(first.id, {"not_before": None})  # not waiting for the pause
    until(dispatcher, lambda: dispatcher.show(first.id).final)
    failed = dispatcher.show(first.id)
    assert (failed.state, failed.cause, failed.attempt, failed.retries) == ("failed", "program", 2, 1)
    second = dispatcher.enqueue(dispatcher.plan_retry(first.id))
    until(dispatcher, lambda: dispatcher.show(second.id).final)
    assert dispatcher.show(second.id).state == "succeeded", dispatcher.show(second.id).reason
    begun = [text for entry in (first, second) for text in lines(dispatcher, entry) if text.startswith("begins")]
    assert begun == ["begins at 0", "begins at 1", "begins at 2"]
    assert dispatcher.show(first.id) == failed
