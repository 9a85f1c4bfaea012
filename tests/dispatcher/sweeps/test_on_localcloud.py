"""Eight trials that really run: pushed aside by critical jobs, the sweep ends with the same best trial."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatcher.api import Dispatcher
from dispatcher.job import Job, Priority, Resources
from dispatcher.sweeps import judging
from dispatcher.sweeps.state import State
from tests.backends.sagemaker.landing import landed, landing
from tests.dispatcher.grounds import GROUNDS, Ground, opened, put_image

__all__ = ["landed", "landing"]
pytestmark = pytest.mark.wire

PROGRAM = """
import json, os, pathlib, sys, time

words = dict(word.lstrip("-").split("=") for word in sys.argv[1:])
rate = float(words["rate"])
held = "HOLD" in os.environ and rate == 0.1
saved = pathlib.Path(os.environ["DISPATCH_CHECKPOINT_DIR"]) / "state.json"
state = json.loads(saved.read_text()) if saved.exists() else {"step": 0, "x": 4.0}
begun = state["step"]
print("begins at", begun, flush=True)
while state["step"] < 6:
    state = {"step": state["step"] + 1, "x": state["x"] - rate * (state["x"] - 1)}
    part = saved.with_suffix(".part")
    part.write_text(json.dumps(state))
    part.replace(saved)
    print("step", state["step"], flush=True)
    if held and state["step"] == 3 and not begun:
        time.sleep(60)  # until it has to give way: it is not asked twice
print(f"dispatch-metric loss={(state['x'] - float(words['at'])) ** 2:.9f} step={state['step']}", flush=True)
"""
"""Goes down a slope and saves each step; in its first life it is busy after the third, where it is to be HELD."""

SWEEP = """
name: search
method: grid
metric: {name: loss, goal: minimize}
parameters:
  rate: {values: [0.1, 0.3, 0.5, 0.9]}
  at: {values: [1.0, 1.2]}
job:
  image: train-swept
  runtime: true
  command: [python, -u, train.py, "${args}"]
  resources: {instance: INSTANCE}
  max_runtime: 5m
  checkpoint: true
"""


@pytest.fixture
def ground(request: pytest.FixtureRequest) -> Ground:
    fixture, made = GROUNDS["aws"]
    return made(request.getfixturevalue(fixture))


@pytest.fixture
def dispatcher(ground: Ground, tmp_path: Path) -> Iterator[Dispatcher]:
    """A dispatcher on a zone of the local cloud with one queue, which runs two jobs at a time."""
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace("INSTANCE", ground.instance))
    put_image(ground, "train-swept", PROGRAM, tmp_path)
    with opened(ground, tmp_path, "name: gpu, max_running: 2") as made:
        yield made


def start(dispatcher: Dispatcher, file: Path, *env: str) -> State:
    from dispatcher.documents.changes import Changes

    sweeps = dispatcher.sweeps
    return sweeps.start(sweeps.plan(file, "gpu", changes=Changes(env=env)))


def until(dispatcher: Dispatcher, met: Callable[[], bool]) -> None:
    """Run the queue until something is so."""
    deadline = time.monotonic() + 120
    while not met():
        assert time.monotonic() < deadline, [(e.slug, e.state, e.reason) for e in dispatcher.list()]
        dispatcher.tick()
        time.sleep(0.1)


def printed(dispatcher: Dispatcher, id: str) -> list[str]:
    entry = dispatcher.show(id)
    return [line.text for line in dispatcher.logs(id)] if entry.started else []


def results(found: State) -> list[tuple[int, float | None]]:
    return [(trial.number, trial.value) for trial in found.trials]


def test_a_sweep_that_gives_way_to_a_critical_job_ends_with_the_same_best_trial(
    dispatcher: Dispatcher, ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "LAG", 0.0)  # this cloud's logs have all lines as soon as a job has ended
    undisturbed = start(dispatcher, tmp_path / "sweep.yaml").row.id
    until(dispatcher, lambda: dispatcher.sweeps.show(undisturbed).row.ended_at is not None)
    before = dispatcher.sweeps.show(undisturbed)

    # The same once more; its first two trials have come half-way when somebody needs the machines.
    found = start(dispatcher, tmp_path / "sweep.yaml", "HOLD=1")
    first, second = (trial.entry.id for trial in found.trials[:2])
    until(dispatcher, lambda: all("step 3" in printed(dispatcher, id) for id in (first, second)))
    urgent = Job(
        image="train-swept",
        name="urgent",
        command=("python", "-u", "train.py", "--rate=0.5", "--at=1"),
        resources=Resources(instance=ground.instance, nodes=1),
        runtime=True,
        max_runtime=300,
        priority=Priority.CRITICAL,
        checkpoint=True,
    )
    critical = [dispatcher.enqueue(dispatcher.plan(urgent, "gpu")).id for _ in range(2)]
    until(dispatcher, lambda: all(dispatcher.show(id).final for id in critical))
    assert [dispatcher.show(id).state for id in critical] == ["succeeded", "succeeded"]
    assert [dispatcher.show(id).preemptions for id in (first, second)] == [1, 1]

    # The others are not held; whoever is comes back by itself and goes on from where it was.
    until(dispatcher, lambda: dispatcher.sweeps.show(found.row.id).row.ended_at is not None)
    after = dispatcher.sweeps.show(found.row.id)
    own = ["begins at 0", "step 1", "step 2", "step 3", "begins at 3", "step 4", "step 5", "step 6"]
    assert [text for text in printed(dispatcher, first) if text in own] == own
    assert after.counts == {"succeeded": 8}
    assert results(after) == results(before)
    assert before.best is not None
    assert after.best is not None
    assert (after.best.number, after.best.value) == (before.best.number, before.best.value)
