"""Which zone and which hardware a queue means that names a cloud and a machine instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dispatcher.documents import reading
from dispatcher.documents.document import Fields, Node
from dispatcher.documents.reading import Value

if TYPE_CHECKING:
    from dispatcher.contract import Compute, Zone
    from dispatcher.documents.queue_fields import Zones


def below(value: Value, key: str) -> Value:
    """The value under a key, or the mapping itself under that path, for a problem to point at."""
    node: Node | None = value.node.fields.get(key) if isinstance(value.node, Fields) else None
    return value.at(key, node or value.node)


def zone(
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


def of(queue: dict[str, Any], zones: Zones | None) -> Zone | None:
    """The zone of a queue that is being read, None when it is not known."""
    return zones.get(queue.get("zone", "")) if zones is not None else None


def hardware(value: Value, queue: dict[str, Any], zones: Zones | None, instance: str) -> None:
    """Let the queue use the zone's compute entry of this instance type; a problem when it has none."""
    found = of(queue, zones)
    if found is not None:
        entry = compute(value, found, queue["zone"], instance)
        if entry is not None:
            queue["hardware"] = entry.name


def compute(value: Value, zone: Zone, name: str, instance: str) -> Compute | None:
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
