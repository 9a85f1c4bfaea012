"""One custom job as `get` shows it: what was asked, where it is in its life, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.gcp.vertex import proto
from localcloud.place import NUMBER

FINAL = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED"})
DEFAULT_TIMEOUT = 604_800.0
"""Seconds a job may run when the request does not say: 7 days (Scheduling, `timeout`)."""
DEFAULT_WAIT = 86_400.0
"""Seconds a FLEX_START job waits for machines when the request does not say (`max_wait_duration`)."""

# What may follow CANCELLING (JobState).
_AFTER_CANCELLING = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})


@dataclass
class CustomJob:
    """`message` is the request as Google's type, `sent` as JSON. Times are seconds since 1970.

    `enter` and readers may be in different threads. States are those of JobState, without `JOB_STATE_`.
    """

    id: str
    location: str
    message: Any
    sent: Mapping[str, Any]
    created: float
    state: str = "QUEUED"
    started: float | None = None
    ended: float | None = None
    updated: float = 0.0
    error: tuple[int, str] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def name(self) -> str:
        """The resource name, with the project's number, as the service answers it."""
        return f"projects/{NUMBER}/locations/{self.location}/customJobs/{self.id}"

    @property
    def label(self) -> str:
        """What people know it by."""
        return str(self.message.display_name)

    @property
    def spec(self) -> Any:
        return self.message.job_spec

    @property
    def strategy(self) -> str:
        """STANDARD, SPOT, FLEX_START or one of the deprecated ones."""
        scheduling = self.spec.scheduling
        number = scheduling.strategy
        kind = scheduling.DESCRIPTOR.fields_by_name["strategy"].enum_type
        return str(kind.values_by_number[number].name)

    @property
    def timeout(self) -> float:
        """Seconds it may run."""
        return _seconds(self.spec.scheduling, "timeout", DEFAULT_TIMEOUT)

    @property
    def max_wait(self) -> float | None:
        """Seconds a FLEX_START job may wait for machines; None for ever, as for every other job."""
        if self.strategy != "FLEX_START":
            return None
        return _seconds(self.spec.scheduling, "max_wait_duration", DEFAULT_WAIT) or None

    @property
    def retries(self) -> bool:
        return not self.spec.scheduling.disable_retries

    @property
    def whole(self) -> bool:
        """Whether a worker's restart restarts the whole job; `disable_retries` overrides it."""
        return bool(self.spec.scheduling.restart_job_on_worker_restart) and self.retries

    @property
    def final(self) -> bool:
        return self.state in FINAL

    def enter(self, state: str, now: float, error: tuple[int, str] | None = None) -> bool:
        """Go to a state; False when the job has ended, or is being cancelled and cannot go there."""
        with self.lock:
            if self.final or (self.state == "CANCELLING" and state not in _AFTER_CANCELLING):
                return False
            self.state, self.updated = state, now
            if state == "RUNNING" and self.started is None:
                self.started = now
            if self.final:
                self.ended, self.error = now, error
            return True

    def document(self, *, integers: bool = False) -> dict[str, Any]:
        """The CustomJob resource as JSON."""
        with self.lock:
            whole = proto.copied(self.message)
            whole.name = self.name
            whole.state = proto.state_number(self.state)
            times = {"create_time": self.created, "start_time": self.started, "end_time": self.ended}
            for name, seconds in {**times, "update_time": self.updated or self.created}.items():
                if seconds is not None:
                    getattr(whole, name).FromNanoseconds(int(seconds * 1e6) * 1000)
            if self.error:
                whole.error.code, whole.error.message = self.error
            return proto.write(whole, integers=integers)


def _seconds(scheduling: Any, name: str, otherwise: float) -> float:
    if not scheduling.HasField(name):
        return otherwise
    duration = getattr(scheduling, name)
    return float(duration.seconds) + float(duration.nanos) / 1e9
