"""Long-running operations: an answer before the work is done, and an address that says when it is.

The clients wait as long as the answers say; here that is milliseconds.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from localcloud.azure.arm import kinds
from localcloud.azure.arm.store import Resource, written
from localcloud.azure.errors import AzureError
from localcloud.azure.plane import Request, Route
from localcloud.azure.state import SUBSCRIPTION, State
from localcloud.place import AZURE
from localcloud.server.wire import Answer

_WAIT = ("x-ms-retry-after-ms", "20")


@dataclass
class Operation:
    """One operation: how many polls still see it at work, and what it is about (None: its end is all there is)."""

    started: float
    polls: int
    resource: Resource | None


@dataclass
class Operations:
    """Operations by id; `polls` is how often the next ones answer that they are still at it."""

    state: State
    polls: int = 0
    by_id: dict[str, Operation] = field(default_factory=dict)

    def begin(self, namespace: str, location: str, version: str, resource: Resource | None) -> dict[str, str]:
        """The headers of an answer that comes before the work is done."""
        id = secrets.token_hex(16)
        self.by_id[id] = Operation(self.state.clock(), self.polls, resource)
        if resource is not None:
            resource.pending = self.polls
        base = (
            f"{self.state.url}{AZURE}/arm/subscriptions/{SUBSCRIPTION}/providers/{namespace}/locations/"
            f"{location or 'global'}"
        )
        query = f"api-version={version}"
        return {
            "Azure-AsyncOperation": f"{base}/operationStatuses/{id}?{query}",
            "Location": f"{base}/operationResults/{id}?{query}",
            **dict([_WAIT]),
        }


def _poll(state: State, request: Request) -> tuple[str, Operation]:
    id = request.names["id"]
    found = state.store(Operations).by_id.get(id)
    if found is None:
        raise AzureError(404, "OperationNotFound", f"The operation '{id}' could not be found.")
    return id, found


def status(state: State, request: Request) -> object:
    """The operation itself, as `Azure-AsyncOperation` leads to it."""
    with state.lock:
        id, found = _poll(state, request)
        document: dict[str, Any] = {
            "id": request.path,
            "name": id,
            "status": "InProgress" if found.polls else "Succeeded",
            "startTime": written(found.started),
        }
        busy = _step(found)
    if busy:
        return Answer.json(document, 200, **{_WAIT[0].replace("-", "_"): _WAIT[1]})
    return document | {"endTime": written(state.clock()), "percentComplete": 100}


def result(state: State, request: Request) -> object:
    """What the operation made, as `Location` leads to it: 202 until it is there."""
    with state.lock:
        _, found = _poll(state, request)
        if _step(found):
            return Answer(202, (("Location", f"{state.url}{AZURE}/arm{request.call.target}"), _WAIT))
        return None if found.resource is None else kinds.document(state, request, found.resource)


def _step(operation: Operation) -> bool:
    """Whether the operation was still at work; one poll less."""
    busy = operation.polls > 0
    operation.polls = max(0, operation.polls - 1)
    if operation.resource is not None:
        operation.resource.pending = operation.polls
    return busy


_AT = "/subscriptions/{subscription}/providers/{namespace}/locations/{location}"
ROUTES = [
    Route("GET", _AT + "/operationStatuses/{id}", "GetOperation", status),
    Route("GET", _AT + "/operationResults/{id}", "GetOperationResult", result),
]
