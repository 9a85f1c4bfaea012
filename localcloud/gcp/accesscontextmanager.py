"""accesscontextmanager.googleapis.com: service perimeters of an access policy; nothing is blocked by them here."""

from __future__ import annotations

import copy
import re

from localcloud.gcp import discovery, operations
from localcloud.gcp.api import Request
from localcloud.gcp.discovery import argument
from localcloud.gcp.documents import Document, Documents, Kind, masked
from localcloud.gcp.errors import invalid, precondition
from localcloud.gcp.names import now
from localcloud.gcp.state import State

PERIMETERS = Kind("accesscontextmanager", "servicePerimeters", "ServicePerimeter", r"[a-zA-Z][a-zA-Z0-9_]{0,49}")


def create(state: State, request: Request) -> object:
    parent = request.names["parent"]
    body = copy.deepcopy(discovery.writable("accesscontextmanager.v1", "ServicePerimeter", request.body))
    prefix = f"{parent}/servicePerimeters/"
    name = str(body.pop("name", ""))
    if not name.startswith(prefix):
        raise invalid(f"The name of a perimeter of {parent} begins with {prefix}: got {name!r}")
    with state.lock:
        body.setdefault("perimeterType", "PERIMETER_TYPE_REGULAR")
        _valid(state, parent, name, body)
        made = PERIMETERS.add(state, parent, name.removeprefix(prefix), body)
        made |= {"createTime": now(state), "updateTime": now(state)}
        return operations.started(state, "", copy.deepcopy(made))


def _valid(state: State, parent: str, name: str, body: Document) -> None:
    if body.get("spec") and not body.get("useExplicitDryRunSpec"):
        raise invalid("`spec` may only be set when `use_explicit_dry_run_spec` is true.")
    for part in ("status", "spec"):
        for one in body.get(part, {}).get("resources", []):
            if not re.fullmatch(
                r"projects/\d+|//compute\.googleapis\.com/projects/[^/]+/global/networks/[^/]+", one
            ):
                raise invalid(f"Invalid resource {one!r}: projects are named by number, `projects/123456789012`.")
            _alone(state, parent, name, part, one)


def _alone(state: State, parent: str, name: str, part: str, resource: str) -> None:
    """A project is in one regular perimeter at most."""
    for other in state.store(Documents).under("accesscontextmanager", f"{parent}/servicePerimeters"):
        if other["name"] != name and resource in other.get(part, {}).get("resources", []):
            raise precondition(f"{resource} is already in the perimeter {other['name']}.")


def patch(state: State, request: Request) -> object:
    with state.lock:
        found = PERIMETERS.get(state, request.names["name"])
        changed = copy.deepcopy(found)
        masked(changed, request.body, argument(request, "updateMask"), ("name", "perimeterType"))
        _valid(state, found["name"].partition("/servicePerimeters/")[0], found["name"], changed)
        found.clear()
        found.update(changed | {"updateTime": now(state)})
        return operations.started(state, "", copy.deepcopy(found))


def delete(state: State, request: Request) -> object:
    with state.lock:
        PERIMETERS.remove(state, request.names["name"])
        return operations.started(state, "", {})


_AT = "accessPolicies.servicePerimeters"
API = discovery.api(
    "accesscontextmanager.v1",
    {
        f"{_AT}.create": create,
        f"{_AT}.get": PERIMETERS.read,
        f"{_AT}.list": PERIMETERS.listed("servicePerimeters"),
        f"{_AT}.patch": patch,
        f"{_AT}.delete": delete,
        "operations.get": operations.get,
    },
)
