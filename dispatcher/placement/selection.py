"""The smallest instance type of a zone that fits a job, or the reason why none does."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from dispatcher.errors import PolicyRefusal, Problem, SpecError
from dispatcher.placement.catalog import GpuWish, Hardware, catalog, current, gpu_models, gpu_wish
from dispatcher.placement.catalog import named as by_name

if TYPE_CHECKING:
    from dispatcher.contract import Compute, Zone
    from dispatcher.job import Job, Resources
    from dispatcher.queue import Queue

LOCAL = Hardware(cloud="local", instance="local")


def choose(job: Job, queue: Queue, zone: Zone | None) -> Hardware:
    """Return the hardware of each node of `job` on `zone`; None is this machine and always fits.

    A type that the job names (`resources.instance`) or the queue names (`hardware`) is taken if it is allowed
    and large enough. Otherwise the smallest current type that fits is taken among the zone's allowed types
    (`limits.instance_types`; when empty, every x86 type of the catalog) and its compute entries; where jobs run on
    clusters only, the clusters' types are all there is. Smallest is:
    fewest GPUs, then GPU memory, vCPU, memory; equals are settled by not burstable, current generation, name.
    One whose end is announced comes behind all others.
    Prices play no part. Nothing is ever substituted: raises PolicyRefusal with the nearest candidates when
    nothing fits or a rule of the zone forbids it, SpecError when a name is unknown.
    """
    if zone is None:
        return LOCAL
    wish = job.resources
    if job.resources.nodes > zone.limits.max_nodes:
        raise PolicyRefusal(
            f"limits.max_nodes: the job wants {wish.nodes} nodes, zone allows {zone.limits.max_nodes}",
            "ask for fewer nodes, or raise maxNodes of the zone in the stack",
        )
    gpu = _checked_gpu(wish, zone)
    misfit = _misfit(wish, gpu)
    if named := _named(wish, queue, zone, misfit):
        if problem := misfit(named):
            where = "resources.instance" if wish.instance else f"queue {queue.name}"
            what = f"{where} names {named.describe()}, which does not fit the job: {problem}"
            raise PolicyRefusal(
                f"{_rule(wish, gpu, named)}: {what}",
                _nearest(wish, gpu, _allowed(zone)),
            )
        return dataclasses.replace(named, region=zone.region)
    allowed = _allowed(zone)
    fitting = [item for item in allowed if item.status == "current" and not misfit(item)]
    if not fitting:
        raise PolicyRefusal(
            f"hardware: no instance type that the zone allows fits {_words(wish)}", _nearest(wish, gpu, allowed)
        )
    # A type that is about to end is closed to new customers already: it is taken when there is no other.
    lasting = [item for item in fitting if item.ends is None]
    return dataclasses.replace(min(lasting or fitting, key=_size), region=zone.region)


def surplus(job: Job, hardware: Hardware) -> str | None:
    """A warning when the machine has more GPUs than the job asks for: all of them are paid."""
    wish = job.resources
    asked = wish.gpu or (1 if wish.gpu_type and not wish.instance else 0)
    if not 0 < asked < hardware.gpus:
        return None
    smaller = "" if wish.instance else "; the smallest that fits and that the zone allows"
    return f"{hardware.instance} has {hardware.gpus} GPUs, the job asks for {asked}: all of them are paid{smaller}"


def _size(item: Hardware) -> tuple[float | int | str | bool, ...]:
    return (
        item.gpus,
        item.gpu_memory or 0.0,
        item.vcpu or 0,
        item.memory or 0.0,
        item.burstable,
        item.generation != "current",
        item.instance,
    )


def kinds(zone: Zone) -> list[Hardware]:
    """Return one current type of the zone for every kind of accelerator it allows, and none without any.

    TPUs are of a kind only when they have the same topologies.
    """
    found: dict[tuple[object, ...], Hardware] = {}
    for item in sorted(_allowed(zone), key=_size):
        if item.accelerator != "none" and item.status == "current":
            found.setdefault((item.gpu_model, item.accelerator_type, *item.tpu_topologies), item)
    return list(found.values())


def _allowed(zone: Zone) -> list[Hardware]:
    """Return the zone's types in the catalog's order: its allow-list, or every x86 type, plus compute entries."""
    everything = catalog(zone.cloud)
    if _only_clusters(zone):
        clusters = {entry.instance for entry in zone.compute}
        return [item for name, item in everything.items() if name in clusters]
    names = set(zone.limits.instance_types) or {
        name for name, item in everything.items() if item.architecture == "x86_64"
    }
    names |= {entry.instance for entry in zone.compute}
    return [item for name, item in everything.items() if name in names]


def _only_clusters(zone: Zone) -> bool:
    """Tell whether jobs of a zone run on its compute entries and nothing else, which are clusters then.

    A workspace on a private network has no serverless machines here (docs/azureml.md).
    """
    return zone.cloud == "azure" and zone.network.mode != "public"


def _checked_gpu(wish: Resources, zone: Zone) -> GpuWish | None:
    if wish.gpu_type is None:
        return None
    gpu = gpu_wish(wish.gpu_type)
    known = catalog(zone.cloud).values()
    if any(gpu.matches(item) for item in known):
        return gpu
    models = gpu_models(zone.cloud)
    sizes = sorted({round(i.gpu_memory) for i in known if i.gpu_memory and GpuWish(gpu.model).matches(i)})
    if sizes:
        remedy = f"{gpu.model} comes with {' or '.join(map(str, sizes))} GiB there"
    else:
        close = difflib.get_close_matches(gpu.model, models, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}? " if close else ""
        remedy = f"{hint}known there: {', '.join(models)}"
    raise SpecError(
        [Problem("job", None, "resources.gpu_type", f"{zone.cloud} has no {wish.gpu_type} for training", remedy)]
    )


def _named(wish: Resources, queue: Queue, zone: Zone, misfit: Callable[[Hardware], str]) -> Hardware | None:
    """Return the type that the job or, failing that, the queue names; refuse one that the zone does not allow."""
    if wish.instance is None:
        if queue.hardware is None:
            return None
        entry = _entry(queue, zone)
        if wish.nodes > entry.max:
            raise PolicyRefusal(
                f"compute.{entry.name}.max: the job wants {wish.nodes} nodes, {entry.name} has {entry.max}",
                "ask for fewer nodes, or raise max of the compute entry in the stack",
            )
        return by_name(zone.cloud, entry.instance) or Hardware(zone.cloud, entry.instance, status="unknown")
    item = by_name(zone.cloud, wish.instance)
    if item is None:
        close = difflib.get_close_matches(wish.instance, current(zone.cloud), n=1)
        portable = "leave it out and say resources.gpu, gpu_type, cpu or memory, which are the same on every cloud"
        remedy = f"did you mean {close[0]}?" if close else portable
        rule = f"{wish.instance} is not a training instance type of {zone.cloud}"
        raise SpecError([Problem("job", None, "resources.instance", rule, remedy)])
    if wish.gpu or wish.gpu_type:
        item = _equipped(item, misfit, zone)
    entries = {entry.instance for entry in zone.compute}
    if _only_clusters(zone) and item.instance not in entries:
        raise PolicyRefusal(
            f"compute: {item.instance} is not among the zone's clusters, on which all its jobs run",
            f"they have {', '.join(sorted(entries)) or 'no machines: the zone has no compute entry'}",
        )
    if zone.limits.instance_types and item.instance not in {*zone.limits.instance_types, *entries}:
        raise PolicyRefusal(
            f"limits.instance_types: {item.instance} is not among the zone's types",
            f"allowed there: {', '.join(zone.limits.instance_types)}",
        )
    return item


def _equipped(machine: Hardware, misfit: Callable[[Hardware], str], zone: Zone) -> Hardware:
    """Return the machine with GPUs that fit, of a cloud that attaches them; else the machine itself.

    Those that the zone allows come first, then current ones, then the fewest.
    """
    allowed = {item.instance for item in _allowed(zone)}
    rows = [row for row in catalog(machine.cloud).values() if row.machine == machine.instance]
    fitting = [row for row in rows if not misfit(row)]
    return min(
        fitting,
        key=lambda row: (row.instance not in allowed, row.status != "current", _size(row)),
        default=machine,
    )


def _rule(wish: Resources, gpu: GpuWish | None, named: Hardware) -> str:
    """Say which rule a named type breaks: what its devices are, how many it takes, or its size."""
    devices = [row for row in catalog(named.cloud).values() if named.instance in (row.instance, row.machine)]
    if gpu and not any(gpu.matches(row) for row in devices):
        return "accelerator type"
    if wish.gpu and not gpu and not any(row.accelerator == "gpu" for row in devices):
        return "accelerator type"
    count = wish.gpu or (1 if gpu else 0)
    if count and not any(row.gpus >= count for row in devices if gpu is None or gpu.matches(row)):
        return "accelerator count"
    return "accelerator count" if count and not named.gpus else "hardware"


def _entry(queue: Queue, zone: Zone) -> Compute:
    entries = {entry.name: entry for entry in zone.compute}
    if entry := entries.get(queue.hardware or ""):
        return entry
    rule = f"zone {queue.zone} has no compute entry named {queue.hardware}"
    remedy = f"it has {', '.join(entries)}" if entries else "it has none: leave `hardware` out"
    raise SpecError([Problem(f"queue {queue.name}", None, "hardware", rule, remedy)])


def _misfit(wish: Resources, gpu: GpuWish | None) -> Callable[[Hardware], str]:
    """Return a function that says why a type is too small or other than asked for; an empty text means it fits.

    A size that the catalog does not know counts as too small: a guess is not a fit.
    """

    def why(item: Hardware) -> str:
        count = wish.gpu or (1 if gpu else 0)
        if gpu and not gpu.matches(item):
            return f"its device is {item.gpu_model or 'none'}, not {wish.gpu_type}"
        if not gpu and count and item.accelerator != "gpu":
            return "it has no GPU"
        if item.gpus < count:
            return f"it has {item.gpus} of {count} GPUs"
        if wish.cpu and (item.vcpu is None or item.vcpu < wish.cpu):
            return f"it has {item.vcpu if item.vcpu is not None else 'an unknown number of'} vCPU of {wish.cpu:g}"
        if wish.memory and (item.memory is None or item.memory < wish.memory):
            return f"it has {f'{item.memory:g}' if item.memory is not None else 'unknown'} GiB of {wish.memory:g}"
        if wish.disk and item.cloud == "azure" and item.local_storage_gb is None:
            return "the size of its temporary disk is not known"
        if wish.disk and (room := _only_disks(item)) is not None and room < wish.disk:
            return f"its own disks have {room} GiB of {wish.disk}, and it takes no volume"
        return ""

    return why


def _only_disks(item: Hardware) -> int | None:
    """GiB of the disks that a job has to do with; None where it gets a volume of its size, or nobody knows.

    SageMaker gives a type with its own NVMe disks no volume, and refuses a size above theirs (ResourceConfig,
    VolumeSizeInGB). Azure ML gives no job a volume: it has the temporary disk of its VM. Vertex AI sizes the boot
    disk of every machine.
    """
    if item.cloud == "gcp" or not item.local_storage or item.local_storage_gb is None:
        return None
    return math.ceil(item.local_storage_gb * 10**9 / 2**30)


def _nearest(wish: Resources, gpu: GpuWish | None, allowed: Iterable[Hardware]) -> str:
    """Name up to three allowed types that come closest, each with what it lacks."""
    misfit = _misfit(wish, gpu)

    def distance(item: Hardware) -> tuple[bool, bool, float, tuple[object, ...]]:
        other = not gpu.matches(item) if gpu else bool(wish.gpu) and item.accelerator != "gpu"
        room = _only_disks(item)
        wanted = [(wish.gpu, item.gpus), (wish.cpu, item.vcpu or 0), (wish.memory, item.memory or 0)]
        wanted += [(wish.disk or 0, room)] if room is not None else []
        lack = sum(max(0.0, 1 - have / want) for want, have in wanted if want)
        return (other, item.status != "current", lack, _size(item))

    def line(item: Hardware) -> str:
        if problem := misfit(item):
            return f"{item.describe()}: {problem}"
        if item.status != "current":
            return (
                f"{item.describe()}: it is {item.status} ({item.reason}); resources.instance takes it all the same"
            )
        return f"{item.describe()}: fits, on a queue without `hardware`"

    lines = [line(item) for item in sorted(allowed, key=distance)[:3]]
    return "nearest: " + "; ".join(lines) if lines else "the zone allows no type that the catalog knows"


def _words(wish: Resources) -> str:
    parts = [f"gpu: {wish.gpu}"] if wish.gpu else []
    parts += [f"gpu_type: {wish.gpu_type}"] if wish.gpu_type else []
    parts += [f"cpu: {wish.cpu:g}"] if wish.cpu else []
    parts += [f"memory: {wish.memory:g}Gi"] if wish.memory else []
    parts += [f"disk: {wish.disk}Gi"] if wish.disk else []
    return ", ".join(parts)
