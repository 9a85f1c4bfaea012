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


def error(state: State, fault: Fault, seen: Seen) -> AzureError:
    """What the service a call was for would answer."""
    made = _error(state, fault, seen)
    if fault.kind != "error" and (fault.code or fault.message):
        return AzureError(
            made.status, fault.code or made.code, fault.message or made.message, headers=made.headers
        )
    return made


def _error(state: State, fault: Fault, seen: Seen) -> AzureError:
    if fault.kind == "error":
        return AzureError(fault.status, fault.code, fault.message)
    if fault.kind == "throttle":
        return _throttled(seen)
    if fault.kind == "quota":
        return quota(state, seen)
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


def quota(state: State, seen: Seen) -> AzureError:
    """The refusal of a job that asks for more cores than the subscription has of a family."""
    from localcloud.azure.ml.machines import hardware

    properties = seen.parameters.get("properties") or {}
    with state.lock:
        found = hardware(state, properties)
    family = found.family if found else None
    nodes = int((properties.get("resources") or {}).get("instanceCount") or 1)
    cores = (found.vcpu or 0) * nodes if found else nodes
    return AzureError(
        400,
        "UserError",
        f"The specified subscription has a {family or 'total cluster dedicated regional'} vCPU quota of 0 and "
        f"cannot accommodate for at least 1 requested managed compute node which maps to {cores} vCPUs.",
    )


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
        "refresh your credentials.",
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
    if seen.operation.startswith("Delete"):
        return f"{kind}/delete"
    verb = seen.operation.removesuffix(target.operation) if target else seen.operation
    return f"{kind}/{verb[:1].lower()}{verb[1:]}/action"


def age(state: State, seen: Seen, now: float) -> float | None:
    """Seconds since the identity of a job was made, or anything was last given to the caller; None without one."""
    from localcloud.azure.arm.authorization import since

    identity = (seen.parameters.get("properties") or {}).get("identity") or {}
    with state.lock:
        started = since(state, str(identity.get("clientId") or seen.parameters.get("client_id") or ""))
    return None if started is None else now - started
