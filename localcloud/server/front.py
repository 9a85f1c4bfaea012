"""The one application of the port: sends a call to control, to Google, Azure or AWS, with faults in between."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from localcloud import control
from localcloud.aws.front import Aws
from localcloud.aws.sagemaker.runs import AGENT
from localcloud.azure.front import Azure
from localcloud.gcp.front import Google
from localcloud.jobs.runner import Runner
from localcloud.place import HOST
from localcloud.server.faults import JOB_KINDS, Fault, Faults
from localcloud.server.record import Record
from localcloud.server.seen import Seen
from localcloud.server.wire import Answer, Call

_LISTS = ("ListTrainingJobs", "Search", "ListCustomJobs", "ListJobs")
_CREATES = ("CreateTrainingJob", "CreateCustomJob", "PutJob")
_DEFAULT_LAG = 60.0


class Visit(Protocol):
    """A call that a cloud has understood."""

    @property
    def seen(self) -> Seen: ...

    def age(self, now: float) -> float | None:
        """Seconds since the identity that a call is about became usable; None without one."""
        ...

    def serve(self, lag: float = 0) -> Answer:
        """Do what is asked; `lag` makes lists leave out jobs younger than so many seconds."""
        ...

    def refuse(self, fault: Fault) -> Answer:
        """What the service would answer if it failed this way."""
        ...


@dataclass
class Front:
    """`control`, `google` and `azure` answer what comes under their prefixes; the rest is AWS."""

    aws: Aws
    google: Google
    azure: Azure
    runner: Runner
    control: Callable[[Call], Answer] = lambda call: Answer(404)
    faults: Faults = field(default_factory=Faults)
    record: Record = field(default_factory=Record)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, call: Call) -> Answer:
        try:
            if call.path.startswith(control.PREFIX + "/"):
                return self.control(call)
            if not _is_local(call.host):
                return Answer.json({"message": f"localcloud does not answer for {call.host}"}, 421)
            visit = self._visit(call)
            if AGENT in call.lower.get("user-agent", ""):
                return visit.serve()
            seen = visit.seen
            fault = self.faults.take(seen, lambda fault: self._applies(fault, visit)) if self.faults else None
            arrived = self.clock()
            answer = self._spoil(visit, fault) if fault else visit.serve()
            self.record.add(seen, arrived, 0 if answer.drop else answer.status, fault.kind if fault else None)
            return answer
        except Exception:
            traceback.print_exc()
            return Answer.json({"__type": "InternalFailure", "message": "localcloud failed; see server.log"}, 500)

    def _visit(self, call: Call) -> Visit:
        if self.google.owns(call.path):
            return self.google.visit(call)
        return self.azure.visit(call) if self.azure.owns(call.path) else self.aws.visit(call)

    def _applies(self, fault: Fault, visit: Visit) -> bool:
        """Whether a fault whose patterns match has its effect on this call."""
        if fault.kind in JOB_KINDS:
            return False
        if fault.kind == "lagging":
            return visit.seen.operation in _LISTS
        if fault.kind == "quota":
            return visit.seen.operation in _CREATES
        if fault.kind == "denied" and fault.seconds:
            age = visit.age(self.clock())
            return age is not None and age < fault.seconds
        return True

    def _spoil(self, visit: Visit, fault: Fault) -> Answer:
        if fault.kind == "reset":
            return Answer(drop=True)
        if fault.kind == "lost":
            visit.serve()
            return Answer(drop=True)
        if fault.kind == "slow":
            self.sleep(fault.seconds)
            return visit.serve()
        if fault.kind == "lagging":
            return visit.serve(fault.seconds or _DEFAULT_LAG)
        return visit.refuse(fault)

    def job_fault(self, kind: str, created: Seen) -> Mapping[str, Any] | None:
        """The next fault of a kind that is meant for the job which a call created, used up."""
        if not self.faults:
            return None
        fault = self.faults.take(created, lambda fault: fault.kind == kind)
        return None if fault is None else {"seconds": fault.seconds, "notice": fault.notice, "told": fault.told}


def _is_local(host: str) -> bool:
    """Whether a call is for this machine; a web page that made its own name point here must not start jobs.

    S3 Control puts the account before the host (`123456789012.127.0.0.1`).
    """
    name = host.rpartition(":")[0] or host
    return any(name == local or name.endswith(f".{local}") for local in (HOST, "localhost"))
