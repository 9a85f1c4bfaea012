"""A W&B Launch queue for Vertex AI: `spec` and `run`, the arguments of Google's CustomJob class and of its run.

W&B says nothing about an argument that stands in the wrong one of the two: it is left out. Here each is taken from
either place, and what the queue, the job or the zone decides is applied, corrected with a note, or refused with
the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dispatcher.documents import launch_pools, queue_places, reading
from dispatcher.documents.queue_places import below
from dispatcher.documents.reading import Value

if TYPE_CHECKING:
    from dispatcher.contract import GcpZone
    from dispatcher.documents.queue_fields import Zones

_WRAPPERS = ("vertex", "gcp-vertex")
"""Keys under which W&B's resource arguments have the two sections."""

_CONSTRUCTOR = frozenset(
    {
        "display_name", "worker_pool_specs", "base_output_dir", "project", "location", "credentials", "labels",
        "encryption_spec_key_name", "staging_bucket", "persistent_resource_id",
    }
)  # fmt: skip
"""Arguments of CustomJob itself (google-cloud-aiplatform 2.7.0); everything else is an argument of its run."""

_RAW: Mapping[str, tuple[str, ...]] = {
    "labels": ("labels",),
    "base_output_dir": ("jobSpec", "baseOutputDirectory", "outputUriPrefix"),
    "persistent_resource_id": ("jobSpec", "persistentResourceId"),
    "restart_job_on_worker_restart": ("jobSpec", "scheduling", "restartJobOnWorkerRestart"),
    "disable_retries": ("jobSpec", "scheduling", "disableRetries"),
    "enable_web_access": ("jobSpec", "enableWebAccess"),
    "enable_dashboard_access": ("jobSpec", "enableDashboardAccess"),
    "experiment": ("jobSpec", "experiment"),
    "experiment_run": ("jobSpec", "experimentRun"),
    "tensorboard": ("jobSpec", "tensorboard"),
}
"""Arguments that are fields of a CustomJob as they are: they become overrides."""

_ZONES: Mapping[str, tuple[Callable[[GcpZone], object], str]] = {
    "service_account": (lambda zone: zone.identities.execution, "the zone's execution identity is used"),
    "network": (lambda zone: zone.network.ids.network, "the zone's network is used"),
    "reserved_ip_ranges": (lambda zone: list(zone.network.ids.reserved_ranges), "the zone's network is used"),
    "psc_interface_config": (
        lambda zone: {"network_attachment": zone.network.ids.network_attachment},
        "the zone's network is used",
    ),
    "encryption_spec_key_name": (lambda zone: zone.keys.data, "the zone's data key is used"),
    "project": (lambda zone: zone.project, "the zone's project is used"),
    "location": (lambda zone: zone.region, "the zone's region is used"),
}
"""Arguments that the zone decides: what it has, and the reason. The zone's own value is no contradiction."""

_REFUSED = {
    "display_name": "the dispatcher names jobs; a name is used once, ever",
    "credentials": "nobody's credentials are written down: the zone's agent identity submits",
}
_LEFT_OUT = {
    "sync": "`dispatch submit` returns when the job is on the cloud, and with --wait when it has ended",
    "create_request_timeout": "the dispatcher bounds its own calls",
}
_STRATEGIES = {"STANDARD": "STANDARD", "SPOT": "SPOT", "FLEX_START": "FLEX_START"}
_OLD = {"ON_DEMAND": "STANDARD", "LOW_COST": "SPOT"}


def read(value: Value, config: dict[str, Any], queue: dict[str, Any], zones: Zones | None) -> dict[str, Any]:
    """Fill `queue` from the two sections; return overrides. Other keys of a config are fields of a CustomJob."""
    for wrapper in _WRAPPERS:
        if isinstance(config.get(wrapper), dict) and len(config) == 1:
            value, config = below(value, wrapper), config[wrapper]
    overrides: dict[str, Any] = {}
    for section in ("spec", "run"):
        given = config.pop(section, None)
        place = below(value, section)
        if given is not None and not isinstance(given, dict):
            place.wrong("must be a mapping of arguments")
        for name in given if isinstance(given, dict) else ():
            _argument(below(place, name), name, section, given[name], queue, overrides, zones)
    for name in config:
        if name in overrides or (name == "job_spec" and "jobSpec" in overrides):
            rule = f"says {name} twice: as a field of the job, and by `spec` or `run`"
            value.wrong(rule, "say it in one place")
    return {**config, **overrides}


def _argument(
    place: Value,
    name: str,
    section: str,
    given: Any,
    queue: dict[str, Any],
    overrides: dict[str, Any],
    zones: Zones | None,
) -> None:
    """Apply one argument, note what becomes of it, or report why it cannot be taken."""
    known = [*_RAW, *_ZONES, *_REFUSED, *_LEFT_OUT, *_OTHERS]
    right = "spec" if name in _CONSTRUCTOR else "run"
    if name in known and section != right and name != "persistent_resource_id":
        place.note(f"belongs into `{right}`: where it stands, W&B leaves it out; here it is read")
    if name in _RAW:
        _set(overrides, _RAW[name], given)
    elif name in _ZONES:
        _of_the_zone(place, name, given, queue_places.of(queue, zones))
    elif name in _REFUSED:
        place.wrong("is not taken from a queue", _REFUSED[name])
    elif name in _LEFT_OUT:
        place.note(f"is left out: {_LEFT_OUT[name]}")
    elif name in _OTHERS:
        _OTHERS[name](place, queue, overrides, zones)
    else:
        place.wrong("is not an argument of CustomJob or of its run", reading.did_you_mean(name, known))


def _of_the_zone(place: Value, name: str, given: Any, zone: Any) -> None:
    has, reason = _ZONES[name]
    if zone is None:
        return
    own = has(zone)
    same = given == own
    if name == "network" and isinstance(given, str) and isinstance(own, str):
        numbered = re.sub(r"projects/[^/]+/", f"projects/{zone.project_number}/", own)
        same = given in (own, numbered)
    if not same:
        place.wrong("is not taken from a queue", f"{reason}: {own}" if own else f"{reason}, and has none of it")


def _staging(place: Value, queue: dict[str, Any], overrides: dict[str, Any], zones: Zones | None) -> None:
    zone: Any = queue_places.of(queue, zones)
    given = (reading.text(place) or "").rstrip("/")
    if zone is None or not given:
        return
    own = {bucket.uri for bucket in (zone.buckets.output, zone.buckets.staging) if bucket is not None}
    if given in own:
        place.note(f"is left out: outputs go to {zone.buckets.output.uri}, and nothing is staged")
    else:
        place.wrong("is not a bucket of the zone", f"drop it: outputs go to {zone.buckets.output.uri}")


def _timeout(place: Value, queue: dict[str, Any], overrides: dict[str, Any], zones: Zones | None) -> None:
    seconds = reading.duration(1, 28 * 86_400)(place)
    queue.update({"max_runtime": seconds} if seconds else {})


def _strategy(place: Value, queue: dict[str, Any], overrides: dict[str, Any], zones: Zones | None) -> None:
    word = reading.choice({**_STRATEGIES, **_OLD})(place)
    if word is None:
        return
    if reading.text(place) in _OLD:
        place.note(f"is deprecated and read as {word}")
    if word == "SPOT":
        queue["spot"] = "required"
    else:
        _set(overrides, ("jobSpec", "scheduling", "strategy"), word)


def _max_wait(place: Value, queue: dict[str, Any], overrides: dict[str, Any], zones: Zones | None) -> None:
    seconds = reading.duration(0, 28 * 86_400)(place)
    if seconds is not None:
        _set(overrides, ("jobSpec", "scheduling", "maxWaitDuration"), f"{seconds}s")


def _pools(place: Value, queue: dict[str, Any], overrides: dict[str, Any], zones: Zones | None) -> None:
    entries = launch_pools.read(place, queue, zones)
    if entries:
        _set(overrides, ("jobSpec", "workerPoolSpecs"), entries)


_OTHERS: Mapping[str, Callable[[Value, dict[str, Any], dict[str, Any], Any], None]] = {
    "worker_pool_specs": _pools,
    "staging_bucket": _staging,
    "timeout": _timeout,
    "scheduling_strategy": _strategy,
    "max_wait_duration": _max_wait,
}


def _set(target: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        target = target.setdefault(key, {})
    target[path[-1]] = value
