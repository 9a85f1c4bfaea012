"""What a fault on demand looks like on Google's side: which code and words it has, by service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.gcp.errors import GoogleError, info
from localcloud.gcp.tokens import unauthenticated
from localcloud.place import NUMBER
from localcloud.server.faults import Fault
from localcloud.server.seen import Seen

# Plain refusals by kind. Source: google/rpc/code.proto and the AIP on errors (193).
_PLAIN: Mapping[str, tuple[str, str]] = {
    "5xx": ("INTERNAL", "Internal error encountered."),
    "missing": ("NOT_FOUND", "Requested entity was not found."),
    "reserved": ("ALREADY_EXISTS", "Requested entity already exists"),
}
_VERBS = {"Create": "create", "Get": "get", "List": "list", "Cancel": "cancel", "Delete": "delete"}


def error(fault: Fault, seen: Seen) -> GoogleError:
    """What the service a call was for would answer."""
    made = _error(fault, seen)
    if fault.kind != "error" and (fault.code or fault.message):
        return GoogleError(fault.code or made.code, fault.message or made.message, details=made.details)
    return made


def _error(fault: Fault, seen: Seen) -> GoogleError:
    if fault.kind == "error":
        return GoogleError(fault.code, fault.message, status=0 if fault.status == 400 else fault.status)
    if fault.kind == "throttle":
        return _throttled(seen)
    if fault.kind == "quota":
        return quota(seen.parameters)
    if fault.kind == "expired":
        return unauthenticated("ACCESS_TOKEN_EXPIRED")
    if fault.kind == "denied":
        return _denied(fault, seen)
    code, message = _PLAIN[fault.kind]
    return GoogleError(code, message)


def _throttled(seen: Seen) -> GoogleError:
    if seen.service == "storage":
        return GoogleError(
            "RESOURCE_EXHAUSTED",
            "The rate of requests is too high. Please reduce the rate, and retry with exponential backoff.",
            reason="rateLimitExceeded",
        )
    host = f"{seen.service}.googleapis.com"
    detail = info("RATE_LIMIT_EXCEEDED", service=host, consumer=f"projects/{NUMBER}")
    return GoogleError(
        "RESOURCE_EXHAUSTED",
        f"Quota exceeded for quota metric 'Requests' and limit 'Requests per minute' of service '{host}' for "
        f"consumer 'project_number:{NUMBER}'.",
        details=[detail],
    )


def quota(job: Mapping[str, Any]) -> GoogleError:
    """The refusal of a custom job that asks for more than the project has, with the metrics' names."""
    metrics = ",".join(metric_names(job))
    return GoogleError(
        "RESOURCE_EXHAUSTED",
        f"The following quota metrics exceed quota limits: {metrics}",
    )


def metric_names(job: Mapping[str, Any]) -> list[str]:
    """The quota metrics a job counts against: one per accelerator, else one per family of machines."""
    spec = job.get("jobSpec") or {}
    spot = (spec.get("scheduling") or {}).get("strategy") in ("SPOT", 4)
    found = []
    for pool in spec.get("workerPoolSpecs") or []:
        machine = pool.get("machineSpec") or {}
        if not machine:
            continue
        accelerator = machine.get("acceleratorType")
        name = _accelerator(str(accelerator)) if accelerator else _family(str(machine.get("machineType")))
        found.append(f"aiplatform.googleapis.com/custom_model_training_{'preemptible_' * spot}{name}")
    return list(dict.fromkeys(found)) or ["aiplatform.googleapis.com/custom_model_training_cpus"]


def _accelerator(kind: str) -> str:
    # NVIDIA_TESLA_T4 counts as nvidia_t4_gpus, NVIDIA_L4 as nvidia_l4_gpus, TPU_V3 as tpu_v3.
    name = kind.lower().replace("nvidia_tesla_", "nvidia_")
    return name if name.startswith("tpu") else f"{name}_gpus"


def _family(machine: str) -> str:
    family = machine.partition("-")[0]
    return "cpus" if family in ("n1", "e2", "") else f"{family}_cpus"


def _denied(fault: Fault, seen: Seen) -> GoogleError:
    account = str((seen.parameters.get("jobSpec") or {}).get("serviceAccount", ""))
    if fault.seconds and seen.operation == "CreateCustomJob":
        return GoogleError("PERMISSION_DENIED", f"You do not have permission to act as service_account: {account}")
    if seen.operation == "GenerateAccessToken":
        permission, resource = "iam.serviceAccounts.getAccessToken", "resource"
    elif seen.service == "storage":
        permission = f"storage.{_thing(seen.operation)}"
        return GoogleError(
            "PERMISSION_DENIED",
            f"testing does not have {permission} access to the Google Cloud Storage resource. Permission "
            f"'{permission}' denied on resource (or it may not exist).",
        )
    else:
        permission = f"{seen.service}.{_thing(seen.operation)}"
        name = seen.parameters.get("name") or seen.parameters.get("parent") or f"projects/{NUMBER}"
        resource = f"resource '//{seen.service}.googleapis.com/{name}'"
    detail = info("IAM_PERMISSION_DENIED", f"{seen.service}.googleapis.com", permission=permission)
    return GoogleError(
        "PERMISSION_DENIED",
        f"Permission '{permission}' denied on {resource} (or it may not exist).",
        details=[detail],
    )


def _thing(operation: str) -> str:
    """`customJobs.create` of `CreateCustomJob`; an operation in another form stays as it is."""
    for start, verb in _VERBS.items():
        if operation.startswith(start) and len(operation) > len(start):
            noun = operation.removeprefix(start)
            plural = noun if noun.endswith("s") else noun + "s"
            return f"{plural[0].lower()}{plural[1:]}.{verb}"
    return operation
