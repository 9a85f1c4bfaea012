"""artifactregistry.googleapis.com: repositories. Images are not kept: nothing here pulls or runs them."""

from __future__ import annotations

import copy

from localcloud.gcp import cmek, discovery, operations, policies
from localcloud.gcp.agents import Agents
from localcloud.gcp.api import Request
from localcloud.gcp.discovery import argument
from localcloud.gcp.documents import Document, Kind, masked
from localcloud.gcp.errors import GoogleError, invalid
from localcloud.gcp.names import canonical, now
from localcloud.gcp.state import NUMBER, State

REPOSITORIES = Kind("artifactregistry", "repositories", "Repository", r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
AGENT = f"service-{NUMBER}@gcp-sa-artifactregistry.iam.gserviceaccount.com"
FIXED = ("format", "mode", "kmsKeyName")


def create(state: State, request: Request) -> object:
    parent, id = canonical(request.names["parent"]), argument(request, "repositoryId")
    body = discovery.writable("artifactregistry.v1", "Repository", request.body)
    if body.get("format", "FORMAT_UNSPECIFIED") == "FORMAT_UNSPECIFIED":
        raise invalid("repository format is required")
    location = parent.rpartition("/")[2]
    with state.lock:
        if key := body.get("kmsKeyName"):
            cmek.require(state, AGENT, key, _denied(key), location)
        state.store(Agents).make("artifactregistry.googleapis.com", "identity")
        made = REPOSITORIES.add(state, parent, id, {"mode": "STANDARD_REPOSITORY", **body})
        made |= {"createTime": now(state), "updateTime": now(state), "sizeBytes": "0", "satisfiesPzs": False}
        if made["format"] == "DOCKER":
            project = parent.split("/")[1]
            made["registryUri"] = f"{location}-docker.pkg.dev/{project}/{id}"
        scanning = made.get("vulnerabilityScanningConfig", {}).get("enablementConfig", "INHERITED")
        off = scanning == "DISABLED"
        made["vulnerabilityScanningConfig"] = {
            "enablementConfig": scanning,
            "enablementState": "SCANNING_DISABLED" if off else "SCANNING_ACTIVE",
        }
        return operations.started(state, parent, made)


def _denied(key: str) -> GoogleError:
    # The canonical code is what Google documents for a missing grant; its words for this service are not known.
    return GoogleError(
        "PERMISSION_DENIED",
        f"Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource '{key}' (or it may not exist). "
        f"Grant roles/cloudkms.cryptoKeyEncrypterDecrypter to {AGENT}.",
    )


def patch(state: State, request: Request) -> object:
    with state.lock:
        found = REPOSITORIES.get(state, request.names["name"])
        changed = copy.deepcopy(found)
        masked(changed, request.body, argument(request, "updateMask"), FIXED)
        found |= changed | {"updateTime": now(state)}
        for gone in found.keys() - changed.keys():
            del found[gone]
        return copy.deepcopy(found)


def delete(state: State, request: Request) -> object:
    with state.lock:
        name = canonical(request.names["name"])
        REPOSITORIES.remove(state, name)
        state.store(policies.Policies).by_name.pop(f"//artifactregistry.googleapis.com/{name}", None)
        return operations.started(state, name.partition("/repositories/")[0], {})


def _resource(state: State, name: str) -> Document:
    return REPOSITORIES.get(state, name)


_GET, _SET, _TEST = policies.methods("artifactregistry", _resource)
_AT = "projects.locations.repositories"
API = discovery.api(
    "artifactregistry.v1",
    {
        f"{_AT}.create": create,
        f"{_AT}.get": REPOSITORIES.read,
        f"{_AT}.list": REPOSITORIES.listed("repositories"),
        f"{_AT}.patch": patch,
        f"{_AT}.delete": delete,
        f"{_AT}.getIamPolicy": _GET,
        f"{_AT}.setIamPolicy": _SET,
        f"{_AT}.testIamPermissions": _TEST,
        "projects.locations.operations.get": operations.get,
    },
)
