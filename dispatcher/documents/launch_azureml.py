"""A Launch queue for Azure ML: the fields of a command job, as the API or as `az ml` spells them.

W&B has no runner for Azure ML, so there is no form of theirs to read. What the queue, the job or the zone decides
is applied, corrected with a note, or refused with the reason; the rest are overrides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dispatcher.backends import times
from dispatcher.documents import queue_places, reading
from dispatcher.documents.queue_places import below
from dispatcher.documents.reading import Value

if TYPE_CHECKING:
    from dispatcher.contract import AzureZone
    from dispatcher.documents.queue_fields import Zones

_ZONES: Mapping[str, tuple[Callable[[AzureZone], str], str]] = {
    "subscription": (lambda zone: zone.subscription, "the zone's subscription is used"),
    "subscriptionId": (lambda zone: zone.subscription, "the zone's subscription is used"),
    "resourceGroup": (lambda zone: zone.resource_group, "the zone's resource group is used"),
    "workspace": (lambda zone: zone.workspace, "the zone's workspace is used"),
    "workspaceName": (lambda zone: zone.workspace, "the zone's workspace is used"),
    "location": (lambda zone: zone.region, "the zone's workspace is in its region"),
    "region": (lambda zone: zone.region, "the zone's workspace is in its region"),
}
"""Fields that the zone decides: what it has, and the reason. The zone's own value is no contradiction."""

_REFUSED = {
    "type": "a submission is one command job",
    "jobType": "a submission is one command job",
    "displayName": "the dispatcher names jobs; a name is used once, ever",
    "command": "a job says its command",
    "code": "build the program into the image",
    "codeId": "build the program into the image",
    "environment": "write image: a job runs in an image",
    "environmentId": "write image: a job runs in an image",
    "componentId": "a job brings its own image and command",
    "identity": "the zone's execution identity is used: identities.execution of its contract",
    "inputs": "a job says its inputs",
}
_LOW_PRIORITY = "low-priority clusters were retired on 2026-03-31, and vmPriority has no Spot: set spot: required"
_PRIORITY = ("vmPriority", "tier")
_COMPUTE = re.compile(r"(?:azureml:)?(?P<name>[^/:]+)")


def read(value: Value, config: dict[str, Any], queue: dict[str, Any], zones: Zones | None) -> dict[str, Any]:
    """Fill `queue` from the fields of a job; return what is left as overrides."""
    if isinstance(config.get("properties"), dict) and len(config) == 1:
        value, config = below(value, "properties"), config["properties"]
    left: dict[str, Any] = {}
    for key, given in config.items():
        _field(below(value, key), _camel(key), given, queue, left, zones)
    return {"properties": left} if left else {}


def _field(
    place: Value, name: str, given: Any, queue: dict[str, Any], left: dict[str, Any], zones: Zones | None
) -> None:
    if name in _ZONES:
        _of_the_zone(place, name, given, queue_places.of(queue, zones))
    elif name in _REFUSED:
        place.wrong("is not taken from a queue", _REFUSED[name])
    elif name in _PRIORITY:
        _priority(place, given)
    elif name in ("compute", "computeId"):
        _compute(place, str(given), queue, queue_places.of(queue, zones))
    elif name == "instanceType":
        _size(place, given, queue, zones)
    elif name == "instanceCount":
        _nodes(place, queue)
    elif name in _SECTIONS and isinstance(given, dict):
        for key, inner in given.items():
            known = _SECTIONS[name].get(_camel(key))
            if known is not None:
                known(below(place, key), inner, queue, zones)
            else:
                left.setdefault(name, {})[key] = inner
    else:
        left[name] = given


def _of_the_zone(place: Value, name: str, given: Any, zone: Any) -> None:
    has, reason = _ZONES[name]
    if zone is not None and str(given).lower() != has(zone).lower():
        place.wrong("is not taken from a queue", f"{reason}: {has(zone)}; name another zone for another one")


def _priority(place: Value, given: Any) -> None:
    word = str(given).lower().replace("_", "").replace("-", "")
    if word in ("lowpriority", "spot"):
        place.wrong(f"is {given}, which no cluster has", _LOW_PRIORITY)
    elif word == "dedicated":
        place.note("is left out: the zone's clusters are dedicated")
    else:
        place.wrong(f"is {given}, which Azure ML does not have", "leave it out, or set spot: required")


def _compute(place: Value, given: str, queue: dict[str, Any], zone: Any) -> None:
    from dispatcher.backends.azureml.place import ID, another, own

    if zone is None:
        return
    if (whole := ID.fullmatch(given.removeprefix("azureml:"))) and not own(whole, zone):
        place.wrong(f"is of workspace {whole['workspace']} in group {whole['group']}", another(zone))
        return
    found = _COMPUTE.fullmatch(given)
    name = (whole["compute"] if whole else None) or (found["name"] if found else given)
    names = [entry.name for entry in zone.compute]
    if name == "serverless" and zone.network.mode == "public":
        place.note("is left out: jobs of the zone are serverless")
    elif name == "serverless":
        place.wrong("is not to be had in this zone", "its network is not public: name one of its clusters")
    elif name in names:
        queue["hardware"] = name
    elif len(name) > 24 and "/" not in name:
        place.wrong(f"is {name!r}, which no cluster is called", "a name has at most 24 characters")
    else:
        place.wrong(f"is {name!r}, not a compute of zone {queue['zone']}", reading.did_you_mean(name, names))


def _size(place: Value, given: Any, queue: dict[str, Any], zones: Zones | None) -> None:
    from dispatcher.placement.catalog import current, named

    item = named("azure", str(given))
    if item is None:
        remedy = reading.did_you_mean(str(given), current("azure"))
        place.wrong(f"is {given}, not a VM size of Azure ML", remedy)
    elif item.status == "retired":
        place.wrong(f"is {given}, which is retired", item.reason)
    else:
        queue_places.hardware(place, queue, zones, item.instance)


def _nodes(place: Value, queue: dict[str, Any]) -> None:
    nodes = reading.integer(1, 100)(place)
    queue.update({"nodes": nodes} if nodes else {})


def _timeout(place: Value, given: Any, queue: dict[str, Any], zones: Zones | None) -> None:
    seconds = times.seconds(given) or reading.duration(1, 28 * 86_400)(place)
    queue.update({"max_runtime": seconds} if seconds else {})


def _tier(place: Value, given: Any, queue: dict[str, Any], zones: Zones | None) -> None:
    word = str(given).lower()
    if word == "spot":
        queue["spot"] = "required"
    elif word != "standard":
        place.wrong(f"is {given}, a tier that jobs do not have", "Standard, or Spot, which is spot: required")


def _unsent(place: Value, given: Any, queue: dict[str, Any], zones: Zones | None) -> None:
    place.wrong("is not a field of Azure ML any more", "write priority beside config: the dispatcher orders jobs")


_SECTIONS: Mapping[str, Mapping[str, Callable[[Value, Any, dict[str, Any], Any], None]]] = {
    "resources": {
        "instanceType": _size,
        "instanceCount": lambda place, given, queue, zones: _nodes(place, queue),
    },
    "limits": {"timeout": _timeout, "jobLimitsType": lambda place, given, queue, zones: None},
    "queueSettings": {"jobTier": _tier, "priority": _unsent},
}


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda letter: letter[1].upper(), name)
