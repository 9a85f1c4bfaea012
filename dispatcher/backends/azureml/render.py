"""One portable job becomes two exact bodies, an environment version and a command job: pure, offline, checked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher import limits
from dispatcher.backends import code, environment, labels, merging, rules, runtime, vendor_model
from dispatcher.backends.azureml import command, compute, folders, guards, image, overrides, place, secret
from dispatcher.backends.base import Operation, Request, Submission
from dispatcher.backends.context import Context
from dispatcher.backends.findings import Findings
from dispatcher.placement.selection import choose
from dispatcher.runtime import CODE

if TYPE_CHECKING:
    from dispatcher.contract import AzureZone
    from dispatcher.job import Job
    from dispatcher.placement.catalog import Hardware
    from dispatcher.queue import Queue

ENVIRONMENT = "dispatch"
"""Name of the environment whose versions are the images of jobs."""
ENVIRONMENT_MODEL = Path(__file__).parent / "data" / "environment_version.json"


def render(job: Job, queue: Queue, submission: Submission, context: Context[AzureZone]) -> Request:
    """Build the request. Raises SpecError or PolicyRefusal with everything that is wrong, each with its remedy.

    It has two operations, in the order in which they are sent: the environment version that holds the image, and
    the job. Each has the resource id it is PUT to as its `path`.
    """
    zone, findings = context.zone, Findings()
    hardware = findings.attempt(lambda: choose(job, queue, zone))
    rules.check_limits(job, queue, zone, findings)
    place.check(zone, findings)
    runtime.check(job, "azure", findings)
    raw = overrides.read(queue, findings)
    reference = image.resolve(job.image, zone, regime=context.regime, findings=findings)
    version = environment_id(zone, reference)
    fields: dict[str, Any] = {
        "jobType": "Command",
        "displayName": submission.name,
        "command": "",
        "experimentName": submission.slug,
        "environmentId": version,
        **compute.render(job, queue, hardware, zone, findings),
        "identity": _identity(zone),
        "limits": {"jobLimitsType": "Command", "timeout": f"PT{job.max_runtime}S"},
        "environmentVariables": _environment(job, submission, hardware, zone, findings),
        "inputs": folders.inputs(job, zone, findings),
        "outputs": folders.outputs(job, submission, zone),
        "tags": _tags(job, queue, submission, context, findings),
    }
    if job.resources.nodes > 1:
        fields["distribution"] = {"distributionType": "PyTorch", "processCountPerInstance": 1}
    code.check(job, findings, isolated=zone.controls.network_isolation)
    fields = overrides.apply(fields, raw, job, queue, context, findings)
    fields["command"] = command.render(job, _found_there(job, fields), findings)
    body = {"properties": {name: value for name, value in fields.items() if value != {} or name in raw}}
    _check_model(body, raw, queue, findings)
    findings.settle()
    operations = (
        Operation(place.PUT_ENVIRONMENT, _environment_version(reference), version),
        Operation(place.PUT_JOB, body, place.job_id(zone, submission.name)),
    )
    uploads = code.uploads(job, zone.buckets.data.uri)
    return Request("azure", submission.name, operations, tuple(findings.warnings), uploads=uploads)


def environment_id(zone: AzureZone, reference: str) -> str:
    """Return the resource id of the environment version of an image: the same image is the same version, ever."""
    version = hashlib.sha256(reference.encode()).hexdigest()[:32]
    return f"{place.workspace_id(zone)}/environments/{ENVIRONMENT}/versions/{version}"


def _environment_version(reference: str) -> dict[str, Any]:
    return {"properties": {"image": reference, "osType": "Linux", "isAnonymous": True}}


def _identity(zone: AzureZone) -> dict[str, str]:
    """Return who the job is: the zone's execution identity, which its cluster or its workspace carries."""
    client = zone.identities.execution_client_id
    named = {"clientId": client} if client else {"resourceId": zone.identities.execution}
    return {"identityType": "Managed", **named}


def _found_there(job: Job, fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that only the node knows: where things are mounted, and which node it is."""
    found = {"DISPATCH_OUTPUT_DIR": f"${{{{outputs.{folders.OUTPUT}}}}}"}
    if job.checkpoint:
        found["DISPATCH_CHECKPOINT_DIR"] = f"${{{{outputs.{folders.CHECKPOINTS}}}}}"
    for channel in job.inputs:
        found[environment.input_name(channel)] = f"${{{{inputs.{folders.input_name(channel)}}}}}"
    if job.code is not None:
        found[CODE] = f"${{{{inputs.{folders.input_name(code.INPUT)}}}}}"
    if job.resources.nodes > 1:
        kind = (fields.get("distribution") or {}).get("distributionType", "PyTorch")
        found["DISPATCH_NODE_RANK"] = command.RANK.get(kind, "")
        found |= command.FIRST.get(kind, {})
    return found


def _environment(
    job: Job, submission: Submission, hardware: Hardware | None, zone: AzureZone, findings: Findings
) -> dict[str, str]:
    instance = hardware.instance if hardware else ""
    added = environment.identity(job, submission, cloud="azure", region=zone.region, instance=instance)
    if job.resources.nodes == 1:
        added |= {"DISPATCH_NODE_RANK": "0", "MASTER_ADDR": "127.0.0.1"}
    else:
        del added["MASTER_PORT"]  # of several nodes Azure ML names the first, and its port
    if zone.identities.execution_client_id:
        # Which identity the node's metadata service answers for: azure-identity reads it from here.
        added["AZURE_CLIENT_ID"] = zone.identities.execution_client_id
    added |= code.variables(job, None)
    environment.inputs(dict.fromkeys(job.inputs, ""), findings)  # two inputs that become one name are a problem
    references = {name: secret.resolve(name, text, zone, findings) for name, text in job.secrets.items()}
    example = f"NAME, the secret NAME of the vault {secret.vault(zone)}"
    known = replace(job, secrets=references)
    isolated = zone.controls.network_isolation
    added |= environment.secrets(known, {"azure-kv": example}, isolated=isolated, findings=findings)
    added |= environment.wandb(job, zone, isolated=isolated, findings=findings)
    for name, text in job.env.items():
        command.check(f"env.{name}", text, findings)
    guards.check_job(job, zone, findings)
    return environment.merged(job, added, findings)


def _tags(
    job: Job, queue: Queue, submission: Submission, context: Context[AzureZone], findings: Findings
) -> dict[str, str]:
    labels.check_free(job, findings, "tag")
    if not re.fullmatch(limits.NAME_PATTERN, submission.name):
        rule = f"makes the name {submission.name}, which a job cannot have"
        findings.problem("name", rule, f"a-z, 0-9 and -, at most {limits.SLUG_MAX} characters")
    own = {**labels.own(job, queue, submission, context), "dispatch-name": submission.name}
    return {**job.labels, **{key: tag_value(value) for key, value in own.items()}}


def tag_value(text: str) -> str:
    """Return `text` as a tag may hold it: what Resource Manager refuses in tags as `-`, at most 256 characters."""
    return re.sub(r"[<>%&\\?/\x00-\x1f\x7f]", "-", text)[:256]


_OF_THE_JOB = {
    "displayName": "name",
    "tags": "labels",
    "limits.timeout": "max_runtime",
    "environmentId": "image",
    "command": "command",
    "environmentVariables": "env",
    "inputs": "inputs",
}
"""Field of the request -> key of the job that it was made from."""


def _check_model(body: Mapping[str, Any], raw: Mapping[str, Any], queue: Queue, findings: Findings) -> None:
    for wrong in vendor_model.load(overrides.MODEL).check(body):
        path = wrong.path.removeprefix("properties.")
        if merging.touches(raw, path):
            findings.problem(f"overrides.{wrong.path}", wrong.rule, wrong.remedy, source=f"queue {queue.name}")
            continue
        field = next((field for field in _OF_THE_JOB if path.startswith(field)), None)
        shown = _OF_THE_JOB[field] + path.removeprefix(field) if field else path
        findings.problem(shown, wrong.rule, wrong.remedy)
