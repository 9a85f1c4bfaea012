"""Long-running operations: done at once, or after as many polls as a test asks for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.gcp.api import Request
from localcloud.gcp.errors import not_found
from localcloud.gcp.state import State


@dataclass
class Pending:
    """An operation that says it is done after so many more polls."""

    document: dict[str, Any]
    polls: int


@dataclass
class Operations:
    """Operations by name; `polls` is how often the next ones answer that they are still at it."""

    state: State
    polls: int = 0
    by_name: dict[str, Pending] = field(default_factory=dict)


def started(state: State, parent: str, response: Mapping[str, Any], **metadata: Any) -> dict[str, Any]:
    """A google.longrunning.Operation whose work is done already."""
    operations = state.store(Operations)
    name = f"{parent}/operations/{secrets.token_hex(12)}" if parent else f"operations/{secrets.token_hex(12)}"
    whole = {"name": name, "metadata": metadata, "done": True, "response": dict(response)}
    operations.by_name[name] = Pending(whole, operations.polls)
    return _shown(operations.by_name[name])


def get(state: State, request: Request) -> object:
    """operations.get of any service with google.longrunning operations."""
    with state.lock:
        found = state.store(Operations).by_name.get(request.names["name"])
        if found is None:
            raise not_found(f"Operation not found: {request.names['name']}")
        found.polls = max(0, found.polls - 1)
        return _shown(found)


def _shown(pending: Pending) -> dict[str, Any]:
    if not pending.polls:
        return pending.document
    return {key: value for key, value in pending.document.items() if key not in ("done", "response")}
