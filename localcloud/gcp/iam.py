"""iam.googleapis.com: service accounts, custom roles (whose ids stay taken), and pools of foreign identities."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re

from localcloud.gcp import discovery, policies, pools
from localcloud.gcp.accounts import ServiceAccount, ServiceAccounts
from localcloud.gcp.api import Request
from localcloud.gcp.discovery import argument
from localcloud.gcp.documents import Document, Documents, Kind, masked
from localcloud.gcp.errors import exists, invalid, not_found, precondition
from localcloud.gcp.names import canonical, own
from localcloud.gcp.state import PROJECT, State

ROLES = Kind("iam", "roles", "Role", r"[a-zA-Z0-9_.]{3,64}")
ACCOUNT_ID = re.compile(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])")
PERMISSION = re.compile(r"[a-z][a-zA-Z0-9]*\.[a-zA-Z0-9]+\.[a-zA-Z0-9]+")


def _account(state: State, name: str) -> ServiceAccount:
    own(name.split("/")[1])
    found = state.store(ServiceAccounts).find(name)
    if found is None:
        raise not_found(f"Unknown service account: {name.rpartition('/')[2]}")
    return found


def create_account(state: State, request: Request) -> object:
    own(request.names["name"].partition("/")[2])
    id, fields = str(request.body.get("accountId", "")), dict(request.body.get("serviceAccount") or {})
    if not ACCOUNT_ID.fullmatch(id):
        raise invalid("Account ID must be between 6 and 30 characters, lowercase letters, digits and dashes.")
    with state.lock:
        store = state.store(ServiceAccounts)
        if store.find(f"{id}@{PROJECT}.iam.gserviceaccount.com"):
            raise exists(f"Service account {id} already exists within project projects/{PROJECT}.")
        kept = discovery.writable("iam.v1", "ServiceAccount", fields)
        return copy.deepcopy(
            store.add(id, **{key: kept[key] for key in ("displayName", "description") if key in kept}).document
        )


def get_account(state: State, request: Request) -> object:
    with state.lock:
        return copy.deepcopy(_account(state, request.names["name"]).document)


def list_accounts(state: State, request: Request) -> object:
    own(request.names["name"].partition("/")[2])
    with state.lock:
        found = [copy.deepcopy(one.document) for one in state.store(ServiceAccounts).accounts.values()]
    entries, more = request.page(found, 20, 100)
    return {"accounts": entries, **more}


def patch_account(state: State, request: Request) -> object:
    with state.lock:
        found = _account(state, request.names["name"])
        body = dict(request.body.get("serviceAccount") or {})
        masked(found.document, body, str(request.body.get("updateMask", "displayName,description")))
        return copy.deepcopy(found.document)


def delete_account(state: State, request: Request) -> object:
    with state.lock:
        found = _account(state, request.names["name"])
        del state.store(ServiceAccounts).accounts[found.email]
        store = state.store(policies.Policies)
        store.forget(found.email, found.document["uniqueId"])
        store.by_name.pop(_policy(found.document["name"]), None)
        return {}


def _policy(name: str) -> str:
    return f"//iam.googleapis.com/{name}"


def enable_account(state: State, request: Request) -> object:
    with state.lock:
        _account(state, request.names["name"]).document.pop("disabled", None)
        return {}


def disable_account(state: State, request: Request) -> object:
    with state.lock:
        _account(state, request.names["name"]).document["disabled"] = True
        return {}


def get_account_policy(state: State, request: Request) -> object:
    with state.lock:
        name = _account(state, request.names["resource"]).document["name"]
        return state.store(policies.Policies).get(_policy(name))


def set_account_policy(state: State, request: Request) -> object:
    with state.lock:
        found = _account(state, request.names["resource"])
        kept = state.store(policies.Policies).put(
            _policy(found.document["name"]), request.body.get("policy") or {}
        )
        found.policy, found.granted = kept, state.clock()
        return kept


def create_role(state: State, request: Request) -> object:
    id, role = str(request.body.get("roleId", "")), dict(request.body.get("role") or {})
    with state.lock:
        parent = canonical(request.names["parent"])
        old = state.store(Documents).find("iam", f"{parent}/roles/{id}")
        if old and old.get("deleted"):
            raise precondition(
                f"You can't create a role with role_id ({id}) where there is an existing role with that role_id "
                "in a deleted state."
            )
        if old:
            raise exists(f"A role named {id} in {parent} already exists.")
        _permissions(role)
        kept = {key: role[key] for key in ("title", "description", "includedPermissions", "stage") if key in role}
        return _stamped(ROLES.add(state, parent, id, {"stage": "ALPHA", **kept}))


def _stamped(role: Document) -> Document:
    text = json.dumps({key: value for key, value in role.items() if key != "etag"}, sort_keys=True)
    role["etag"] = base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()
    return copy.deepcopy(role)


def _permissions(role: Document) -> None:
    for one in role.get("includedPermissions", []):
        if not PERMISSION.fullmatch(one):
            raise invalid(f"Permission {one} is not valid.")


def list_roles(state: State, request: Request) -> object:
    deleted, whole = argument(request, "showDeleted").lower() == "true", argument(request, "view") == "FULL"
    with state.lock:
        found = state.store(Documents).under("iam", f"{canonical(request.names['parent'])}/roles")
        shown = [copy.deepcopy(one) for one in found if deleted or not one.get("deleted")]
    for one in shown:
        if not whole:
            one.pop("includedPermissions", None)
    entries, more = request.page(shown, 300, 1000)
    return {"roles": entries, **more}


def patch_role(state: State, request: Request) -> object:
    with state.lock:
        found = ROLES.get(state, request.names["name"])
        if found.get("deleted"):
            raise precondition(f"You can't update the role {found['name']}: it is deleted.")
        _permissions(request.body)
        masked(
            found, request.body, argument(request, "updateMask") or "title,description,includedPermissions,stage"
        )
        return _stamped(found)


def delete_role(state: State, request: Request) -> object:
    with state.lock:
        found = ROLES.get(state, request.names["name"])
        found["deleted"] = True
        return _stamped(found)


def undelete_role(state: State, request: Request) -> object:
    with state.lock:
        found = ROLES.get(state, request.names["name"])
        if not found.pop("deleted", False):
            raise precondition(f"The role {found['name']} is not deleted.")
        return _stamped(found)


_SA, _ROLE = "projects.serviceAccounts", "projects.roles"
API = discovery.api(
    "iam.v1",
    {
        f"{_SA}.create": create_account,
        f"{_SA}.get": get_account,
        f"{_SA}.list": list_accounts,
        f"{_SA}.patch": patch_account,
        f"{_SA}.delete": delete_account,
        f"{_SA}.enable": enable_account,
        f"{_SA}.disable": disable_account,
        f"{_SA}.getIamPolicy": get_account_policy,
        f"{_SA}.setIamPolicy": set_account_policy,
        f"{_SA}.testIamPermissions": policies.methods("iam", _account)[2],
        f"{_ROLE}.create": create_role,
        f"{_ROLE}.get": ROLES.read,
        f"{_ROLE}.list": list_roles,
        f"{_ROLE}.patch": patch_role,
        f"{_ROLE}.delete": delete_role,
        f"{_ROLE}.undelete": undelete_role,
        **pools.METHODS,
    },
)
