"""AWS's side of the port: SageMaker's training jobs are answered here, everything else by moto."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from localcloud.aws import lending, refusals, rights
from localcloud.aws.moto_app import Moto
from localcloud.aws.operations import understand
from localcloud.aws.sagemaker.account import MotoAccount
from localcloud.aws.sagemaker.errors import ServiceError
from localcloud.aws.sagemaker.runs import Clients
from localcloud.aws.sagemaker.service import SageMaker
from localcloud.server.faults import Fault
from localcloud.server.seen import Seen
from localcloud.server.wire import Answer, Call


@dataclass(frozen=True)
class Aws:
    """moto, and SageMaker before it."""

    moto: Moto
    sagemaker: SageMaker
    account: MotoAccount
    clients: Clients

    def visit(self, call: Call) -> Visit | lending.Visit:
        """A call understood."""
        return lending.Visit(self.clients, call) if lending.owns(call) else Visit(self, call, understand(call))


@dataclass(frozen=True)
class Visit:
    """One call: what it is, and how to answer or refuse it."""

    aws: Aws
    call: Call
    seen: Seen

    def age(self, now: float) -> float | None:
        """Seconds since the role a call is about was made; None without one."""
        return self.aws.account.role_age(str(self.seen.parameters.get("RoleArn")), now)

    def refuse(self, fault: Fault) -> Answer:
        return refusals.answer(
            refusals.error(fault, self.seen), self.seen, target="x-amz-target" in self.call.lower
        )

    def serve(self, lag: float = 0) -> Answer:
        """Answer the call; `lag` makes lists leave out jobs younger than so many seconds."""
        seen, sagemaker = self.seen, self.aws.sagemaker
        try:
            if seen.service != "sagemaker" or not sagemaker.answers(seen.operation, seen.parameters):
                rights.require(self.aws.moto, self.call, seen)
                return self.aws.moto(self.call)
            document = sagemaker.call(seen.operation, seen.parameters, seen.region, lag)
        except ServiceError as refusal:
            return refusals.answer(refusal, seen, target=True)
        kind, request = "application/x-amz-json-1.1", str(uuid.uuid4())
        if document is None:
            return Answer(200, (("Content-Type", kind), ("x-amzn-RequestId", request)))
        return Answer.json(document, 200, kind, x_amzn_RequestId=request)
