"""secretmanager.googleapis.com: secrets, their versions and what is in them."""

from __future__ import annotations

import base64
import binascii
import copy
from collections.abc import Callable

from localcloud.gcp import discovery, policies, rights
from localcloud.gcp.api import Request
from localcloud.gcp.discovery import argument
from localcloud.gcp.documents import Document, Documents, Kind, masked
from localcloud.gcp.errors import invalid, not_found, precondition
from localcloud.gcp.names import canonical, now
from localcloud.gcp.state import State

SECRETS = Kind("secretmanager", "secrets", "Secret", r"[a-zA-Z0-9_-]{1,255}")
VERSIONS = Kind("secretmanager", "versions", "Secret Version")
MOST = 65536  # bytes of one version


def create(state: State, request: Request) -> object:
    body = copy.deepcopy(discovery.writable("secretmanager.v1", "Secret", request.body))
    if not body.get("replication"):
        raise invalid("Secret.replication must be provided.")
    with state.lock:
        made = SECRETS.add(state, request.names["parent"], argument(request, "secretId"), body)
        made |= {"createTime": now(state), "etag": '"1"'}
        return copy.deepcopy(made)


def patch(state: State, request: Request) -> object:
    with state.lock:
        found = SECRETS.get(state, request.names["name"])
        masked(found, request.body, argument(request, "updateMask"), ("name", "replication"))
        return copy.deepcopy(found)


def delete(state: State, request: Request) -> object:
    with state.lock:
        name = SECRETS.remove(state, request.names["name"])["name"]
        documents = state.store(Documents)
        for one in documents.under("secretmanager", f"{name}/versions"):
            del documents.by_name["secretmanager", one["name"]]
        state.store(policies.Policies).by_name.pop(f"//secretmanager.googleapis.com/{name}", None)
        return {}


def add_version(state: State, request: Request) -> object:
    try:
        data = base64.b64decode(str(request.body.get("payload", {}).get("data", "")), validate=True)
    except binascii.Error as error:
        raise invalid("Invalid value at 'payload.data' (TYPE_BYTES), Base64 decoding failed.") from error
    if not 0 < len(data) <= MOST:
        raise invalid(f"Secret payload must hold 1 to {MOST} bytes.")
    with state.lock:
        secret = SECRETS.get(state, request.names["parent"])["name"]
        number = str(len(state.store(Documents).under("secretmanager", f"{secret}/versions")) + 1)
        made = VERSIONS.add(state, secret, number, {"createTime": now(state), "state": "ENABLED", "data": data})
        return _shown(made)


def _shown(version: Document) -> Document:
    return {key: value for key, value in version.items() if key != "data"}


def _version(state: State, name: str) -> Document:
    name = canonical(name)
    if name.endswith("/latest"):
        found = state.store(Documents).under("secretmanager", name.removesuffix("/latest"))
        if not found:
            raise not_found(f"Secret Version [{name}] not found.")
        return max(found, key=lambda one: int(one["name"].rpartition("/")[2]))
    return VERSIONS.get(state, name)


def get_version(state: State, request: Request) -> object:
    with state.lock:
        return _shown(_version(state, request.names["name"]))


def list_versions(state: State, request: Request) -> object:
    with state.lock:
        secret = SECRETS.get(state, request.names["parent"])["name"]
        found = [_shown(one) for one in state.store(Documents).under("secretmanager", f"{secret}/versions")]
    entries, more = request.page(found, 100, 25000)
    return {"versions": entries, "totalSize": len(found), **more}


def access(state: State, request: Request) -> object:
    with state.lock:
        rights.require_access(state, request.holder, request.names["name"])
        found = _version(state, request.names["name"])
        if found["state"] != "ENABLED":
            raise precondition(f"Secret Version [{found['name']}] is in {found['state']} state.")
        return {"name": found["name"], "payload": {"data": base64.b64encode(found["data"]).decode()}}


def _become(wanted: str) -> Callable[[State, Request], object]:
    def change(state: State, request: Request) -> object:
        with state.lock:
            found = _version(state, request.names["name"])
            if found["state"] == "DESTROYED":
                raise precondition(f"Secret Version [{found['name']}] is in DESTROYED state.")
            found["state"] = wanted
            if wanted == "DESTROYED":
                found |= {"data": b"", "destroyTime": now(state)}
            return _shown(found)

    return change


_GET, _SET, _TEST = policies.methods("secretmanager", SECRETS.get)
_AT = "projects.secrets"
API = discovery.api(
    "secretmanager.v1",
    {
        f"{_AT}.create": create,
        f"{_AT}.get": SECRETS.read,
        f"{_AT}.list": SECRETS.listed("secrets"),
        f"{_AT}.patch": patch,
        f"{_AT}.delete": delete,
        f"{_AT}.addVersion": add_version,
        f"{_AT}.getIamPolicy": _GET,
        f"{_AT}.setIamPolicy": _SET,
        f"{_AT}.testIamPermissions": _TEST,
        f"{_AT}.versions.access": access,
        f"{_AT}.versions.get": get_version,
        f"{_AT}.versions.list": list_versions,
        f"{_AT}.versions.enable": _become("ENABLED"),
        f"{_AT}.versions.disable": _become("DISABLED"),
        f"{_AT}.versions.destroy": _become("DESTROYED"),
    },
)
