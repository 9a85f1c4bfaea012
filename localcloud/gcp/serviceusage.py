"""serviceusage.googleapis.com: which APIs a project has enabled, and the service agents that come with them."""

from __future__ import annotations

import re
import zlib
from typing import Any

from localcloud.gcp import discovery, operations
from localcloud.gcp.agents import Agents, table
from localcloud.gcp.api import Api, Request
from localcloud.gcp.enablement import Enabled
from localcloud.gcp.errors import GoogleError, info, invalid
from localcloud.gcp.names import own
from localcloud.gcp.state import NUMBER, State

PARENT = f"projects/{NUMBER}"


def _service(name: str) -> str:
    found = re.fullmatch(r"projects/([^/]+)/services/([^/]+)", name)
    assert found  # the route's template has this shape
    own(found[1])
    if not re.fullmatch(r"[a-z0-9-]+\.googleapis\.com", found[2]):
        text = f"Not found or permission denied for service(s): {found[2]}."
        detail = info(
            "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED", "serviceusage.googleapis.com", services=found[2]
        )
        raise GoogleError("PERMISSION_DENIED", text, details=[detail])
    return found[2]


def _document(state: State, service: str) -> dict[str, Any]:
    enabled = service in state.store(Enabled).services
    return {
        "name": f"{PARENT}/services/{service}",
        "config": {"name": service},
        "state": "ENABLED" if enabled else "DISABLED",
        "parent": PARENT,
    }


def _enable(state: State, services: list[str]) -> list[dict[str, Any]]:
    for service in services:
        state.store(Enabled).services.add(service)
        state.store(Agents).make(service, "enabling")
    return [_document(state, service) for service in services]


def get(state: State, request: Request) -> object:
    with state.lock:
        return _document(state, _service(request.names["name"]))


def list_services(state: State, request: Request) -> object:
    own(request.names["parent"].partition("/")[2])
    wanted = request.query.get("filter", "state:ENABLED")
    if wanted not in ("state:ENABLED", "state:DISABLED"):
        raise invalid(f"Invalid filter: {wanted}")
    with state.lock:
        enabled = state.store(Enabled).services
        known = enabled if wanted == "state:ENABLED" else set(table()) - enabled
        found = [_document(state, service) for service in sorted(known)]
    entries, more = request.page(found, 50, 200)
    return {"services": entries, **more}


def enable(state: State, request: Request) -> object:
    with state.lock:
        (document,) = _enable(state, [_service(request.names["name"])])
        return operations.started(state, "", {"service": document})


def batch_enable(state: State, request: Request) -> object:
    parent, wanted = request.names["parent"], request.body.get("serviceIds", [])
    if not 0 < len(wanted) <= 20:
        raise invalid("A batch must hold between 1 and 20 services.")
    with state.lock:
        made = _enable(state, [_service(f"{parent}/services/{one}") for one in wanted])
        return operations.started(state, "", {"services": made})


def batch_get(state: State, request: Request) -> object:
    with state.lock:
        names = request.queries.get("names", [])
        return {"services": [_document(state, _service(name)) for name in names]}


def disable(state: State, request: Request) -> object:
    with state.lock:
        service = _service(request.names["name"])
        state.store(Enabled).services.discard(service)
        return operations.started(state, "", {"service": _document(state, service)})


def generate_identity(state: State, request: Request) -> object:
    """The identity of a service, made if need be; services without one of their own answer without an address."""
    with state.lock:
        service = _service(request.names["parent"])
        if service not in state.store(Enabled).services:
            raise GoogleError("PERMISSION_DENIED", f"Service {service} is not enabled for consumer {PARENT}.")
        email = state.store(Agents).make(service, "identity")
        identity = {"email": email, "uniqueId": f"1{zlib.crc32(email.encode()):020d}"} if email else {}
        return operations.started(state, "", identity)


_V1 = {
    "services.get": get,
    "services.list": list_services,
    "services.enable": enable,
    "services.batchEnable": batch_enable,
    "services.batchGet": batch_get,
    "services.disable": disable,
    "operations.get": operations.get,
}
_BETA = {"services.generateServiceIdentity": generate_identity, "operations.get": operations.get}
API = Api(
    [
        *discovery.routes("serviceusage.v1", _V1),
        *discovery.routes("serviceusage.v1beta1", _BETA),
    ]
)
