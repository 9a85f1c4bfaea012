"""What a user writes: one training job, the same on every cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal


class Priority(IntEnum):
    """W&B's four words; the smaller number goes first."""

    CRITICAL = 0
    HIGH = 1
    MEDIUM = 2
    LOW = 3

    @property
    def word(self) -> str:
        """The word people write: `critical`, `high`, `medium` or `low`."""
        return self.name.lower()


RUNTIME_DEFAULT = 86_400
"""Seconds that a job may run when neither it nor its queue says anything."""

PREEMPTIONS = 5
"""How often a job gives way when it does not say: as often as W&B Launch starts a preempted run again
(wandb 0.31, on Kubernetes)."""

RetryCause = Literal["provider", "capacity", "program", "timed_out"]
"""What an attempt may have ended by, so that another follows: the cloud's own fault, no machines, an error of the
program, or `max_runtime`."""

PRIORITIES: Mapping[str, Priority] = {priority.word: priority for priority in Priority}


@dataclass(frozen=True, slots=True)
class Resources:
    """What one node needs, and how many nodes. `memory` and `disk` in GiB; 0 or None means no wish.

    `instance` names a provider's type and overrides the choice by size.
    """

    cpu: float = 0
    gpu: int = 0
    gpu_type: str | None = None
    memory: float = 0
    nodes: int = 1
    disk: int | None = None
    instance: str | None = None


@dataclass(frozen=True, slots=True)
class Wandb:
    """Where the job's own `wandb.init` should log."""

    project: str | None = None
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """A folder of programs that goes with the job, so that trying a change takes no new image.

    `folder` is where it is on the machine that submits, until it has been packed: then its last word, for people.
    `sha256` (hex) and `size` (bytes) are of the archive, empty and 0 until then.
    """

    folder: str
    sha256: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """A checked job. `command` is argv, every element a string. Durations are seconds.

    `env` values are plain text, `secrets` values are references (`aws-sm://name`) and never the secret;
    `allow_plain` names what looks like one and is none (a variable, a flag, or a path such as `command[2]`).
    `max_wait` bounds waiting plus running of a spot job, `max_interruptions` how often it may lose its machines,
    and with `last_attempt_on_demand` it then goes on where nobody takes them. `no_checkpoint` records that
    somebody accepted that an interruption loses all work. `max_preemptions` is how often a preemptible job gives
    way (None: PREEMPTIONS times), `max_queue_time` how long it may wait, here and on its cloud, before it runs.
    `retries` is how often another attempt follows on one that ended by a cause in `retry_on`; interruptions and
    preemptions are counted apart. `runtime` says whether the image has dispatch-run; None: the job does not say.
    """

    image: str
    command: tuple[str, ...] = ()
    runtime: bool | None = None
    name: str | None = None
    job_type: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    max_runtime: int = RUNTIME_DEFAULT
    max_wait: int | None = None
    spot: bool = False
    max_interruptions: int | None = None
    last_attempt_on_demand: bool = False
    checkpoint: bool = False
    no_checkpoint: bool = False
    preemptible: bool = False
    max_preemptions: int | None = None
    max_queue_time: int | None = None
    retries: int = 0
    retry_on: tuple[RetryCause, ...] = ("provider",)
    inputs: Mapping[str, str] = field(default_factory=dict)
    priority: Priority = Priority.MEDIUM
    workload: str | None = None
    wandb: Wandb | None = None
    allow_plain: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    code: Code | None = None
