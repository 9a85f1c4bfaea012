"""Service accounts."""

from __future__ import annotations

from localcloud.plugin.gcp.rest import allowed
from localcloud.plugin.gcp.session import ApiError, Gcp
from localcloud.plugin.handling import Resource
from localcloud.plugin.values import Properties

BASE = "https://iam.googleapis.com/v1/"


def _url(gcp: Gcp, name: str) -> str:
    return gcp.base("iam_custom_endpoint", BASE) + name


def create(gcp: Gcp, inputs: Properties) -> str:
    project = str(inputs.get("project") or gcp.project)
    name = f"projects/{project}/serviceAccounts/{inputs['accountId']}@{project}.iam.gserviceaccount.com"
    account = {key: inputs[key] for key in ("displayName", "description") if inputs.get(key)}
    body = {"accountId": inputs["accountId"], "serviceAccount": account}
    try:
        name = gcp.call("POST", _url(gcp, f"projects/{project}/serviceAccounts"), body)["name"]
    except ApiError as error:
        if error.status != 409 or not inputs.get("createIgnoreAlreadyExists"):
            raise
    if inputs.get("disabled"):
        gcp.call("POST", _url(gcp, f"{name}:disable"), {})
    return name


def read(gcp: Gcp, id: str, known: Properties) -> Properties | None:
    name = id if id.startswith("projects/") else f"projects/{gcp.project}/serviceAccounts/{id.rpartition('/')[2]}"
    found = gcp.found(_url(gcp, name))
    if found is None:
        return None
    email = found["email"]
    return {
        "id": found["name"],
        "name": found["name"],
        "project": found["projectId"],
        "accountId": email.partition("@")[0],
        "email": email,
        "uniqueId": found["uniqueId"],
        "member": f"serviceAccount:{email}",
        "displayName": found.get("displayName", ""),
        "description": found.get("description", ""),
        "disabled": bool(found.get("disabled")),
    }


def update(gcp: Gcp, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    if "disabled" in names:
        gcp.call("POST", _url(gcp, f"{id}:{'disable' if new.get('disabled') else 'enable'}"), {})
    changed = {"displayName": "display_name", "description": "description"}
    wanted = {key: new.get(key, "") for key in changed if key in names}
    if wanted:
        mask = ",".join(changed[key] for key in wanted)
        gcp.call("PATCH", _url(gcp, id), {"serviceAccount": wanted, "updateMask": mask})


def delete(gcp: Gcp, id: str, state: Properties) -> None:
    if not allowed("ServiceAccount", state):
        return
    try:
        gcp.call("DELETE", _url(gcp, id))
    except ApiError as error:
        if error.status != 404:
            raise


RESOURCES = {"gcp:serviceaccount/account:Account": Resource("service account", create, read, update, delete)}
