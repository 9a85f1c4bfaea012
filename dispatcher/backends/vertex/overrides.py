"""A queue's raw CustomJob fields: merged last and deep, except where the dispatcher or the zone decides.

Both spellings of a field are taken: `jobSpec` as the API has it, `job_spec` as Google's Python clients do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher.backends import merging, vendor_model

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import GcpZone
    from dispatcher.queue import Queue

MODEL = Path(__file__).parent / "data" / "custom_job.json"

_POOLS = "jobSpec.workerPoolSpecs"
_MACHINE = f"{_POOLS}.machineSpec"
_DECIDED = {
    "displayName": "the dispatcher names jobs; a name is used once, ever",
    "encryptionSpec": "it is the zone's data key",
    "jobSpec.serviceAccount": "it is the zone's execution identity; use a queue of another zone",
    "jobSpec.network": "it is the zone's network; use a queue of another zone",
    "jobSpec.reservedIpRanges": "it is the zone's network; use a queue of another zone",
    "jobSpec.pscInterfaceConfig.networkAttachment": "it is the zone's network; use a queue of another zone",
    "jobSpec.scheduling.timeout": "set `max_runtime` in the job or queue",
    f"{_POOLS}.replicaCount": "set resources.nodes in the job",
    f"{_POOLS}.containerSpec.imageUri": "set `image` in the job",
    f"{_POOLS}.containerSpec.command": "set `command` in the job",
    f"{_POOLS}.containerSpec.args": "set `command` in the job",
    f"{_POOLS}.pythonPackageSpec": "a job brings its own image and command",
}
"""Fields an override may not touch -> what to do instead. The reasons are rules, so a queue cannot undo them."""
_WHOLE = (
    "jobSpec",
    "labels",
    _POOLS,
    "jobSpec.scheduling",
    "jobSpec.pscInterfaceConfig",
    "jobSpec.baseOutputDirectory",
)
_IN_POOL = ("machineSpec", "containerSpec", "containerSpec.env")
_HARDWARE = {
    "machineType": "set `hardware` of the queue, or resources.instance in the job",
    "acceleratorType": "set `hardware` of the queue, or resources.gpu_type in the job",
    "acceleratorCount": "set `hardware` of the queue, or resources.gpu in the job",
}
_LOCATED = re.compile(r"projects/[^/]+/(?:locations|regions)/(?P<location>[^/]+)(?:/|$)")


def read(queue: Queue, findings: Findings) -> dict[str, Any]:
    """Return the queue's overrides in the API's own spelling; what is in neither stays, for the model to judge.

    Overrides that are a list where an object belongs, or the like, are a problem and cannot be merged: then
    nothing is returned.
    """
    model = vendor_model.load(MODEL)
    spelled: dict[str, Any] = model.spelled(queue.overrides, _camel)
    shapeless = [wrong for wrong in model.check(_without_nulls(spelled)) if wrong.container]
    for wrong in shapeless:
        findings.problem(f"overrides.{wrong.path}", wrong.rule, wrong.remedy, source=f"queue {queue.name}")
    return {} if shapeless else spelled


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda letter: letter[1].upper(), name)


def output_base(raw: Mapping[str, Any], zone: GcpZone) -> str:
    """Return where the outputs of all jobs of a queue go, each below its own name, without a trailing slash."""
    given = _at(raw, "jobSpec.baseOutputDirectory.outputUriPrefix")
    return given.rstrip("/") if isinstance(given, str) else zone.buckets.output.uri


def touches(raw: Mapping[str, Any], path: str) -> bool:
    """Tell whether the value at `path` of the request came from the queue's overrides."""
    pool = re.match(rf"{re.escape(_POOLS)}\[(\d+)\]\.?(.*)", path)
    if pool is None:
        return merging.touches(raw, path)
    entry = _entry(_at(raw, _POOLS), int(pool[1]))
    env = re.match(r"containerSpec\.env\[", pool[2])
    return bool(entry) and merging.touches(entry, pool[2]) and not env


def apply(
    body: Mapping[str, Any], raw: Mapping[str, Any], queue: Queue, zone: GcpZone, findings: Findings
) -> dict[str, Any]:
    """Return `body` with the queue's overrides: objects merge, null removes, the rest replaces.

    One entry of `workerPoolSpecs` is for every pool, two are for the first node and for the others; variables
    merge by name.
    """
    source, before = f"queue {queue.name}", len(findings.refusals)
    for path, value in merging.leaves(raw):
        _check(re.sub(r"\[\d+\]", "", path), value, body, source, zone, findings)
    for whole in _removed(raw):
        findings.refuse("overrides", f"{source} removes {whole}", "name the fields in it that you mean")
    entries = _at(raw, _POOLS)
    pools: list[Any] = body["jobSpec"]["workerPoolSpecs"]
    if isinstance(entries, list) and len(entries) > 2:
        findings.refuse(
            "worker pools",
            f"{source} describes {len(entries)} worker pools",
            "one submission has one kind of hardware: the first node in one pool, the others in a second",
        )
    if len(findings.refusals) > before:
        return dict(body)  # refused for what they are; what the model would say of them as well is no help
    if isinstance(entries, list) and len(entries) > len(pools):
        findings.warn(f"{source} describes a second worker pool, which a job of one node does not have")
    if not isinstance(entries, list):
        return merging.merge(body, raw)
    rest = {**raw, "jobSpec": {key: value for key, value in raw["jobSpec"].items() if key != "workerPoolSpecs"}}
    merged = merging.merge(body, rest)
    merged["jobSpec"]["workerPoolSpecs"] = [
        merging.merge(pool, entry, _by_name) if isinstance(entry := _entry(entries, index), Mapping) else entry
        for index, pool in enumerate(pools)
    ]
    return merged


def _check(
    field: str, value: object, body: Mapping[str, Any], source: str, zone: GcpZone, findings: Findings
) -> None:
    decided = next((name for name in _DECIDED if field == name or field.startswith(f"{name}.")), None)
    name = field.rpartition(".")[2]
    if decided:
        findings.refuse("overrides", f"{source} overrides {decided}", _DECIDED[decided])
    elif field.startswith(f"{_MACHINE}.") and name in _HARDWARE:
        machine = body["jobSpec"]["workerPoolSpecs"][0].get("machineSpec")
        if machine is not None and machine.get(name) != value:
            have = machine.get(name, "none")
            rule = {"machineType": "machine type", "acceleratorType": "accelerator type"}.get(
                name, "accelerator count"
            )
            what = f"{source} asks for {value}, and {machine['machineType']} of this job has {have}"
            findings.refuse(rule, what, _HARDWARE[name])
    elif field == f"{_POOLS}.containerSpec.env.name" and str(value).startswith("DISPATCH_"):
        findings.refuse("overrides", f"{source} overrides {value}", "the dispatcher sets this name itself")
    elif field.startswith("labels.") and field.removeprefix("labels.") in body["labels"]:
        findings.refuse(
            "overrides", f"{source} overrides {field}", "the dispatcher or the job sets this label itself"
        )
    elif field == "jobSpec.baseOutputDirectory.outputUriPrefix":
        if not f"{value}/".startswith(f"{zone.buckets.output.uri}/"):
            findings.refuse(
                "buckets", f"{source} sends {field} outside the zone", f"stay below {zone.buckets.output.uri}/"
            )
    elif field == "jobSpec.protectedArtifactLocationId" and value != zone.region:
        findings.refuse("location", f"{source} keeps artifacts in {value}", f"the zone is in {zone.region}")
    elif isinstance(value, str) and (found := _LOCATED.match(value)) and found["location"] != zone.region:
        where = found["location"]
        if not where.startswith(f"{zone.region}-"):
            findings.refuse(
                "location", f"{source} names something in {where}: {field}", f"the zone is in {zone.region}"
            )


def _removed(raw: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the overrides remove as a whole, and may not."""
    for path in _WHOLE:
        parent, _, name = path.rpartition(".")
        holder = _at(raw, parent) if parent else raw
        if isinstance(holder, Mapping) and name in holder and holder[name] is None:
            yield path
    for entry in _at(raw, _POOLS) or ():
        for path in _IN_POOL:
            parent, _, name = path.rpartition(".")
            holder = _at(entry, parent) if parent else entry
            if isinstance(holder, Mapping) and name in holder and holder[name] is None:
                yield f"{_POOLS}.{path}"


def _at(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _entry(entries: object, pool: int) -> Any:
    """Return the overrides of one pool: a single entry is for all of them."""
    if not isinstance(entries, list) or not entries:
        return {}
    return entries[pool] if pool < len(entries) else entries[0] if len(entries) == 1 else {}


def _by_name(key: str, before: list[Any], added: list[Any]) -> list[Any]:
    if key != "env" or not all(isinstance(item, Mapping) for item in added):
        return added
    names = {item.get("name") for item in added}
    return [item for item in before if item["name"] not in names] + added
