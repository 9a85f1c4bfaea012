"""What one chaos run is: how many jobs and processes, on which ledger, how fast its clock goes, and its jobs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import SupportsIndex

from dispatcher.job import Job, Priority, Resources

_sleep = time.sleep
_hurry = 1.0


def nap(seconds: float | SupportsIndex) -> None:
    """What `time.sleep` is in the processes of a run: a wait by a faster clock, once `hurry` told it."""
    _sleep(float(seconds) / _hurry)


def hurry(speed: float) -> None:
    """Let the waits of this process go by a faster clock: those of the vendors' clients between two tries."""
    global _hurry
    _hurry = speed


LONG = 5 * 86_400
"""Seconds that a job may run: longer than a chaos run lasts by its own fast clock."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that all processes of a run share: `speed` of its seconds pass in a real one, and none goes back."""

    epoch: float
    start: float
    speed: float

    @classmethod
    def begun(cls, speed: float) -> Clock:
        """The clock of a run that begins now."""
        return cls(time.time(), time.monotonic(), speed)

    def __call__(self) -> float:
        return self.epoch + (time.monotonic() - self.start) * self.speed

    def sleep(self, seconds: float) -> None:
        """Wait for so many of its seconds."""
        _sleep(seconds / self.speed)


@dataclass(frozen=True, slots=True)
class Lane:
    """A queue in front of a zone: what machines its jobs ask for, and how many of them run at once."""

    queue: str
    zone: str
    instance: str
    slots: int


@dataclass(frozen=True, slots=True)
class Setting:
    """`environment` leads to the clouds, `ledger` is as `--ledger` takes it, `folder` holds journals and logs."""

    folder: Path
    ledger: str
    environment: Mapping[str, str]
    clock: Clock
    seed: int
    jobs: int
    submitters: int
    agents: int
    kill: bool
    faults: bool
    lanes: tuple[Lane, ...]

    @property
    def journals(self) -> Path:
        return self.folder / "journals"

    @property
    def fates(self) -> Path:
        return self.folder / "fates"

    def numbers(self, slot: int, first: int = 0) -> range:
        """The jobs of one submitter, from `first` on."""
        return range(max(slot, first), self.jobs, self.submitters)


@dataclass(frozen=True, slots=True)
class Wish:
    """One job, where it goes, and whether its owner thinks better of it."""

    job: Job
    queue: str
    cancelled: bool


def wish(setting: Setting, number: int) -> Wish:
    """What somebody wants as job `number`: always the same for one seed."""
    dice = Random(f"{setting.seed}-{number}")
    lane = dice.choices(setting.lanes, [lane.slots for lane in setting.lanes])[0]
    command = dice.choices([("true",), ("sleep", f"{dice.uniform(0.2, 2):.2f}"), ("false",)], [72, 20, 8])[0]
    preemptible = dice.random() < 0.4
    priority = Priority(dice.choices(range(4), [5, 20, 50, 25])[0])
    if dice.random() < 0.03:
        # One that is in the way of others for so long that they come before it is over.
        command, preemptible, priority = ("sleep", "8"), True, Priority.LOW
    job = Job(
        image="chaos",
        command=command,
        name=f"c{number}",
        priority=priority,
        resources=Resources(instance=lane.instance),
        max_runtime=LONG,
        checkpoint=preemptible,
        preemptible=preemptible,
        retries=dice.choice((0, 0, 2)),
        retry_on=("program", "capacity", "provider"),
    )
    return Wish(job, lane.queue, dice.random() < 0.05)
