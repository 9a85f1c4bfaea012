"""A queue's raw provider fields: merged last and deep, except where the dispatcher or the zone decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dispatcher.backends.merging import leaves, merge

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import AwsZone
    from dispatcher.queue import Queue

_DECIDED = {
    "TrainingJobName": "the dispatcher names jobs; a name is used once, ever",
    "RoleArn": "it is the zone's execution identity; use a queue of another zone",
    "VpcConfig": "it is the zone's network; use a queue of another zone",
    "AlgorithmSpecification.TrainingImage": "set `image` in the job",
    "AlgorithmSpecification.AlgorithmName": "set `image` in the job",
    "AlgorithmSpecification.ContainerEntrypoint": "set `command` in the job",
    "AlgorithmSpecification.ContainerArguments": "set `command` in the job",
    "ResourceConfig.InstanceType": "set `hardware` of the queue, or resources.instance in the job",
    "ResourceConfig.InstanceCount": "set resources.nodes in the job",
    "ResourceConfig.InstanceGroups": "one submission has one kind of hardware",
    "ResourceConfig.InstancePreferences": "one submission has one kind of hardware",
    "ResourceConfig.VolumeKmsKeyId": "it is the zone's data key",
    "OutputDataConfig.KmsKeyId": "it is the zone's data key",
    "EnableInterContainerTrafficEncryption": "the zone's policy requires it",
    "EnableManagedSpotTraining": "set `spot` in the job",
    "StoppingCondition.MaxRuntimeInSeconds": "set `max_runtime` in the job or queue",
    "StoppingCondition.MaxWaitTimeInSeconds": "set `max_wait` in the job",
    "RetryStrategy": "set `retries` in the job: the dispatcher makes them, the same on every cloud",
}
"""Fields an override may not touch -> what to do instead. The reasons are rules, so a queue cannot undo them."""


def isolated(zone: AwsZone, queue: Queue) -> bool:
    """Tell whether the container will have no network: the zone says so, or the queue adds it."""
    added: object = queue.overrides.get("EnableNetworkIsolation")
    return zone.controls.network_isolation or added is True


def vpc_registry(queue: Queue) -> bool:
    """Tell whether the queue says that its images come from a registry inside the VPC."""
    value: Any = queue.overrides
    for key in ("AlgorithmSpecification", "TrainingImageConfig", "TrainingRepositoryAccessMode"):
        value = value.get(key) if isinstance(value, Mapping) else None
    return bool(value == "Vpc")


def apply(body: Mapping[str, Any], queue: Queue, zone: AwsZone, findings: Findings) -> dict[str, Any]:
    """Return `body` with the queue's overrides: objects merge, null removes, tags are added, the rest replaces."""
    source, before = f"queue {queue.name}", len(findings.refusals)
    for path, value in leaves(queue.overrides):
        field = path.partition("[")[0]
        decided = next((name for name in _DECIDED if field == name or field.startswith(f"{name}.")), None)
        if decided:
            findings.refuse("overrides", f"{source} overrides {decided}", _DECIDED[decided])
        elif field == "EnableNetworkIsolation" and value is not True and zone.controls.network_isolation:
            findings.refuse("controls.network_isolation", f"{source} switches it off", "drop it from overrides")
        elif field in ("OutputDataConfig.S3OutputPath", "CheckpointConfig.S3Uri"):
            bucket = zone.buckets.output if field.startswith("Output") else zone.buckets.checkpoints
            if not f"{value}/".startswith(f"{bucket.uri}/"):
                findings.refuse("buckets", f"{source} sends {field} outside the zone", f"stay below {bucket.uri}/")
        elif field.startswith("Environment.") and field.removeprefix("Environment.").startswith("DISPATCH_"):
            findings.refuse("overrides", f"{source} overrides {field}", "the dispatcher sets this name itself")
    for whole in {name.partition(".")[0] for name in _DECIDED} | {"CheckpointConfig", "Environment", "Tags"}:
        if whole in queue.overrides and queue.overrides[whole] is None:
            findings.refuse("overrides", f"{source} removes {whole}", "name the fields in it that you mean")
    if len(findings.refusals) > before:
        return dict(body)  # refused for what they are; what the model would say of them as well is no help
    return merge(body, queue.overrides, _append_tags)


def _append_tags(key: str, before: list[Any], added: list[Any]) -> list[Any]:
    return before + added if key == "Tags" else added
