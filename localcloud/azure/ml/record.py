"""One command job: what was asked, where it is in its life, and what came of it."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FINAL = frozenset({"Completed", "Failed", "Canceled", "NotResponding"})
# What may follow CancelRequested.
_AFTER_CANCEL = frozenset({"Canceled", "Failed", "Completed"})
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


@dataclass
class CommandJob:
    """`properties` is the request's, `workspace` the id of its workspace. Times are seconds since 1970.

    `enter` and readers may be in different threads. States are those of JobStatus.
    """

    id: str
    name: str
    workspace: str
    region: str
    properties: Mapping[str, Any]
    created: float
    state: str = "NotStarted"
    started: float | None = None
    ended: float | None = None
    error: tuple[str, str] | None = None
    logs: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def label(self) -> str:
        """What people know it by."""
        return str(self.properties.get("displayName") or self.name)

    @property
    def nodes(self) -> int:
        return int((self.properties.get("resources") or {}).get("instanceCount") or 1)

    @property
    def processes(self) -> int:
        """Processes of one node."""
        return int((self.properties.get("distribution") or {}).get("processCountPerInstance") or 1)

    @property
    def distribution(self) -> str:
        """PyTorch, Mpi, TensorFlow, or empty."""
        return str((self.properties.get("distribution") or {}).get("distributionType") or "")

    @property
    def timeout(self) -> float | None:
        """Seconds it may run; None for as long as it likes."""
        text = (self.properties.get("limits") or {}).get("timeout")
        return seconds(str(text)) if text else None

    @property
    def spot(self) -> bool:
        return (self.properties.get("queueSettings") or {}).get("jobTier") == "Spot"

    @property
    def final(self) -> bool:
        return self.state in FINAL

    def enter(self, state: str, now: float, error: tuple[str, str] | None = None) -> bool:
        """Go to a state; False when the job has ended, or is being cancelled and cannot go there."""
        with self.lock:
            if self.final or (self.state == "CancelRequested" and state not in _AFTER_CANCEL):
                return False
            self.state = state
            if state == "Running" and self.started is None:
                self.started = now
            if self.final:
                self.ended, self.error = now, error
            return True


def seconds(duration: str) -> float | None:
    """An ISO 8601 duration such as PT1H30M in seconds; None when it is none."""
    found = _DURATION.fullmatch(duration)
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, rest = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest
