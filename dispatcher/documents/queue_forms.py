"""The two queue forms people bring along: every field is applied, or refused by name with the reason.

`provider_queue` reads `queue_name / provider / agent_image`; `launch_queue` reads `name / resource / config /
priority`, the shape of a W&B Launch queue. Neither names a zone, so the one zone that matches is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dispatcher.documents import (
    launch_azureml,
    launch_sagemaker,
    launch_vertex,
    queue_fields,
    queue_places,
    reading,
)
from dispatcher.documents.reading import Value

if TYPE_CHECKING:
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
    zone = queue_places.zone(place, zones, provider.get("type"), provider.get("region"), found.get("zone"))
    if zone is not None:
        queue["zone"] = zone
    if "instance_type" in provider and zones is not None and zone is not None:
        entry = queue_places.compute(
            queue_fields.field(place, "instance_type"), zones[zone], zone, provider["instance_type"]
        )
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
            "instance_type": queue_fields.instance,
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
    zone = queue_places.zone(
        queue_fields.field(value, "resource"), zones, cloud, found.get("region"), found.get("zone")
    )
    if zone is not None:
        queue["zone"] = zone
    overrides = found.get("config", {})
    place = queue_fields.field(value, "config")
    if cloud == "aws":
        overrides = launch_sagemaker.read(place, overrides, queue, zones)
    elif cloud == "gcp":
        overrides = launch_vertex.read(place, overrides, queue, zones)
    elif cloud == "azure":
        overrides = launch_azureml.read(place, overrides, queue, zones)
    if overrides:
        queue["overrides"] = overrides
    return queue
