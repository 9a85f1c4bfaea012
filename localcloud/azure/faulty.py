"""What a fault on demand looks like on Azure's side: which code and words it has, by plane."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.azure.errors import AzureError
from localcloud.azure.state import PERSON, SUBSCRIPTION, State
from localcloud.azure.tokens import expired
from localcloud.server.faults import Fault
from localcloud.server.seen import Seen

_STORAGE = "blob"
# Plain refusals by kind: what Resource Manager says, and Storage. Sources:
# learn.microsoft.com/azure/azure-resource- manager/troubleshooting/common-deployment-errors,
# /rest/api/storageservices/blob-service-error-codes.
_PLAIN: Mapping[str, tuple[tuple[int, str, str], tuple[int, str, str]]] = {
    "5xx": (
        (500, "InternalServerError", "Encountered internal server error."),
        (500, "InternalError", "The server encountered an internal error. Please retry the request."),
    ),
    "missing": (
        (404, "ResourceNotFound", "The Resource was not found."),
        (404, "BlobNotFound", "The specified blob does not exist."),
    ),
    "reserved": (
        (409, "Conflict", "The name is already in use."),
        (409, "ContainerAlreadyExists", "The specified container already exists."),
    ),
}


def error(fault: Fault, seen: Seen) -> AzureError:
    """What the service a call was for would answer."""
    made = _error(fault, seen)
    if fault.kind != "error" and (fault.code or fault.message):
        return AzureError(
            made.status, fault.code or made.code, fault.message or made.message, headers=made.headers
        )
    return made


def _error(fault: Fault, seen: Seen) -> AzureError:
    if fault.kind == "error":
        return AzureError(fault.status, fault.code, fault.message)
    if fault.kind == "throttle":
        return _throttled(seen)
    if fault.kind == "quota":
        return quota(seen)
    if fault.kind == "expired":
        return expired()
    if fault.kind == "denied":
        return _denied(seen)
    manager, storage = _PLAIN[fault.kind]
    return AzureError(*(storage if seen.service == _STORAGE else manager))


def _throttled(seen: Seen) -> AzureError:
    if seen.service == _STORAGE:
        return AzureError(503, "ServerBusy", "The server is busy.")
    return AzureError(
        429,
        "TooManyRequests",
        "The request is being throttled as the limit has been reached for operation type - "
        f"{seen.operation}. For more information, see - https://aka.ms/srpthrottlinglimits",
        headers={"Retry-After": "1"},
    )


def quota(seen: Seen) -> AzureError:
    """The refusal of a job that asks for more cores than the subscription has in its region."""
    resources = (seen.parameters.get("properties") or {}).get("resources") or {}
    size = str(resources.get("instanceType") or "")
    return AzureError(
        400,
        "UserError",
        f"The specified subscription has a {family(size)} vCPU quota of 0 and cannot accommodate for at least 1 "
        "requested managed compute node which maps to 6 vCPUs.",
    )


def family(size: str) -> str:
    """The family a virtual machine size counts against, as far as its name tells (`Standard_NC6s_v3`)."""
    return f"{size} family" if size else "total cluster dedicated regional"


def _denied(seen: Seen) -> AzureError:
    if seen.service == _STORAGE:
        return AzureError(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )
    id = str(seen.parameters.get("id") or f"/subscriptions/{SUBSCRIPTION}")
    return AzureError(
        403,
        "AuthorizationFailed",
        f"The client '{PERSON}' with object id '{PERSON}' does not have authorization to perform action "
        f"'{action(seen)}' over scope '{id}' or the scope is invalid. If access was recently granted, please "
        "refresh "
        "your credentials.",
    )


def action(seen: Seen) -> str:
    """The action of a role that a call needs, such as `Microsoft.MachineLearningServices/.../jobs/write`."""
    from localcloud.azure.arm import ids

    id = str(seen.parameters.get("id") or "")
    target = ids.understand(id) if id else None
    kind = target.kind if target else f"Microsoft.{seen.service}"
    if seen.operation.startswith(("Put", "Patch")):
        return f"{kind}/write"
    if seen.operation.startswith(("Get", "List", "Head")):
        return f"{kind}/read"
    return f"{kind}/delete" if seen.operation.startswith("Delete") else f"{kind}/{seen.operation}/action"


def age(state: State, seen: Seen, now: float) -> float | None:
    """Seconds since the identity of a job was made, or anything was last given to the caller; None without one."""
    from localcloud.azure.arm.authorization import since

    identity = (seen.parameters.get("properties") or {}).get("identity") or {}
    with state.lock:
        started = since(state, str(identity.get("clientId") or seen.parameters.get("client_id") or ""))
    return None if started is None else now - started
