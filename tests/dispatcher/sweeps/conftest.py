"""A sweep on the toy cloud: its file, its trials, and a program that reports what we make it report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends.base import LogLine, State
from dispatcher.sweeps.state import State as SweepState
from tests.dispatcher.conftest import clock, cloud, dispatcher, outputs, synced
from tests.dispatcher.doubles import ManualClock, ToyCloud

__all__ = ["clock", "cloud", "dispatcher", "outputs", "synced"]

FOUR = """
method: grid
metric: {name: loss, goal: minimize}
parameters:
  rate: {values: [0.1, 0.3]}
  seed: {min: 1, max: 2}
job: {image: img:1, command: [python, train.py], checkpoint: true, resources: {instance: ml.m5.xlarge}}
"""


@dataclass
class Ground:
    """A queue that runs two jobs at once, and the sweep that goes into it."""

    dispatcher: Dispatcher
    cloud: ToyCloud
    clock: ManualClock
    place: Path

    def start(self, text: str = FOUR, prices: Path | None = None) -> SweepState:
        """Start a sweep from a file of this text."""
        file = self.place / "sweep.yaml"
        file.write_text(text)
        sweeps = self.dispatcher.sweeps
        return sweeps.start(sweeps.plan(file, "line", prices=prices))

    def end(self, name: str, *lines: str, state: State = State.SUCCEEDED) -> None:
        """Let a job end with these lines as its log, long enough ago for all of them to have arrived."""
        self.cloud.lines[name] = [LogLine(1, "node", line) for line in lines]
        self.cloud.end_at = self.dispatcher.stamp()
        self.cloud.end(name, state)
        self.dispatcher.tick()
        self.clock.sleep(60)

    def running(self) -> list[str]:
        """Names of the jobs on the cloud that have not ended, oldest first."""
        return [name for name in self.cloud.sent if not self.cloud.jobs[name].final]

    def run(self, report: Callable[[str], str]) -> None:
        """End one job after the other until none runs, each with the line that `report` makes of its command."""
        while running := self.running():
            job = self.cloud.rendered[running[0]]
            self.end(running[0], report(" ".join(job.command)))
            self.dispatcher.tick()


@pytest.fixture
def ground(synced: Callable[[str], Dispatcher], cloud: ToyCloud, clock: ManualClock, tmp_path: Path) -> Ground:
    opened = synced("queues: [{name: line, zone: aws-euc1, max_running: 2}]")
    return Ground(opened, cloud, clock, tmp_path)
