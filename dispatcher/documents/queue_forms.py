"""The two queue forms people bring along: every field is applied, or refused by name with the reason.

`provider_queue` reads `queue_name / provider / agent_image`; `launch_queue` reads `name / resource / config /
priority`, the shape of a W&B Launch queue. Neither names a zone, so the one zone that matches is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dispatcher.documents import queue_fields, reading
from dispatcher.documents.document import Fields, Node
from dispatcher.documents.reading import Value

if TYPE_CHECKING:
    from dispatcher.contract import Compute, Zone
    from dispatcher.documents.queue_fields import Zones

_CLOUDS = {"aws": "aws", "gcp": "gcp", "azure": "azure"}
_RESOURCES = {
    "sagemaker": "aws",
    "vertex": "gcp",
    "vertex-ai": "gcp",
    "gcp-vertex": "gcp",
    "azure-ml": "azure",
    "azureml": "azure",
}
_NO_RESOURCE = {
    "local-container": "use the built-in queue: -q local",
    "local-process": "use the built-in queue: -q local",
    "kubernetes": "there is no Kubernetes zone",
}


def provider_queue(value: Value, zones: Zones | None) -> dict[str, Any]:
    """Read `{queue_name, provider: {type, region, instance_type, min_instances, max_instances}, ...}`."""
    found = reading.table(
        value,
        {"queue_name": queue_fields.name, "zone": queue_fields.word, "provider": _provider},
        required=("queue_name", "provider"),
        elsewhere={"agent_image": "no agent runs on the workers: the cloud starts the job's own image"},
    )
    provider = found.pop("provider", {})
    queue: dict[str, Any] = {"name": found["queue_name"]} if "queue_name" in found else {}
    if "max_instances" in provider:
        queue["max_nodes"] = provider["max_instances"]
    if "min_instances" in provider:
        queue["min_warm"] = provider["min_instances"]
    place = queue_fields.field(value, "provider")
    zone = _zone(place, zones, provider.get("type"), provider.get("region"), found.get("zone"))
    if zone is not None:
        queue["zone"] = zone
    if "instance_type" in provider and zones is not None and zone is not None:
        entry = _compute(queue_fields.field(place, "instance_type"), zones[zone], zone, provider["instance_type"])
        if entry is not None:
            queue["hardware"] = entry.name
    if provider.get("min_instances", 0) > provider.get("max_instances", 10_000):
        queue_fields.field(place, "min_instances").wrong("is more than max_instances")
    return queue


def _provider(value: Value) -> dict[str, Any] | None:
    return reading.table(
        value,
        {
            "type": reading.choice(_CLOUDS, {"kubernetes": "there is no Kubernetes zone"}),
            "region": queue_fields.word,
            "instance_type": queue_fields.word,
            "min_instances": reading.integer(0, 100),
            "max_instances": queue_fields.count,
        },
        required=("type",),
        elsewhere={
            "ami": "training jobs run on the cloud's own machine images: build what you need into the image"
        },
    )


def launch_queue(value: Value, zones: Zones | None) -> dict[str, Any]:
    """Read `{name, resource, config, priority}`; `config` becomes overrides but for what a queue says itself."""
    found = reading.table(
        value,
        {
            "name": queue_fields.name,
            "resource": reading.choice(_RESOURCES, _NO_RESOURCE),
            "config": queue_fields.raw,
            "priority": queue_fields.priority,
            "zone": queue_fields.word,
            "region": queue_fields.word,
        },
        required=("name", "resource"),
    )
    queue: dict[str, Any] = {key: found[key] for key in ("name", "priority") if key in found}
    cloud = found.get("resource")
    zone = _zone(queue_fields.field(value, "resource"), zones, cloud, found.get("region"), found.get("zone"))
    if zone is not None:
        queue["zone"] = zone
    overrides = found.get("config", {})
    place = queue_fields.field(value, "config")
    if cloud == "aws":
        _from_sagemaker(place, overrides, queue, zones)
    elif cloud == "gcp":
        _from_vertex(place, overrides, queue, zones)
    if overrides:
        queue["overrides"] = overrides
    return queue


def _from_sagemaker(value: Value, config: dict[str, Any], queue: dict[str, Any], zones: Zones | None) -> None:
    """Take out of a CreateTrainingJob fragment what the queue, the job or the zone decides."""
    resources = config.get("ResourceConfig")
    if isinstance(resources, dict):
        instance, nodes = resources.pop("InstanceType", None), resources.pop("InstanceCount", None)
        place = _below(value, "ResourceConfig")
        if isinstance(instance, str):
            _hardware(_below(place, "InstanceType"), queue, zones, instance)
        if nodes is not None:
            read = reading.integer(1, 100)(_below(place, "InstanceCount"))
            queue.update({"nodes": read} if read else {})
        if not resources:
            del config["ResourceConfig"]
    stopping = config.get("StoppingCondition")
    if isinstance(stopping, dict) and "MaxRuntimeInSeconds" in stopping:
        del stopping["MaxRuntimeInSeconds"]
        seconds = reading.duration(1, 28 * 86_400)(
            _below(_below(value, "StoppingCondition"), "MaxRuntimeInSeconds")
        )
        queue.update({"max_runtime": seconds} if seconds else {})
        if not stopping:
            del config["StoppingCondition"]
    for key, reason in (
        ("RoleArn", "the zone's execution identity is used: identities.execution of its contract"),
        ("VpcConfig", "the zone's network is used: network.ids of its contract"),
        ("EnableManagedSpotTraining", "a job says spot: true; a queue says spot: required"),
        ("CheckpointConfig", "a job says checkpoint: true; the zone's checkpoint bucket is used"),
    ):
        if key in config:
            _below(value, key).wrong("is not taken from a queue", reason)
    if "MaxWaitTimeInSeconds" in config:
        rule = "is not a field of CreateTrainingJob: it belongs into StoppingCondition"
        _below(value, "MaxWaitTimeInSeconds").wrong(rule, "a spot job says max_wait")


def _from_vertex(value: Value, config: dict[str, Any], queue: dict[str, Any], zones: Zones | None) -> None:
    """Take the machine type out of a Vertex fragment; what stays is for the Vertex backend to judge."""
    spec = config.get("spec")
    pools = spec.get("worker_pool_specs") if isinstance(spec, dict) else None
    first = pools[0] if isinstance(pools, list) and pools and isinstance(pools[0], dict) else {}
    machine = first.get("machine_spec", {}) if isinstance(first.get("machine_spec", {}), dict) else {}
    if isinstance(machine.get("machine_type"), str):
        _hardware(_below(value, "spec"), queue, zones, machine["machine_type"])


def _hardware(value: Value, queue: dict[str, Any], zones: Zones | None, instance: str) -> None:
    zone = queue.get("zone")
    if zones is not None and zone is not None:
        entry = _compute(value, zones[zone], zone, instance)
        if entry is not None:
            queue["hardware"] = entry.name


def _below(value: Value, key: str) -> Value:
    node: Node | None = value.node.fields.get(key) if isinstance(value.node, Fields) else None
    return value.at(key, node or value.node)


def _zone(
    value: Value, zones: Zones | None, cloud: str | None, region: str | None, named: str | None
) -> str | None:
    """The zone a queue means: the one it names, else the only one of its cloud (and region)."""
    if zones is None or cloud is None:
        return named or cloud
    if named is not None:
        if named not in zones:
            value.wrong(f"zone {named} is not in the stack", reading.did_you_mean(named, list(zones)))
            return None
        return named
    fitting = [name for name, zone in zones.items() if zone.cloud == cloud and region in (None, zone.region)]
    if len(fitting) == 1:
        return fitting[0]
    where = f"{cloud} {region}" if region else cloud
    if fitting:
        value.wrong(f"{len(fitting)} zones are on {where}", f"add `zone:` with one of {', '.join(fitting)}")
    else:
        have = ", ".join(f"{name} ({zone.cloud} {zone.region})" for name, zone in zones.items()) or "none"
        value.wrong(f"no zone of the stack is on {where}", f"zones: {have}")
    return None


def _compute(value: Value, zone: Zone, name: str, instance: str) -> Compute | None:
    """The compute entry of a zone with this instance type; SageMaker's `ml.` may be left out."""
    for entry in zone.compute:
        if entry.instance in (instance, f"ml.{instance}"):
            return entry
    have = ", ".join(f"{entry.name} ({entry.instance})" for entry in zone.compute) or "none"
    value.wrong(
        f"zone {name} has no compute of type {instance}",
        f"add it to the zone's compute, or leave it out and let the job's resources choose; it has {have}",
    )
    return None
