"""A queue's raw fields of a job: merged last and deep, except where the dispatcher or the zone decides.

They are written as Azure ML's API has them, below `properties`; `shm_size`, as its own command line spells it, is
read as `shmSize`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher.backends import merging, vendor_model
from dispatcher.backends.azureml import compute, folders, guards, place

if TYPE_CHECKING:
    from dispatcher.backends.context import Context
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import AzureZone
    from dispatcher.job import Job
    from dispatcher.queue import Queue

MODEL = Path(__file__).parent / "data" / "command_job.json"

_DECIDED = {
    "jobType": "a submission is one command job",
    "displayName": "the dispatcher names jobs; a name is used once, ever",
    "isArchived": "a job is not archived before it ran",
    "command": "set `command` in the job",
    "environmentId": "set `image` in the job",
    "codeId": "a job brings its own image with the program in it",
    "componentId": "a job brings its own image and command",
    "identity": "it is the zone's execution identity; use a queue of another zone",
    "limits": "set `max_runtime` in the job or queue",
    "resources.instanceCount": "set resources.nodes in the job",
}
"""Fields an override may not touch -> what to do instead. The reasons are rules, so a queue cannot undo them."""
_WHOLE = (
    "computeId", "resources", "outputs", "inputs", "tags", "environmentVariables", "distribution", "queueSettings"
)  # fmt: skip
_SINCE = {"resources.dockerArgsList": "2025-12-01"}
"""Fields that older versions of the API do not have -> the version they came with."""


def read(queue: Queue, findings: Findings) -> dict[str, Any]:
    """Return what the queue sets below `properties`, in the API's spelling; what the model does not know stays.

    Overrides of the wrong form are a problem and cannot be merged: then nothing is returned.
    """
    model = vendor_model.load(MODEL)
    spelled: dict[str, Any] = model.spelled(queue.overrides, _camel)
    source = f"queue {queue.name}"
    misplaced = [key for key in spelled if key != "properties"]
    for key in misplaced:
        findings.problem(f"overrides.{key}", "stands beside `properties`", "write it below it", source=source)
    shapeless = [wrong for wrong in model.check(_without_nulls(spelled)) if wrong.container]
    for wrong in shapeless:
        findings.problem(f"overrides.{wrong.path}", wrong.rule, wrong.remedy, source=source)
    fields = spelled.get("properties", {})
    if fields is None:
        findings.refuse("overrides", f"{source} removes properties", "name the fields in it that you mean")
    return {} if shapeless or misplaced or fields is None else fields


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda letter: letter[1].upper(), name)


def apply(
    fields: Mapping[str, Any],
    raw: Mapping[str, Any],
    job: Job,
    queue: Queue,
    context: Context[AzureZone],
    findings: Findings,
) -> dict[str, Any]:
    """Return the job's fields with the queue's overrides: objects merge, null removes, the rest replaces."""
    zone = context.zone
    source, before = f"queue {queue.name}", len(findings.refusals)
    for path, value in merging.leaves(raw):
        field = re.sub(r"\[\d+\]", "", path)
        _check(field, value, fields, source, zone, findings)
        guards.check_override(field, value, source, zone, context.regime, findings)
    for name in _WHOLE:
        if raw.get(name, name) is None:
            findings.refuse("overrides", f"{source} removes {name}", "name the fields in it that you mean")
    if len(findings.refusals) > before:
        return dict(fields)  # refused for what they are; what the model would say of them as well is no help
    merged = merging.merge(fields, raw)
    _check_tier(merged, job, source, zone, findings)
    _check_distribution(merged, job, source, findings)
    return merged


def _check(
    field: str, value: object, fields: Mapping[str, Any], source: str, zone: AzureZone, findings: Findings
) -> None:
    decided = next((name for name in _DECIDED if field == name or field.startswith(f"{name}.")), None)
    top, _, rest = field.partition(".")
    name = rest.partition(".")[0]
    if decided:
        findings.refuse("overrides", f"{source} overrides {decided}", _DECIDED[decided])
    elif field == "computeId" and value is not None:
        _check_compute(str(value), fields, source, zone, findings)
    elif field == "resources.instanceType":
        own = fields["resources"].get("instanceType", "none: a cluster has its own")
        if own.lower() != str(value).lower():
            what = f"{source} asks for {value}, and the size of this job is {own}"
            findings.refuse("VM size", what, "set `hardware` of the queue, or resources.instance in the job")
    elif top == "environmentVariables" and (
        name.startswith("DISPATCH_") or name in ("MASTER_ADDR", "MASTER_PORT")
    ):
        findings.refuse("overrides", f"{source} overrides {name}", "the dispatcher sets this name itself")
    elif top in ("tags", "outputs", "inputs") and name in fields.get(top, {}):
        findings.refuse("overrides", f"{source} overrides {field}", "the dispatcher or the job sets this itself")
    elif field in _SINCE and place.cloud(zone).api_version < _SINCE[field]:
        findings.refuse(
            "API version",
            f"{source} sets {field}, which came with {_SINCE[field]}; {zone.azure_cloud} has "
            f"{place.cloud(zone).api_version}",
            "drop it from the overrides",
        )
    elif top == "outputs" and field.endswith(".uri") and folders.of_zone(str(value), zone) is None:
        known = ", ".join(place.buckets(zone))
        findings.refuse(
            "buckets",
            f"{source} sends {field} outside the zone",
            f"azureml://datastores/NAME/paths/..., of {known}",
        )
    elif isinstance(value, str) and (found := place.ID.match(value)) and not place.own(found, zone):
        findings.refuse(
            "workspace",
            f"{source} names something of workspace {found['workspace']}: {field}",
            place.another(zone),
        )


def _check_compute(
    value: str, fields: Mapping[str, Any], source: str, zone: AzureZone, findings: Findings
) -> None:
    found = place.ID.fullmatch(value)
    name = (found["compute"] if found else None) or value
    if found and not place.own(found, zone):
        findings.refuse(
            "workspace",
            f"{source} sends jobs to a cluster of workspace {found['workspace']}",
            place.another(zone),
        )
    elif not compute.NAME.fullmatch(name):
        findings.refuse(
            "compute name",
            f"{source} names the cluster {name}",
            "a cluster has 3 to 24 letters, digits and -, a letter first, not ending in - and a number",
        )
    elif fields.get("computeId") != compute.cluster_id(zone, name):
        known = ", ".join(entry.name for entry in zone.compute) or "none"
        remedy = f"set `hardware` of the queue to one of its compute entries ({known}), or leave computeId out"
        findings.refuse("compute", f"{source} sends jobs to the cluster {name}", remedy)


def _check_tier(fields: Mapping[str, Any], job: Job, source: str, zone: AzureZone, findings: Findings) -> None:
    tier = (fields.get("queueSettings") or {}).get("jobTier")
    own = "Spot" if job.spot else "Standard"
    if tier == (own if place.serverless(zone) else None):
        return
    if tier is None:
        findings.refuse("job tier", f"{source} removes it", f"leave it: this job is {own}")
    elif not place.serverless(zone):
        what = f"{source} asks for tier {tier}, and jobs of this zone run on clusters, which have their own"
        findings.refuse("job tier", what, "drop queueSettings from the overrides")
    elif tier not in compute.limits()["tiers"]:
        what = f"{source} asks for tier {tier}, which serverless jobs do not have"
        findings.refuse("job tier", what, "drop it: a job is Standard, or Spot when it says spot: true")
    elif tier == "Spot":
        findings.refuse("job tier", f"{source} makes every job a spot job", "set spot: required on the queue")
    else:
        findings.refuse(
            "job tier",
            f"the job is a spot job and {source} asks for {tier}",
            "set spot: false, or use another queue",
        )


def _check_distribution(fields: Mapping[str, Any], job: Job, source: str, findings: Findings) -> None:
    found = fields.get("distribution")
    if not isinstance(found, Mapping):
        return
    if job.resources.nodes == 1:
        findings.warn(f"{source} says a distribution, which a job of one node does not have")
    if found.get("distributionType") == "TensorFlow":
        findings.refuse(
            "distribution",
            f"{source} asks for TensorFlow's workers and parameter servers",
            "a submission has one kind of node: use PyTorch or Mpi, and start what you need in the command",
        )
    elif found.get("distributionType") == "Mpi":
        _check_mpi(job, findings)
    if found.get("processCountPerInstance", 1) != 1:
        count = found["processCountPerInstance"]
        findings.refuse(
            "processes per node",
            f"{source} starts the command {count} times on every node",
            "one process a node, as on every cloud: start the others in the command, such as with torchrun",
        )


def _check_mpi(job: Job, findings: Findings) -> None:
    known, nodes = compute.limits(), job.resources.nodes
    if nodes > known["mpi_nodes_increased"]:
        what = (
            f"the job wants {nodes} nodes, Azure ML allows {known['mpi_nodes_increased']} in a run of MPI at most"
        )
        findings.refuse("MPI nodes", what, "ask for fewer nodes, or drop Mpi from the overrides")
    elif nodes > known["mpi_nodes"]:
        findings.warn(
            f"{nodes} nodes: Azure ML allows {known['mpi_nodes']} in a run of MPI unless it was asked for more"
        )
