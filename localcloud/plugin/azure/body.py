"""Properties as the program has them and as ARM has them: requests, outputs, previews, and outputs as inputs."""

from __future__ import annotations

from typing import Any

from localcloud.plugin.azure.table import dig, inner, option, place, put
from localcloud.plugin.schema import Table
from localcloud.plugin.values import UNKNOWN, Properties


def sent(properties: Table, values: Properties) -> Properties:
    """The body, or the part of it, that asks for these values."""
    body: Properties = {}
    for name, prop in properties.items():
        if values.get(name) is not None:
            put(body, place(name, prop), _sent(prop, values[name]))
    return body


def _sent(prop: Table, value: Any) -> Any:
    kind = prop["type"]
    if kind == "string_set":
        return {one: {} for one in value}
    if kind == "list":
        return [_sent(prop["items"], one) for one in value]
    if kind == "map":
        return {key: _sent(prop["items"], one) for key, one in value.items()}
    properties = _properties(prop, value)
    return value if properties is None else sent(properties, value)


def received(properties: Table, document: Properties) -> Properties:
    """The properties that an answer holds; what is null or not there is left out, as the real provider does."""
    found: Properties = {}
    for name, prop in properties.items():
        value = dig(document, place(name, prop))
        if value is not None:
            found[name] = _received(prop, value)
    return found


def _received(prop: Table, value: Any) -> Any:
    kind = prop["type"]
    if kind == "string_set":
        return sorted(value)
    if kind == "list" and isinstance(value, list):
        return [_received(prop["items"], one) for one in value]
    if kind == "map" and isinstance(value, dict):
        return {key: _received(prop["items"], one) for key, one in value.items()}
    properties = _properties(prop, value)
    return value if properties is None else received(properties, value)


def as_inputs(properties: Table, outputs: Properties) -> Properties:
    """The part of outputs that could be given: what only the service says is left out."""
    return {name: _as_input(prop, outputs[name]) for name, prop in properties.items() if name in outputs}


def _as_input(prop: Table, value: Any) -> Any:
    kind = prop["type"]
    if kind == "string_set" and isinstance(value, dict):
        return sorted(value)
    if kind == "list" and isinstance(value, list):
        return [_as_input(prop["items"], one) for one in value]
    if kind == "map" and isinstance(value, dict):
        return {key: _as_input(prop["items"], one) for key, one in value.items()}
    properties = _properties(prop, value)
    return value if properties is None else as_inputs(properties, value)


def foreseen(properties: Table, values: Properties) -> Properties:
    """Outputs before the operation: what was given, and UNKNOWN for all else that the type may show."""
    return {name: _foreseen(prop, values.get(name, UNKNOWN)) for name, prop in properties.items()}


def _foreseen(prop: Table, value: Any) -> Any:
    kind = prop["type"]
    if value is UNKNOWN or value is None:
        return prop.get("const", UNKNOWN)
    if kind == "list":
        return [_foreseen(prop["items"], one) for one in value] if isinstance(value, list) else UNKNOWN
    if kind == "map":
        filled = isinstance(value, dict)
        return {key: _foreseen(prop["items"], one) for key, one in value.items()} if filled else UNKNOWN
    if kind == "object":
        return foreseen(inner(prop["ref"]), value) if isinstance(value, dict) else UNKNOWN
    return value


def _properties(prop: Table, value: Any) -> Table | None:
    """What a typed object's properties are; None of anything else."""
    if not isinstance(value, dict):
        return None
    if prop["type"] == "object":
        return inner(prop["ref"])
    return option(prop["options"], value) if prop["type"] == "union" else None
