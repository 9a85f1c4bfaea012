"""Azure's side of the port: `/_azure/<plane>/...`, where a plane stands for the host names of one of its faces."""

from __future__ import annotations

import dataclasses
import importlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from localcloud.azure import faulty
from localcloud.azure.errors import AzureError, in_json
from localcloud.azure.plane import Plane, Request, Respond
from localcloud.azure.state import State
from localcloud.azure.tokens import Tokens
from localcloud.place import AZURE
from localcloud.server.faults import Fault
from localcloud.server.seen import Seen
from localcloud.server.wire import Answer, Call

PLANES: Mapping[str, str] = {
    "arm": "localcloud.azure.arm.api",  # management.azure.com, management.usgovcloudapi.net
    "blob": "localcloud.azure.blob.api",  # <account>.blob.core.windows.net, ...
    "graph": "localcloud.azure.directory",  # graph.microsoft.com, graph.microsoft.us
    "identity": "localcloud.azure.identity",  # what App Service gives its programs as IDENTITY_ENDPOINT
    "ml": "localcloud.azure.ml.history",  # <region>.api.azureml.ms, ...
    "vault": "localcloud.azure.vault",  # <vault>.vault.azure.net, ...
}
"""Which module answers, as its `PLANE`; loaded when the first call comes."""


@cache
def _plane(name: str) -> Plane | None:
    plane: Plane | None = importlib.import_module(PLANES[name]).PLANE if name in PLANES else None
    return plane


@dataclass(frozen=True)
class Azure:
    """Every plane over one state."""

    state: State

    @staticmethod
    def owns(path: str) -> bool:
        """Whether a path is Azure's."""
        return path.startswith(AZURE + "/")

    def visit(self, call: Call) -> Visit:
        """A call understood."""
        name, slash, rest = call.path.removeprefix(AZURE + "/").partition("/")
        plane, path = _plane(name), slash + rest
        if plane is None:
            return Visit(self.state, None, Request(call, name, path), None)
        request, respond = plane.find(self.state, call, path)
        return Visit(self.state, plane, request, respond)


@dataclass(frozen=True)
class Visit:
    """One call: what it is, and how to answer or refuse it."""

    state: State
    plane: Plane | None
    request: Request
    respond: Respond | None

    @property
    def seen(self) -> Seen:
        request = self.request
        return Seen(request.service, request.operation, request.region, request.parameters, request.sent)

    def age(self, now: float) -> float | None:
        """Seconds since the identity a call is about was made or given a role; None without one."""
        return faulty.age(self.state, self.seen, now)

    def refuse(self, fault: Fault) -> Answer:
        return self._refusal(faulty.error(self.state, fault, self.seen))

    def serve(self, lag: float = 0) -> Answer:
        """Answer the call; `lag` makes lists leave out jobs younger than so many seconds."""
        try:
            holder = self._holder()
            if self.respond is None:
                method, path = self.request.call.method, self.request.path
                raise AzureError(
                    404, "NotImplemented", f"localcloud has no {method} {path} of Azure's {self.request.service}"
                )
            answer = self.respond(self.state, dataclasses.replace(self.request, holder=holder, lag=lag))
        except AzureError as refusal:
            return self._refusal(refusal)
        if not isinstance(answer, Answer):
            answer = Answer(204) if answer is None else Answer.json(answer, 200, "application/json; charset=utf-8")
        return _named(answer)

    def _holder(self) -> str:
        plane, request = self.plane, self.request
        audiences = plane.audiences(self.state, request) if plane else ()
        if plane is None or not audiences or plane.signed(self.state, request):
            return ""
        return self.state.store(Tokens).holder(request.call.lower.get("authorization"), audiences)

    def _refusal(self, error: AzureError) -> Answer:
        return _named(self.plane.refusal(error) if self.plane else in_json(error))


def _named(answer: Answer) -> Answer:
    """With the id under which Azure's support would look for the call."""
    return dataclasses.replace(answer, headers=(*answer.headers, ("x-ms-request-id", str(uuid.uuid4()))))
