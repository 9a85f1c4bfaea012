"""The one application of the port: sends a call to control, to SageMaker or to moto, with faults in between."""

from __future__ import annotations

import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud import control
from localcloud.jobs.runner import AGENT, Runner
from localcloud.place import HOST
from localcloud.sagemaker.account import MotoAccount
from localcloud.sagemaker.errors import ServiceError
from localcloud.sagemaker.record import TrainingJob
from localcloud.sagemaker.service import SageMaker
from localcloud.server import refusals
from localcloud.server.faults import JOB_KINDS, Fault, Faults
from localcloud.server.moto_app import Moto
from localcloud.server.operations import Seen, understand
from localcloud.server.record import Record
from localcloud.server.wire import Answer, Call

_LISTS = ("ListTrainingJobs", "Search")
_DEFAULT_LAG = 60.0


@dataclass
class Front:
    """`control` answers what comes under its prefix; the rest is AWS."""

    moto: Moto
    sagemaker: SageMaker
    account: MotoAccount
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
            seen = understand(call)
            if AGENT in call.lower.get("user-agent", ""):
                return self._serve(call, seen)
            fault = self.faults.take(seen, lambda fault: self._applies(fault, seen)) if self.faults else None
            arrived = self.clock()
            answer = self._spoil(call, seen, fault) if fault else self._serve(call, seen)
            self.record.add(seen, arrived, 0 if answer.drop else answer.status, fault.kind if fault else None)
            return answer
        except Exception:
            traceback.print_exc()
            return Answer.json({"__type": "InternalFailure", "message": "localcloud failed; see server.log"}, 500)

    def _applies(self, fault: Fault, seen: Seen) -> bool:
        """Whether a fault whose patterns match has its effect on this call."""
        if fault.kind in JOB_KINDS:
            return False
        if fault.kind == "lagging":
            return seen.operation in _LISTS
        if fault.kind == "quota":
            return seen.operation == "CreateTrainingJob"
        if fault.kind == "denied" and fault.seconds:
            age = self.account.role_age(str(seen.parameters.get("RoleArn")), self.clock())
            return age is not None and age < fault.seconds
        return True

    def _spoil(self, call: Call, seen: Seen, fault: Fault) -> Answer:
        if fault.kind == "reset":
            return Answer(drop=True)
        if fault.kind == "lost":
            self._serve(call, seen)
            return Answer(drop=True)
        if fault.kind == "slow":
            self.sleep(fault.seconds)
            return self._serve(call, seen)
        if fault.kind == "lagging":
            return self._serve(call, seen, fault.seconds or _DEFAULT_LAG)
        return refusals.answer(refusals.error(fault, seen), seen, target="x-amz-target" in call.lower)

    def _serve(self, call: Call, seen: Seen, lag: float = 0) -> Answer:
        if seen.service != "sagemaker" or not self.sagemaker.answers(seen.operation, seen.parameters):
            return self.moto(call)
        try:
            document = self.sagemaker.call(seen.operation, seen.parameters, seen.region, lag)
        except ServiceError as refusal:
            return refusals.answer(refusal, seen, target=True)
        kind, request = "application/x-amz-json-1.1", str(uuid.uuid4())
        if document is None:
            return Answer(200, (("Content-Type", kind), ("x-amzn-RequestId", request)))
        return Answer.json(document, 200, kind, x_amzn_RequestId=request)

    def job_fault(self, kind: str, job: TrainingJob) -> Mapping[str, Any] | None:
        """The next fault of a kind that is meant for a job, used up."""
        if not self.faults:
            return None
        seen = Seen("sagemaker", "CreateTrainingJob", job.region, job.request)
        fault = self.faults.take(seen, lambda fault: fault.kind == kind)
        return None if fault is None else {"seconds": fault.seconds}


def _is_local(host: str) -> bool:
    """Whether a call is for this machine; a web page that made its own name point here must not start jobs.

    S3 Control puts the account before the host (`123456789012.127.0.0.1`).
    """
    name = host.rpartition(":")[0] or host
    return any(name == local or name.endswith(f".{local}") for local in (HOST, "localhost"))
