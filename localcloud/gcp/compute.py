"""compute.googleapis.com: networks, addresses and what hangs on them; every change is an operation."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from localcloud.gcp import discovery
from localcloud.gcp.api import Request
from localcloud.gcp.compute_rules import PREPARED, patched, used_by
from localcloud.gcp.compute_state import HOST, Collection, Things, operation, shown
from localcloud.gcp.errors import GoogleError, exists, invalid
from localcloud.gcp.names import own
from localcloud.gcp.operations import Operations
from localcloud.gcp.state import State

# API collection -> its body's type in the discovery document, its word in errors, what holds one thing of it.
COLLECTIONS = (
    Collection("networks", "Network", "network", "networks"),
    Collection("subnetworks", "Subnetwork", "subnetwork", "subnetworks"),
    Collection("firewalls", "Firewall", "firewall", "firewalls"),
    Collection("globalAddresses", "Address", "address", "addresses"),
    Collection("addresses", "Address", "address", "addresses"),
    Collection("globalForwardingRules", "ForwardingRule", "forwardingRule", "forwardingRules"),
    Collection("networkAttachments", "NetworkAttachment", "networkAttachment", "networkAttachments"),
    Collection("routes", "Route", "route", "routes"),
    Collection("routers", "Router", "router", "routers"),
)
NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")


def _insert(kind: Collection) -> Callable[[State, Request], object]:
    def insert(state: State, request: Request) -> object:
        parent = kind.parent(request)
        body = discovery.writable("compute.v1", kind.type, request.body)
        name = str(body.get("name", ""))
        if not NAME.fullmatch(name):
            raise invalid(
                f"Invalid value for field 'resource.name': '{name}'. Must be a match of regex '{NAME.pattern}'"
            )
        with state.lock:
            things = state.store(Things)
            path = f"{parent}/{name}"
            if path in things.by_path:
                raise exists(f"The resource '{path}' already exists")
            made = {**copy.deepcopy(body), **things.fresh(f"compute#{kind.word}", path)}
            if region := kind.region(request):
                made["region"] = f"{HOST}/{parent.rpartition('/')[0]}" if region else ""
            PREPARED[kind.name](state, made, path)
            things.by_path[path] = made
            return operation(state, "insert", path, request)

    return insert


def _get(kind: Collection) -> Callable[[State, Request], object]:
    def get(state: State, request: Request) -> object:
        with state.lock:
            return shown(state.store(Things).get(kind.path(request)))

    return get


def _list(kind: Collection) -> Callable[[State, Request], object]:
    def list_all(state: State, request: Request) -> object:
        parent = kind.parent(request)
        with state.lock:
            found = state.store(Things).under(parent)
        wanted = request.query.get("filter")
        if wanted:
            raise GoogleError("UNIMPLEMENTED", "localcloud does not emulate filters of Compute Engine's lists")
        entries, more = request.page([shown(one) for one in found], 500, 500)
        return {"kind": f"compute#{kind.word}List", "id": parent, "items": entries, **more}

    return list_all


def _patch(kind: Collection) -> Callable[[State, Request], object]:
    def patch(state: State, request: Request) -> object:
        with state.lock:
            path = kind.path(request)
            found = state.store(Things).get(path)
            body = discovery.writable("compute.v1", kind.type, request.body)
            patched(kind.name, state, found, body)
            return operation(state, "patch", path, request)

    return patch


def _delete(kind: Collection) -> Callable[[State, Request], object]:
    def delete(state: State, request: Request) -> object:
        with state.lock:
            path = kind.path(request)
            things = state.store(Things)
            things.get(path)
            if holder := used_by(things, kind.name, path):
                raise GoogleError(
                    "INVALID_ARGUMENT",
                    f"The {kind.word} resource '{path}' is already being used by '{holder}'",
                    reason="resourceInUseByAnotherResource",
                )
            del things.by_path[path]
            return operation(state, "delete", path, request)

    return delete


def _set(kind: Collection, verb: str, field: str, sent: str = "") -> Callable[[State, Request], object]:
    """A method that sets one field from its request."""

    def change(state: State, request: Request) -> object:
        with state.lock:
            path = kind.path(request)
            found = state.store(Things).get(path)
            found[field] = copy.deepcopy(request.body.get(sent or field))
            state.store(Things).touch(found)
            return operation(state, verb, path, request)

    return change


def _expand(state: State, request: Request) -> object:
    kind = COLLECTIONS[1]
    with state.lock:
        path = kind.path(request)
        patched("expand", state, state.store(Things).get(path), request.body)
        return operation(state, "expandIpCidrRange", path, request)


def get_operation(state: State, request: Request) -> object:
    """globalOperations and regionOperations, get and wait: waiting is over at once."""
    own(request.names["project"])
    with state.lock:
        found = state.store(Operations).by_name.get(f"compute/{request.names['operation']}")
        if found is None:
            raise GoogleError(
                "NOT_FOUND", f"The resource '{request.path.removeprefix('/compute/v1/')}' was not found"
            )
        found.polls = 0 if request.path.endswith("/wait") else max(0, found.polls - 1)
        return {**found.document, "status": "RUNNING", "progress": 0} if found.polls else found.document


def _methods() -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    known = discovery.document("compute.v1")["methods"]
    for kind in COLLECTIONS:
        for verb, make in (
            ("insert", _insert),
            ("get", _get),
            ("list", _list),
            ("patch", _patch),
            ("delete", _delete),
        ):
            if f"{kind.name}.{verb}" in known:
                found[f"{kind.name}.{verb}"] = make(kind)
        if f"{kind.name}.setLabels" in known:
            found[f"{kind.name}.setLabels"] = _set(kind, "setLabels", "labels")
    by_name = {kind.name: kind for kind in COLLECTIONS}
    found["globalForwardingRules.setTarget"] = _set(by_name["globalForwardingRules"], "SetTarget", "target")
    found["subnetworks.setPrivateIpGoogleAccess"] = _set(
        by_name["subnetworks"], "setPrivateIpGoogleAccess", "privateIpGoogleAccess"
    )
    found["subnetworks.expandIpCidrRange"] = _expand
    for scope in ("globalOperations", "regionOperations"):
        found |= {f"{scope}.get": get_operation, f"{scope}.wait": get_operation}
    return found


API = discovery.api("compute.v1", _methods())
