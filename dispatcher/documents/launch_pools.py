"""Worker pools of a Vertex AI queue: hardware and nodes are the queue's, what else they say stays raw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dispatcher.documents import queue_fields, queue_places, reading
from dispatcher.documents.document import Items
from dispatcher.documents.queue_places import below
from dispatcher.documents.reading import Value

if TYPE_CHECKING:
    from dispatcher.documents.queue_fields import Zones

MACHINE = ("machine_type", "accelerator_type", "accelerator_count")
_PLACEHOLDER = "${image_uri}"
"""W&B's word for the image of the job, which its runner does not write in by itself."""


def read(value: Value, queue: dict[str, Any], zones: Zones | None) -> list[dict[str, Any]]:
    """Set the hardware, nodes and image of `queue`; return overrides, one entry when all pools say the same."""
    if not isinstance(value.node, Items) or not value.node.items:
        value.wrong("must be a list with at least one worker pool")
        return []
    places = [value.at(index, node) for index, node in enumerate(value.node.items)]
    pools = [queue_fields.raw(place) for place in places]
    full = [(place, pool) for place, pool in zip(places, pools, strict=True) if pool]
    for place, pool in zip(places[2:], pools[2:], strict=True):
        if pool:
            # Parameter servers and evaluators: an empty pool before them does not make them workers.
            place.wrong("is a third worker pool", "one submission has one kind of hardware, in two pools")
    machines = [_machine(below(place, "machine_spec"), pool.pop("machine_spec", {})) for place, pool in full]
    for (place, _), machine in zip(full[1:], machines[1:], strict=True):
        if machine != machines[0]:
            below(place, "machine_spec").wrong(
                "is another machine than the first pool's", "one submission has one kind of hardware"
            )
    if full and machines[0]:
        queue_places.hardware(below(full[0][0], "machine_spec"), queue, zones, machines[0])
    _nodes(full, queue)
    for place, pool in full:
        _container(below(place, "container_spec"), pool, queue)
        if "python_package_spec" in pool:
            below(place, "python_package_spec").wrong("is not taken", "a job brings its own image and command")
    entries = [pool for _, pool in full]
    return [] if not any(entries) else entries[:1] if all(entry == entries[0] for entry in entries) else entries


def _nodes(full: list[tuple[Value, dict[str, Any]]], queue: dict[str, Any]) -> None:
    counts = []
    for place, pool in full:
        if "replica_count" in pool:
            del pool["replica_count"]
            counts.append(reading.integer(1, 100)(below(place, "replica_count")) or 1)
        else:
            counts.append(1)
    if not counts:
        return
    if counts[0] > 1:
        below(full[0][0], "replica_count").note(
            f"is {counts[0]}, and Vertex AI takes one replica in the first pool: it is sent as 1 + "
            f"{sum(counts) - 1} in two pools"
        )
    queue["nodes"] = sum(counts)


def _container(value: Value, pool: dict[str, Any], queue: dict[str, Any]) -> None:
    spec = pool.get("container_spec")
    if not isinstance(spec, dict):
        return
    uri = spec.pop("image_uri", None)
    if uri not in (None, _PLACEHOLDER):
        image = queue_fields.image(below(value, "image_uri"))
        if image is not None and queue.setdefault("image", image) != image:
            below(value, "image_uri").wrong("is another image than the first pool's", "a job has one image")
    for key in ("command", "args"):
        if spec.pop(key, None):
            below(value, key).wrong("is not taken from a queue", "a job says its command")
    if not spec:
        del pool["container_spec"]


def _machine(value: Value, spec: Any) -> str | None:
    """Return the catalog's name of a machine with its accelerators; None after noting what is wrong."""
    from dispatcher.placement.catalog import catalog

    if not isinstance(spec, dict) or not spec:
        return None
    machine, kind, count = (spec.pop(key, None) for key in MACHINE)
    for key in spec:
        below(value, key).wrong("is not taken here", f"known: {', '.join(MACHINE)}; else write it as overrides")
    rows = [row for row in catalog("gcp").values() if machine in (row.machine, row.instance)]
    if not rows:
        known = sorted({row.machine or row.instance for row in catalog("gcp").values()})
        below(value, "machine_type").wrong(
            f"is {machine!r}, not a machine of Vertex AI training", reading.did_you_mean(str(machine), known)
        )
        return None
    if kind is None and count in (None, 0):
        own = [row for row in rows if row.machine is None]
        return own[0].instance if own else None
    kinds = sorted({row.accelerator_type for row in rows if row.accelerator_type})
    if kind is None and len(kinds) == 1:
        kind = kinds[0]
        below(value, "accelerator_count").note(f"has no accelerator_type beside it: {machine} has {kind}")
    if kind not in kinds:
        rule = "is missing" if kind is None else f"is {kind}, which {machine} does not take"
        has = f"{machine} takes {' or '.join(kinds)}" if kinds else f"{machine} takes no accelerator: drop it"
        below(value, "accelerator_type").wrong(rule, has)
        return None
    fitting = [row for row in rows if row.accelerator_type == kind]
    if count is None and len(fitting) == 1:
        count = fitting[0].gpus
        below(value, "accelerator_type").note(f"has no accelerator_count beside it: {machine} has {count}")
    for row in fitting:
        if row.gpus == count:
            return row.instance
    counts = " or ".join(str(row.gpus) for row in fitting)
    rule = "is missing" if count is None else f"is {count}, which {machine} does not take of {kind}"
    below(value, "accelerator_count").wrong(rule, f"{machine} takes {counts}")
    return None
