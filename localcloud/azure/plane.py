"""The frame of one of Azure's faces: Resource Manager, Azure ML's data plane, blobs, vaults, managed
identities."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from localcloud.azure.errors import AzureError, bad
from localcloud.azure.state import State
from localcloud.server import rest
from localcloud.server.wire import Answer, Call


@dataclass(frozen=True)
class Request(rest.Request):
    """One call of Azure's. `service` is the provider's last word in lower case (`machinelearningservices`), or the
    plane's; `holder` the caller's object id; `region` the one the address names."""

    region: str = ""

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object of the body, empty when there is none. Raises AzureError."""
        try:
            document = json.loads(self.call.body or b"{}")
        except ValueError as error:
            raise bad(
                f"The request content was invalid and could not be deserialized: '{error}'.",
                "InvalidRequestContent",
            ) from error
        if not isinstance(document, dict):
            raise bad("The request content is not a JSON object.", "InvalidRequestContent")
        return document


Respond = Callable[[State, Request], object]
"""Answers a request with a JSON document (None: no content) or a whole Answer. Raises AzureError."""


@dataclass(frozen=True)
class Plane:
    """`find` says what a call is and who answers it (None: nobody does); `audiences` whose tokens it takes, none
    of them asking for no token at all; `refusal` how an error is written."""

    find: Callable[[State, Call, str], tuple[Request, Respond | None]]
    refusal: Callable[[AzureError], Answer]
    audiences: Callable[[State, Request], Sequence[str]] = lambda state, request: ()
    signed: Callable[[State, Request], bool] = lambda state, request: False
    """Whether a call without a token has other proof, as the signature in the address of a blob."""


@dataclass(frozen=True, slots=True)
class Route:
    """`operation` is a verb and what it is about, such as `GetRunDetails`."""

    method: str
    template: str
    operation: str
    respond: Respond


def routed(service: str, routes: Sequence[Route]) -> Callable[[State, Call, str], tuple[Request, Respond | None]]:
    """The `find` of a plane whose paths are a table; a path's variable `region` is the call's region."""
    table = rest.Routes(routes)

    def find(state: State, call: Call, path: str) -> tuple[Request, Respond | None]:
        if (found := table.find(call.method, path)) is None:
            return Request(call, service, path), None
        route, names = found
        region = names.get("region", "")
        return Request(call, service, path, route.operation, names, region=region), route.respond

    return find
