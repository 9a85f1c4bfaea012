"""Data sources: things that are there already, shown as the SDK names their properties; and who is asking."""

from __future__ import annotations

import json
from functools import cache, partial
from typing import Any

from localcloud.plugin.gcp.rest import DATA
from localcloud.plugin.gcp.session import ApiError, Gcp
from localcloud.plugin.handling import Invoke
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

STORAGE = "https://storage.googleapis.com/storage/v1/"
LOGGING = "https://logging.googleapis.com/v2/"
PROJECTS = "https://cloudresourcemanager.googleapis.com/v1/"
USERINFO = "https://openidconnect.googleapis.com/v1/userinfo"


@cache
def table() -> dict[str, Any]:
    """Token -> {of, id, arguments, result}; derived (data/README.md)."""
    found: dict[str, Any] = json.loads((DATA / "lookups.json").read_text())
    return found


def _thing(entry: dict[str, Any], gcp: Gcp, arguments: Properties) -> Properties:
    from localcloud.plugin.gcp.registry import REGISTRY

    given = {name: value for name, value in arguments.items() if value is not None}
    values = {"project": gcp.settings.project, "region": gcp.settings.region, **given}
    if "selfLink" in given:
        values["name"] = str(given["selfLink"]).rpartition("/")[2]
    if "@" not in str(values.get("accountId", "@")):
        values["accountId"] = f"{values['accountId']}@{values['project']}.iam.gserviceaccount.com"
    id = entry["id"].format_map(values)
    found = REGISTRY.resource(entry["of"]).read(gcp, id, {})
    if found is None:
        raise ProviderError(f"{id} not found")
    found.setdefault("id", id)
    if "effectiveLabels" in found:
        found["labels"] = found["pulumiLabels"] = found["effectiveLabels"]  # SetDataSourceLabels
    return {**_shown(entry["result"], found), "id": found["id"], **given}


def _shown(shape: dict[str, Any], found: Properties) -> Properties:
    out: Properties = {}
    for name, entry in shape.items():
        value = found.get(entry.get("from", name))
        inner = entry.get("inner")
        if inner is not None and isinstance(value, dict):
            value = _shown(inner, value)
        elif inner is not None and isinstance(value, list):
            value = [_shown(inner, one) for one in value]
        if entry.get("number") and value is not None:
            value = int(value)
        out[name] = ([] if value is None else [value]) if entry.get("list") else value
    return out


def storage_agent(gcp: Gcp, arguments: Properties) -> Properties:
    """Asking for its address is what makes the agent."""
    project = arguments.get("project") or gcp.project
    url = gcp.base("storage_custom_endpoint", STORAGE) + f"projects/{project}/serviceAccount"
    email = gcp.call("GET", url)["email_address"]
    return {
        "id": email,
        "emailAddress": email,
        "member": f"serviceAccount:{email}",
        "project": project,
        "userProject": arguments.get("userProject"),
    }


def logging_agent(gcp: Gcp, arguments: Properties) -> Properties:
    project = arguments["project"]
    name = f"projects/{project}/cmekSettings"
    found = gcp.call("GET", gcp.base("logging_custom_endpoint", LOGGING) + name)
    return {
        "id": name,
        "project": project,
        "name": found["name"],
        "kmsKeyName": arguments.get("kmsKeyName") or found.get("kmsKeyName", ""),
        "kmsKeyVersionName": found.get("kmsKeyVersionName", ""),
        "serviceAccountId": found["serviceAccountId"],
    }


def project(gcp: Gcp, arguments: Properties) -> Properties:
    id = arguments.get("projectId") or gcp.project
    url = gcp.base("resource_manager_custom_endpoint", PROJECTS) + f"projects/{id}"
    try:
        found = gcp.call("GET", url)
    except ApiError as error:
        raise ProviderError(f"project {id}: {error}") from error
    parent, labels = found.get("parent", {}), found.get("labels", {})
    return {
        "id": f"projects/{id}",
        "projectId": found["projectId"],
        "number": found["projectNumber"],
        "name": found["name"],
        "orgId": parent.get("id", "") if parent.get("type") == "organization" else "",
        "folderId": parent.get("id", "") if parent.get("type") == "folder" else "",
        "billingAccount": "",
        "autoCreateNetwork": True,
        "deletionPolicy": "PREVENT",
        "labels": labels,
        "effectiveLabels": labels,
        "pulumiLabels": labels,
        "tags": {},
    }


def who(gcp: Gcp, arguments: Properties) -> Properties:
    """The e-mail address behind the credentials."""
    email = gcp.call("GET", gcp.base("openid_custom_endpoint", USERINFO))["email"]
    return {"id": email, "email": email}


INVOKES = {
    token: Invoke(frozenset(entry["arguments"]), partial(_thing, entry)) for token, entry in table().items()
} | {
    "gcp:logging/getProjectCmekSettings:getProjectCmekSettings": Invoke(
        frozenset({"project", "kmsKeyName"}), logging_agent
    ),
    "gcp:organizations/getClientOpenIdUserInfo:getClientOpenIdUserInfo": Invoke(frozenset(), who),
    "gcp:organizations/getProject:getProject": Invoke(frozenset({"projectId"}), project),
    "gcp:storage/getProjectServiceAccount:getProjectServiceAccount": Invoke(
        frozenset({"project", "userProject"}), storage_agent
    ),
}
