"""The directory (Entra ID): which applications of Azure itself are in it, told as Microsoft Graph tells it.

Both clouds share it here, so the application of each is in it. Source: learn.microsoft.com/graph/api/
serviceprincipal-list.
"""

from __future__ import annotations

import json
import re
import uuid
from functools import cache
from pathlib import Path
from typing import Any

from localcloud.azure.arm import registration
from localcloud.azure.errors import bad, in_json
from localcloud.azure.plane import Plane, Request, Route, routed
from localcloud.azure.state import TENANT, State

COSMOS = "Azure Cosmos DB"
_GRAPHS = ("https://graph.microsoft.com", "https://graph.microsoft.us")
_BY_APPLICATION = re.compile(r"appId eq '([0-9a-f-]{36})'")


@cache
def _table() -> dict[str, dict[str, str]]:
    document: dict[str, Any] = json.loads(
        (Path(__file__).parent / "data" / "applications.json").read_text("utf-8")
    )
    return {name: row for name, row in document.items() if isinstance(row, dict)}


def principal(name: str, cloud: str) -> str:
    """The object id of one of Azure's own applications, by its name and the cloud it is of."""
    return str(uuid.uuid5(uuid.UUID(TENANT), _table()[name][cloud]))


def principals(state: State) -> dict[str, tuple[str, str]]:
    """Object id and name of every application of Azure that is there by now, by application id."""
    return {
        row[cloud]: (principal(name, cloud), name)
        for name, row in _table().items()
        for cloud in ("public", "usgovernment")
        if registration.registered(state, row["namespace"])
    }


def list_principals(state: State, request: Request) -> object:
    """List servicePrincipals, by application id only."""
    wanted = _BY_APPLICATION.fullmatch(request.query.get("$filter", ""))
    if wanted is None:
        raise bad("localcloud finds service principals by $filter=appId eq '...' only.", "Request_BadRequest")
    with state.lock:
        found = principals(state).get(wanted[1])
    return {"value": [{"id": found[0], "appId": wanted[1], "displayName": found[1]}] if found else []}


PLANE = Plane(
    routed("graph", [Route("GET", "/v1.0/servicePrincipals", "ListServicePrincipals", list_principals)]),
    in_json,
    lambda state, request: _GRAPHS,
)
