"""A queue file, in the product's own form or in one of the two forms people bring along, read into queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dispatcher import limits, records
from dispatcher.documents import document, quantities, queue_fields, reading
from dispatcher.documents.document import Fields, Items, Node, Scalar
from dispatcher.documents.queue_fields import Zones, field
from dispatcher.documents.queue_forms import launch_queue, provider_queue
from dispatcher.documents.reading import Value
from dispatcher.errors import Problem, SpecError
from dispatcher.queue import Queue

if TYPE_CHECKING:
    from dispatcher.contract import Zone


def parse(
    source: str, data: bytes | str, zones: Zones | None = None, notes: list[str] | None = None
) -> list[Queue]:
    """Read every queue of a file. Raises SpecError with every problem.

    `notes` takes what was read as something else than it says, a line each.

    `zones` are those of the environment by name; None checks the form only. A file holds `queues:` (a list, or
    a mapping by name), a list of queues, or one queue; several documents (`---`) are read one after the other.
    """
    problems: list[Problem] = []
    queues: list[Queue] = []
    lines: dict[str, int | None] = {}
    for node in document.load(source, data):
        for value in _each(Value("", node, problems, [] if notes is None else notes)):
            queue = _queue(value, zones)
            if queue is None:
                continue
            if queue.name in lines:
                value.wrong(f"queue {queue.name} is defined twice", f"first on line {lines[queue.name]}")
            lines.setdefault(queue.name, value.node.line)
            queues.append(queue)
    if problems:
        raise SpecError(problems)
    return queues


def _each(value: Value) -> list[Value]:
    """The queues of one document, each with its path."""
    node = value.node
    if isinstance(node, Fields) and "queues" in node.fields:
        for name, extra in node.fields.items():
            if name != "queues":
                value.at(name, extra).wrong("stands beside `queues:`", "put it into a queue")
        return _each_of(value.at("queues", node.fields["queues"]))
    if isinstance(node, Fields):
        return [value]
    return _each_of(value)


def _each_of(value: Value) -> list[Value]:
    node = value.node
    if isinstance(node, Items):
        return [value.at(index, inner) for index, inner in enumerate(node.items)]
    if isinstance(node, Fields):
        named = {name: _named(name, inner) for name, inner in node.fields.items()}
        return [value.at(name, inner) for name, inner in named.items()]
    if not (isinstance(node, Scalar) and node.empty):
        value.wrong("must be a list of queues, or a mapping from name to queue", "see docs/queues.md")
    return []


def _named(name: str, node: Node) -> Node:
    """A queue of the mapping form, with its key as its name."""
    if isinstance(node, Scalar) and node.empty:
        node = Fields(node.source, node.line)
    if isinstance(node, Fields) and "name" not in node.fields:
        return Fields(node.source, node.line, {"name": Scalar(node.source, node.line, name), **node.fields})
    return node


def _queue(value: Value, zones: Zones | None) -> Queue | None:
    keys = value.node.fields if isinstance(value.node, Fields) else {}
    before = len(value.problems)
    if "queue_name" in keys or "provider" in keys:
        found = provider_queue(value, zones)
    elif "resource" in keys or "config" in keys:
        found = launch_queue(value, zones)
    else:
        found = reading.table(value, OWN, required=("name", "zone"), elsewhere=_ELSEWHERE)
        _check_zone(value, found, zones)
    if len(value.problems) > before or "name" not in found or "zone" not in found:
        return None
    return Queue(**found)


def _check_zone(value: Value, found: Mapping[str, Any], zones: Zones | None) -> None:
    """The zone must exist, and what the queue names must be in it."""
    if zones is None or "zone" not in found:
        return
    zone = zones.get(found["zone"])
    if zone is None:
        field(value, "zone").wrong(
            f"is {found['zone']!r}, not a zone of the stack", reading.did_you_mean(found["zone"], list(zones))
        )
        return
    check_fit(value, found, zone)


def check_fit(value: Value, found: Mapping[str, Any], zone: Zone) -> None:
    """Report what the zone does not have or does not allow."""
    names = [entry.name for entry in zone.compute]
    if "hardware" in found and found["hardware"] not in names:
        remedy = (
            reading.did_you_mean(found["hardware"], names) if names else "the zone has no `compute`: leave it out"
        )
        field(value, "hardware").wrong(f"is {found['hardware']!r}, not a compute of zone {found['zone']}", remedy)
    if found.get("max_runtime", 0) > zone.limits.max_runtime:
        most = quantities.human_duration(zone.limits.max_runtime)
        field(value, "max_runtime").wrong(f"is longer than zone {found['zone']} allows", f"at most {most}")
    if found.get("nodes", 0) > zone.limits.max_nodes:
        field(value, "nodes").wrong(
            f"is more than zone {found['zone']} allows", f"at most {zone.limits.max_nodes}"
        )


OWN: Mapping[str, reading.Reader[Any]] = {
    "name": queue_fields.name,
    "zone": queue_fields.word,
    "hardware": queue_fields.word,
    "max_running": queue_fields.count,
    "max_nodes": queue_fields.count,
    "min_warm": reading.integer(0, 100),
    "job_types": reading.listing(queue_fields.word, 100),
    "spot": reading.choice({"allowed": "allowed", "required": "required", "forbidden": "forbidden"}),
    "max_runtime": reading.duration(1, limits.RUNTIME_MAX),
    "ageing": reading.duration(limits.AGEING_MIN, limits.WAIT_MAX),
    "identity": reading.choice({"agent": "agent", "ambient": "ambient"}),
    "shared": reading.boolean,
    "image": queue_fields.image,
    "runtime": reading.boolean,
    "priority": queue_fields.priority,
    "nodes": reading.integer(1, limits.NODES_MAX),
    "overrides": queue_fields.raw,
}

_ELSEWHERE = {
    "region": "the zone says it: write zone",
    "instance_type": "write hardware: NAME, one of the zone's compute entries",
    "env": "a job says its environment",
    "secrets": "a job says its secrets",
}


def as_text(queues: Sequence[Queue]) -> str:
    """The queues as a queue file; what has its default is left out."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes every text that would be read back as something else (`1e3` is no number to PyYAML)."""

    def quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        same = reading.raw(Value("", Scalar("", None, text), [])) == text
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if same else "'")

    Dumper.add_representer(str, quoted)
    defaults = records.plain(Queue(name="", zone=""))
    documents = []
    for queue in queues:
        plain = records.plain(queue)
        shown = {
            key: value for key, value in plain.items() if key in ("name", "zone") or defaults.get(key) != value
        }
        if queue.priority is not None:
            shown["priority"] = queue.priority.word
        for name in ("max_runtime", "ageing"):
            if name in shown:
                shown[name] = f"{shown[name]}s"
        documents.append(shown)
    return yaml.dump({"queues": documents}, Dumper=Dumper, sort_keys=False, allow_unicode=True)
