"""Bad days of the clouds, one after the other for as long as a run lasts."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from localcloud import Cloud

EVERY = 0.15
"""Seconds between two faults."""

AT_ONCE = 4
"""Faults in force, not counting what they have left: another one comes when calls have used one up."""

CREATE = {"sagemaker": "CreateTrainingJob", "aiplatform": "CreateCustomJob", "machinelearningservices": "PutJob"}
READ = {"sagemaker": "DescribeTrainingJob", "aiplatform": "ListCustomJobs", "machinelearningservices": "GetJob"}
LIST = {"sagemaker": "ListTrainingJobs", "aiplatform": "ListCustomJobs", "machinelearningservices": "ListJobs"}

STALE = 20
"""Beats after which as many faults as may be in force are taken back: nobody makes the calls that they wait for,
and the calls that are made would meet none."""

FAULTS: tuple[tuple[int, str, Mapping[str, str], Mapping[str, Any]], ...] = (
    (30, "lost", CREATE, {}),
    (10, "reset", CREATE, {}),
    (10, "5xx", CREATE, {"times": 8}),
    (5, "throttle", CREATE, {"times": 8}),
    (5, "capacity", CREATE, {"seconds": 0.2}),
    (3, "quota", CREATE, {}),
    (5, "slow", CREATE, {"seconds": 0.5}),
    (3, "expired", CREATE, {}),
    (10, "missing", READ, {}),
    (10, "5xx", READ, {"times": 8}),
    (5, "reset", READ, {"times": 5}),
    (5, "lagging", LIST, {"seconds": 2.0, "times": 3}),
    (5, "throttle", LIST, {"times": 8}),
)
"""How often, which kind, at which operation of a service, and what else it takes."""


@dataclass
class Weather:
    """Puts faults in force at a cloud's services until the block ends; `sent` counts them by kind."""

    cloud: Cloud
    services: tuple[str, ...]
    seed: int
    sent: dict[str, int] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Weather:
        self._thread = threading.Thread(target=self._blow, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.calm()

    def calm(self) -> None:
        """End the bad days, and take back what is in force."""
        if self._thread is None:
            return
        self._over.set()
        self._thread.join()
        self._thread = None
        self.cloud.clear()

    def _blow(self) -> None:
        dice = Random(self.seed)
        weights = [row[0] for row in FAULTS]
        first = dice.sample(FAULTS, len(FAULTS))
        waited = 0
        while not self._over.wait(EVERY):
            if len(self.cloud.faults()) >= AT_ONCE:
                waited += 1
                if waited < STALE:
                    continue
                self.cloud.clear()
            waited = 0
            # Each of them once before chance decides.
            _, kind, where, more = first.pop() if first else dice.choices(FAULTS, weights)[0]
            service = dice.choice(self.services)
            self.cloud.fault(kind, service=service, operation=where[service], **more)
            self.sent[kind] = self.sent.get(kind, 0) + 1
