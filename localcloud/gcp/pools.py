"""Workload identity pools and their providers: deleted ones stay for 30 days, and keep their ids for as long."""

from __future__ import annotations

import copy
from collections.abc import Callable

from localcloud.gcp import operations
from localcloud.gcp.api import Request
from localcloud.gcp.discovery import argument, writable
from localcloud.gcp.documents import Document, Kind, masked
from localcloud.gcp.errors import invalid, precondition
from localcloud.gcp.names import canonical, written
from localcloud.gcp.state import NUMBER, PROJECT, State

ID = r"(?!gcp-)[a-z0-9-]{4,32}"
POOLS = Kind("iam", "workloadIdentityPools", "Workload identity pool", ID)
PROVIDERS = Kind("iam", "providers", "Workload identity pool provider", ID)
KEPT = 30 * 86400.0


def _create(kind: Kind, type_name: str, id: str) -> Callable[[State, Request], object]:
    def create(state: State, request: Request) -> object:
        parent, body = canonical(request.names["parent"]), writable("iam.v1", type_name, request.body)
        if kind is PROVIDERS and not any(body.get(way) for way in ("oidc", "aws", "saml", "x509")):
            raise invalid("A provider must have exactly one of aws, oidc, saml or x509.")
        with state.lock:
            if kind is PROVIDERS and POOLS.get(state, parent)["state"] == "DELETED":
                raise precondition(f"{parent} is deleted.")
            made = kind.add(state, parent, argument(request, id), {**body, "state": "ACTIVE"})
            return operations.started(state, made["name"], _numbered(made))

    return create


def _numbered(document: Document) -> Document:
    """IAM names pools by the project's number."""
    return copy.deepcopy(document) | {
        "name": document["name"].replace(f"projects/{PROJECT}/", f"projects/{NUMBER}/")
    }


def _get(kind: Kind) -> Callable[[State, Request], object]:
    def get(state: State, request: Request) -> object:
        with state.lock:
            return _numbered(kind.get(state, request.names["name"]))

    return get


def _patch(kind: Kind) -> Callable[[State, Request], object]:
    def patch(state: State, request: Request) -> object:
        with state.lock:
            found = kind.get(state, request.names["name"])
            if found["state"] == "DELETED":
                raise precondition(f"{found['name']} is deleted.")
            masked(found, request.body, argument(request, "updateMask"))
            return operations.started(state, found["name"], _numbered(found))

    return patch


def _delete(kind: Kind) -> Callable[[State, Request], object]:
    def delete(state: State, request: Request) -> object:
        with state.lock:
            found = kind.get(state, request.names["name"])
            if found["state"] == "DELETED":
                raise precondition(f"{found['name']} is already deleted.")
            found |= {"state": "DELETED", "expireTime": written(state.clock() + KEPT)}
            return operations.started(state, found["name"], _numbered(found))

    return delete


def _undelete(kind: Kind) -> Callable[[State, Request], object]:
    def undelete(state: State, request: Request) -> object:
        with state.lock:
            found = kind.get(state, request.names["name"])
            if found["state"] != "DELETED":
                raise precondition(f"{found['name']} is not deleted.")
            found["state"] = "ACTIVE"
            del found["expireTime"]
            return operations.started(state, found["name"], _numbered(found))

    return undelete


def _shown(document: Document, request: Request) -> bool:
    return document["state"] != "DELETED" or argument(request, "showDeleted").lower() == "true"


def _methods(at: str, kind: Kind, type_name: str, id: str, key: str) -> dict[str, Callable[..., object]]:
    return {
        f"{at}.create": _create(kind, type_name, id),
        f"{at}.get": _get(kind),
        f"{at}.list": kind.listed(key, _shown),
        f"{at}.patch": _patch(kind),
        f"{at}.delete": _delete(kind),
        f"{at}.undelete": _undelete(kind),
        f"{at}.operations.get": operations.get,
    }


_AT = "projects.locations.workloadIdentityPools"
METHODS = _methods(
    _AT, POOLS, "WorkloadIdentityPool", "workloadIdentityPoolId", "workloadIdentityPools"
) | _methods(
    f"{_AT}.providers",
    PROVIDERS,
    "WorkloadIdentityPoolProvider",
    "workloadIdentityPoolProviderId",
    "workloadIdentityPoolProviders",
)
