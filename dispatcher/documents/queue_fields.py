"""Readers of the fields that every form of a queue has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dispatcher import limits, plain
from dispatcher.documents import document, reading
from dispatcher.documents.document import Fields
from dispatcher.documents.reading import Value
from dispatcher.errors import Problem
from dispatcher.job import PRIORITIES

if TYPE_CHECKING:
    from dispatcher.contract import Zone

Zones = Mapping[str, "Zone"]
RESERVED = "local"


def field(value: Value, key: str) -> Value:
    """The value under a key, or the mapping itself when the key is not there, for a problem to point at."""
    node = value.node.fields.get(key) if isinstance(value.node, Fields) else None
    return value.at(key, node or value.node)


def raw(value: Value) -> dict[str, Any] | None:
    """Provider fields as JSON, kept as they are; what looks like a secret is a problem."""
    if not isinstance(value.node, Fields):
        value.wrong("must be a mapping of the provider's own fields")
        return None
    found: dict[str, Any] = reading.raw(value)
    for suspect in plain.suspects(found):
        node = document.at(value.node, suspect.path) or value.node
        path = f"{value.path}.{suspect.path}"
        remedy = "jobs reference secrets: see docs/secrets.md"
        value.problems.append(Problem(node.source, node.line, path, suspect.rule, remedy))
    return found


def _name(value: Value) -> str | None:
    typed = _slug(value)
    if typed == RESERVED:
        value.wrong("is the built-in queue of this machine", "choose another name")
        return None
    return typed


_slug = reading.pattern(
    limits.NAME_PATTERN,
    "is not a name (a-z, 0-9 and -, not starting or ending with -)",
    longest=limits.NAME_MAX,
)
name = _name
word = reading.pattern(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "may hold letters, digits, - _ and . only", longest=63)
instance = reading.pattern(
    r"[A-Za-z0-9][A-Za-z0-9_.+-]*", "may hold letters, digits, - _ . and + only", longest=63
)
"""A provider's instance type, or a machine with its GPUs: `ml.g5.xlarge`, `n1-standard-8+1xT4`."""
image = reading.pattern(
    r"[A-Za-z0-9][A-Za-z0-9._:/@-]*",
    "is not an image reference",
    "registry/name:tag or name@sha256:...",
    longest=limits.IMAGE_MAX,
)
count = reading.integer(1, 10_000)
priority = reading.choice(PRIORITIES)
