"""A W&B Launch queue for SageMaker: what the queue, the job or the zone decides is taken out of its config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dispatcher.documents import queue_places, reading
from dispatcher.documents.queue_places import below
from dispatcher.documents.reading import Value

if TYPE_CHECKING:
    from dispatcher.documents.queue_fields import Zones

_DECIDED = (
    ("RoleArn", "the zone's execution identity is used: identities.execution of its contract"),
    ("VpcConfig", "the zone's network is used: network.ids of its contract"),
    ("EnableManagedSpotTraining", "a job says spot: true; a queue says spot: required"),
    ("CheckpointConfig", "a job says checkpoint: true; the zone's checkpoint bucket is used"),
)


def read(value: Value, config: dict[str, Any], queue: dict[str, Any], zones: Zones | None) -> dict[str, Any]:
    """Fill `queue` from a CreateTrainingJob fragment; return what is left of it, raw, as overrides."""
    resources = config.get("ResourceConfig")
    if isinstance(resources, dict):
        instance, nodes = resources.pop("InstanceType", None), resources.pop("InstanceCount", None)
        place = below(value, "ResourceConfig")
        if isinstance(instance, str):
            queue_places.hardware(below(place, "InstanceType"), queue, zones, instance)
        if nodes is not None:
            read = reading.integer(1, 100)(below(place, "InstanceCount"))
            queue.update({"nodes": read} if read else {})
        if not resources:
            del config["ResourceConfig"]
    stopping = config.get("StoppingCondition")
    if isinstance(stopping, dict) and "MaxRuntimeInSeconds" in stopping:
        del stopping["MaxRuntimeInSeconds"]
        seconds = reading.duration(1, 28 * 86_400)(below(below(value, "StoppingCondition"), "MaxRuntimeInSeconds"))
        queue.update({"max_runtime": seconds} if seconds else {})
        if not stopping:
            del config["StoppingCondition"]
    for key, reason in _DECIDED:
        if key in config:
            below(value, key).wrong("is not taken from a queue", reason)
    if "MaxWaitTimeInSeconds" in config:
        rule = "is not a field of CreateTrainingJob: it belongs into StoppingCondition"
        below(value, "MaxWaitTimeInSeconds").wrong(rule, "a spot job says max_wait")
    return config
