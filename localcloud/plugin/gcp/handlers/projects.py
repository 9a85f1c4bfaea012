"""What a project has: enabled services, service agents, and custom roles whose ids come back from the dead."""

from __future__ import annotations

from urllib.parse import quote

from localcloud.plugin.gcp.rest import allowed, rest
from localcloud.plugin.gcp.session import ApiError, Gcp
from localcloud.plugin.handling import Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

USAGE = "https://serviceusage.googleapis.com/v1/"
IAM = "https://iam.googleapis.com/v1/"


def _usage(gcp: Gcp) -> str:
    """The provider's Go client puts its own version behind the host (RemoveBasePathVersion)."""
    base = gcp.base("service_usage_custom_endpoint", USAGE)
    return base.removesuffix("v1beta1/").removesuffix("v1/") + "v1/"


def _project(gcp: Gcp, known: Properties) -> str:
    return str(known.get("project") or gcp.project)


def enable(gcp: Gcp, inputs: Properties) -> str:
    project, base = _project(gcp, inputs), _usage(gcp)
    answer = gcp.call("POST", f"{base}projects/{project}/services/{inputs['service']}:enable", {})
    gcp.finished(base, answer, "Service")
    return f"{project}/{inputs['service']}"


def read_service(gcp: Gcp, id: str, known: Properties) -> Properties | None:
    project, _, service = id.partition("/")
    found = gcp.call("GET", f"{_usage(gcp)}projects/{project}/services/{service}")
    return {"service": service, "project": project} if found["state"] == "ENABLED" else None


def update_service(gcp: Gcp, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    return None  # what can change is the provider's own


def disable(gcp: Gcp, id: str, state: Properties) -> None:
    """Left enabled unless disable_on_destroy says otherwise; the provider's default since 6.0."""
    if not allowed("ProjectService", state) or not state.get("disableOnDestroy"):
        return
    base = _usage(gcp)
    url = f"{base}projects/{_project(gcp, state)}/services/{state['service']}:disable"
    body = {"disableDependentServices": bool(state.get("disableDependentServices"))}
    gcp.finished(base, gcp.call("POST", url, body), "Service")


def identify(gcp: Gcp, inputs: Properties) -> str:
    """Makes the service agent; the answer is the only place its address is ever told."""
    base = gcp.base("service_usage_custom_endpoint", rest()["google_project_service_identity"]["base"])
    name = f"projects/{_project(gcp, inputs)}/services/{inputs['service']}"
    IDENTITIES[base + name] = gcp.finished(
        base, gcp.call("POST", f"{base}{name}:generateServiceIdentity"), "identity"
    )
    return name


IDENTITIES: dict[str, Properties] = {}  # between creation and the read that follows it


def read_identity(gcp: Gcp, id: str, known: Properties) -> Properties | None:
    base = gcp.base("service_usage_custom_endpoint", rest()["google_project_service_identity"]["base"])
    made = IDENTITIES.pop(base + id, {})
    email = made.get("email") or known.get("email") or ""
    parts = id.split("/")
    if len(parts) != 4:
        raise ProviderError("google_project_service_identity cannot be imported")
    found: Properties = {"project": parts[1], "service": parts[3], "email": email or None}
    return found | {"member": f"serviceAccount:{email}" if email else None}


def nothing(gcp: Gcp, id: str, state: Properties) -> None:
    return None  # no API takes an identity away


def _role(gcp: Gcp, id: str) -> str:
    return gcp.base("iam_custom_endpoint", IAM) + id


def create_role(gcp: Gcp, inputs: Properties) -> str:
    """A role that was deleted not long ago is undeleted and changed, as the provider does it."""
    project = _project(gcp, inputs)
    id = f"projects/{project}/roles/{inputs['roleId']}"
    old = gcp.found(_role(gcp, id))
    if old is not None and old.get("deleted"):
        gcp.call("POST", _role(gcp, id) + ":undelete", {})
        _change_role(gcp, id, inputs)
    elif old is not None:
        raise ProviderError(f"Custom project role {id} already exists and must be imported")
    else:
        gcp.call(
            "POST",
            _role(gcp, f"projects/{project}/roles"),
            {"roleId": inputs["roleId"], "role": _role_body(inputs)},
        )
    return id


def _role_body(inputs: Properties) -> Properties:
    body = {"title": inputs["title"], "includedPermissions": inputs["permissions"]}
    return body | {name: inputs.get(name, "") for name in ("description", "stage")}


def _change_role(gcp: Gcp, id: str, inputs: Properties) -> None:
    mask = quote("title,description,stage,includedPermissions", safe=",")
    gcp.call("PATCH", f"{_role(gcp, id)}?updateMask={mask}", _role_body(inputs))


def read_role(gcp: Gcp, id: str, known: Properties) -> Properties | None:
    found = gcp.found(_role(gcp, id))
    if found is None or found.get("deleted"):
        return None
    return {
        "project": id.split("/")[1],
        "roleId": id.rpartition("/")[2],
        "name": found["name"],
        "title": found.get("title", ""),
        "description": found.get("description", ""),
        "permissions": found.get("includedPermissions", []),
        "stage": found.get("stage", ""),
        "deleted": False,
    }


def update_role(gcp: Gcp, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    if names - {"deletionPolicy"}:
        _change_role(gcp, id, new)


def delete_role(gcp: Gcp, id: str, state: Properties) -> None:
    if not allowed("ProjectIAMCustomRole", state):
        return
    try:
        gcp.call("DELETE", _role(gcp, id))
    except ApiError as error:
        if error.status != 404:
            raise


RESOURCES = {
    "gcp:projects/service:Service": Resource("Service", enable, read_service, update_service, disable),
    "gcp:projects/serviceIdentity:ServiceIdentity": Resource(
        "Service Identity", identify, read_identity, update_service, nothing
    ),
    "gcp:projects/iAMCustomRole:IAMCustomRole": Resource(
        "Custom Project Role", create_role, read_role, update_role, delete_role
    ),
}
