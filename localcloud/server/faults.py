"""Faults on demand: what goes wrong on real clouds, for the next calls that match."""

from __future__ import annotations

import fnmatch
import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from localcloud.server.seen import Seen

KINDS: Mapping[str, str] = {
    "throttle": "the service's throttling error",
    "quota": "a job is refused with the name of the quota (ResourceLimitExceeded, RESOURCE_EXHAUSTED, UserError)",
    "capacity": "a job fails later because there are no machines, after `seconds`",
    "5xx": "an internal error, status 500",
    "reset": "the connection breaks before anything happened",
    "lost": "it happens, and the connection breaks before the answer",
    "slow": "it happens after `seconds`",
    "interrupt": "a running spot job loses its machines for `seconds`, `notice` seconds after SIGTERM (0: none)",
    "expired": "the credentials have expired",
    "denied": "access denied; with `seconds`, only while the role or account it names is younger than that",
    "missing": "not found, as a read just after a create may say",
    "lagging": "lists leave out jobs younger than `seconds`",
    "reserved": "the name is taken",
    "error": "the error of `code`, `message` and `status`",
}
JOB_KINDS = frozenset({"capacity", "interrupt"})
ABOUT_JOBS = JOB_KINDS | {"quota", "lagging"}
JOB_SERVICES = ("sagemaker", "aiplatform", "machinelearningservices")


class FaultError(ValueError):
    """A fault that makes no sense; the text says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`times` counts calls, None means until cleared; `match` compares parameters (dotted paths) with patterns.

    `seconds` is a delay, an age or a duration, as the kind says. `service` and `operation` are patterns too.
    `notice` is what an interruption has between SIGTERM and SIGKILL, None for what the cloud gives. `told` is how
    Azure ML words one: "" by its name, `exit` only as the exit code of a program that left at SIGTERM.
    """

    kind: str
    service: str = "*"
    operation: str = "*"
    times: int | None = 1
    match: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    notice: float | None = None
    told: str = ""
    code: str = ""
    message: str = ""
    status: int = 400
    id: int = 0

    @classmethod
    def read(cls, document: object) -> Fault:
        """Check a fault that came as JSON. Raises FaultError."""
        if not isinstance(document, Mapping):
            raise FaultError("a fault is a JSON object")
        known = {one.name for one in fields(cls)} - {"id"}
        if unknown := sorted(map(str, document.keys() - known)):
            raise FaultError(f"unknown field {unknown[0]!r}; there are {', '.join(sorted(known))}")
        kind = document.get("kind")
        if kind not in KINDS:
            raise FaultError(f"unknown kind {kind!r}; there are {', '.join(KINDS)}")
        fault = cls(**document)
        if kind in ABOUT_JOBS and not any(fnmatch.fnmatchcase(name, fault.service) for name in JOB_SERVICES):
            raise FaultError(f"{kind} is a fault of {', '.join(JOB_SERVICES)} only")
        if kind == "error" and not fault.code:
            raise FaultError("error needs a code")
        if fault.told not in ("", "exit"):
            raise FaultError("told is empty or exit")
        if fault.times is not None and fault.times < 1:
            raise FaultError("times is at least 1")
        return fault

    def meets(self, seen: Seen) -> bool:
        """Whether a call is one that this fault is for."""
        return (
            fnmatch.fnmatchcase(seen.service, self.service)
            and fnmatch.fnmatchcase(seen.operation, self.operation)
            and all(fnmatch.fnmatchcase(_at(seen.parameters, path), want) for path, want in self.match.items())
        )


def _at(parameters: Mapping[str, Any], path: str) -> str:
    value: Any = parameters
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, Mapping) else ""
    return str(value)


@dataclass
class Faults:
    """The faults in force, oldest first."""

    clock: Callable[[], float] = time.time
    _faults: dict[int, tuple[Fault, int | None]] = field(default_factory=dict)
    _ids: Any = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __bool__(self) -> bool:
        return bool(self._faults)

    def add(self, fault: Fault) -> int:
        """Put a fault in force and return its number."""
        with self._lock:
            number: int = next(self._ids)
            self._faults[number] = fault, fault.times
            return number

    def all(self) -> list[dict[str, Any]]:
        """The faults in force with the calls they have `left`."""
        with self._lock:
            return [asdict(fault) | {"id": number, "left": left} for number, (fault, left) in self._faults.items()]

    def clear(self, number: int | None = None) -> int:
        """Take one fault or all of them back; the count of those taken back."""
        with self._lock:
            gone = [key for key in self._faults if number in (None, key)]
            for key in gone:
                del self._faults[key]
            return len(gone)

    def take(self, seen: Seen, when: Callable[[Fault], bool] = lambda fault: True) -> Fault | None:
        """The first fault for a call, used up once; `when` may add a condition."""
        with self._lock:
            for number, (fault, left) in self._faults.items():
                if fault.meets(seen) and when(fault):
                    if left == 1:
                        del self._faults[number]
                    elif left is not None:
                        self._faults[number] = fault, left - 1
                    return fault
        return None
