"""Google's side of the port: `/_gcp/<service>/<the API's real path>` goes to the API of that service."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from localcloud.gcp import faulty, services
from localcloud.gcp.accounts import ServiceAccounts
from localcloud.gcp.api import Request, Route
from localcloud.gcp.errors import GoogleError
from localcloud.gcp.state import State
from localcloud.gcp.tokens import Tokens, unauthenticated
from localcloud.place import GOOGLE
from localcloud.server.faults import Fault
from localcloud.server.seen import Seen
from localcloud.server.wire import Answer, Call

_JSON = "application/json; charset=UTF-8"


@dataclass(frozen=True)
class Google:
    """Every API over one state."""

    state: State

    @staticmethod
    def owns(path: str) -> bool:
        """Whether a path is Google's."""
        return path.startswith(GOOGLE + "/")

    def visit(self, call: Call) -> Visit:
        """A call understood."""
        service, slash, rest = call.path.removeprefix(GOOGLE + "/").partition("/")
        api = services.find(service)
        path = slash + rest
        request, route = api.find(call, service, path) if api else (Request(call, service, path), None)
        return Visit(self.state, request, route, anonymous=api is not None and api.anonymous)


@dataclass(frozen=True)
class Visit:
    """One call: what it is, and how to answer or refuse it."""

    state: State
    request: Request
    route: Route | None
    anonymous: bool

    @property
    def seen(self) -> Seen:
        request = self.request
        return Seen(request.service, request.operation, request.region, request.parameters, request.sent)

    def age(self, now: float) -> float | None:
        """Seconds since the service account a call is about was made or granted to somebody; None without one."""
        account = (self.request.parameters.get("jobSpec") or {}).get("serviceAccount", "")
        if self.request.operation == "GenerateAccessToken":
            account = self.request.names["name"]
        with self.state.lock:
            return self.state.store(ServiceAccounts).age(str(account), now)

    def refuse(self, fault: Fault) -> Answer:
        return faulty.error(fault, self.seen).answer(self.request.service)

    def serve(self, lag: float = 0) -> Answer:
        """Answer the call; `lag` makes lists leave out jobs younger than so many seconds."""
        try:
            holder = self.state.store(Tokens).holder(self.request.call.lower.get("authorization"))
            if not holder and not self.anonymous:
                raise unauthenticated("CREDENTIALS_MISSING")
            if self.route is None:
                method, path = self.request.call.method, self.request.path
                raise GoogleError(
                    "UNIMPLEMENTED", f"localcloud has no {method} {path} of {self.request.service}.googleapis.com"
                )
            request = dataclasses.replace(self.request, holder=holder, lag=lag)
            answer = self.route.respond(self.state, request)
        except GoogleError as refusal:
            return refusal.answer(self.request.service)
        if isinstance(answer, Answer):
            return answer
        return Answer.json({} if answer is None else answer, 200, _JSON)
