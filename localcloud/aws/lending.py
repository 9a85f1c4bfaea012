"""The container's credential endpoint: a job's programs are given short-lived credentials of its execution role.

On AWS it is at 169.254.170.2, and its path names the container. Source:
docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html.
"""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.aws import refusals
from localcloud.aws.sagemaker.runs import Clients
from localcloud.place import CREDENTIALS
from localcloud.server.faults import Fault
from localcloud.server.seen import Seen
from localcloud.server.wire import Answer, Call


def owns(call: Call) -> bool:
    """Whether a call asks for a job's credentials."""
    return call.path == CREDENTIALS


@dataclass(frozen=True)
class Visit:
    """One call, which shows a badge in its Authorization header."""

    clients: Clients
    call: Call

    @property
    def seen(self) -> Seen:
        return Seen("credentials", "GetCredentials", "", {})

    def age(self, now: float) -> float | None:
        return None

    def refuse(self, fault: Fault) -> Answer:
        refusal = refusals.error(fault, self.seen)
        return Answer.json({"code": refusal.code, "message": refusal.message}, refusal.status)

    def serve(self, lag: float = 0) -> Answer:
        """The credentials in the form that every SDK of AWS reads."""
        role = self.clients.badges.holder(self.call.lower.get("authorization", ""))
        if role is None or self.call.method != "GET":
            return Answer.json({"code": "AccessDenied", "message": "no container has this token"}, 403)
        return Answer.json({"RoleArn": role, **self.clients.assume(role)})
