"""cloudresourcemanager.googleapis.com: the one project and who may do what in it."""

from __future__ import annotations

from localcloud.gcp import discovery, policies
from localcloud.gcp.api import Request
from localcloud.gcp.names import own
from localcloud.gcp.policies import Policies
from localcloud.gcp.state import NUMBER, PROJECT, State

NAME = f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"
CREATED = "2026-01-01T00:00:00.000Z"


def get(state: State, request: Request) -> object:
    own(request.names["projectId"])
    return {
        "projectNumber": NUMBER,
        "projectId": PROJECT,
        "name": PROJECT,
        "lifecycleState": "ACTIVE",
        "createTime": CREATED,
        "labels": {},
    }


def get_policy(state: State, request: Request) -> object:
    own(request.names["resource"])
    with state.lock:
        return state.store(Policies).get(NAME)


def set_policy(state: State, request: Request) -> object:
    """Bindings, and beside them audit configs: written only when the mask names them, as Google's API does."""
    own(request.names["resource"])
    sent = dict(request.body.get("policy") or {})
    mask = str(request.body.get("updateMask") or "bindings,etag,version")
    with state.lock:
        store = state.store(Policies)
        present = store.get(NAME)
        for part in ("bindings", "auditConfigs"):
            if part not in mask.split(","):
                sent[part] = present.get(part, [])
        return store.put(NAME, sent)


_TEST = policies.methods("cloudresourcemanager", lambda state, name: own(name))[2]
API = discovery.api(
    "cloudresourcemanager.v1",
    {
        "projects.get": get,
        "projects.getIamPolicy": get_policy,
        "projects.setIamPolicy": set_policy,
        "projects.testIamPermissions": _TEST,
    },
)
