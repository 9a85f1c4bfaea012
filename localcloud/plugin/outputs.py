"""A resource's outputs: complete after an operation, as far as known before it; and the inputs a refresh finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localcloud.plugin.diff import EMPTY, equal
from localcloud.plugin.sameness import alike
from localcloud.plugin.schema import DEFAULTS, Table, named
from localcloud.plugin.values import UNKNOWN, Properties


def full(definition: Table, id: str, found: Properties, known: Properties) -> Properties:
    """Every output: what the cloud said, else what only the provider knows (inputs or state), else nothing."""
    properties: Table = definition["properties"]
    outputs: Properties = {"id": id}
    for name, prop in properties.items():
        if name in found:
            outputs[name] = found[name]
        elif prop["input"] and not prop.get("tags"):
            outputs[name] = bare(known[name]) if known.get(name) is not None else prop.get("default")
        else:
            outputs[name] = None
        if outputs[name] is None and prop["type"] in ("list", "set", "map") and not definition.get("framework"):
            outputs[name] = {} if prop["type"] == "map" else []
    return (
        {name: value for name, value in outputs.items() if value is not None}
        if definition.get("framework")
        else outputs
    )


def planned(definition: Table, news: Properties, state: Properties) -> Properties:
    """Outputs before an operation: computed ones are unknown before a creation and stay before an update."""
    outputs: Properties = dict(state)
    for name, prop in definition["properties"].items():
        if prop["input"] and name in news:
            outputs[name] = _planned(prop, news[name])
        elif prop.get("computed"):
            outputs.setdefault(name, UNKNOWN)
        else:
            outputs[name] = prop.get("default")
    return outputs


def _planned(prop: Table, value: Any) -> Any:
    if prop["type"] == "object" and isinstance(value, dict):
        filled = {
            name: UNKNOWN
            for name, inner in prop["properties"].items()
            if inner.get("computed") and name not in value
        }
        kept = {
            name: _planned(prop["properties"][name], inner)
            for name, inner in value.items()
            if not name.startswith("__")
        }
        return kept | filled
    if prop["type"] in ("list", "set") and isinstance(value, list):
        return [_planned(prop["items"], inner) for inner in value]
    return value


def bare(value: Any) -> Any:
    """A value without the notes of defaults."""
    if isinstance(value, dict):
        return {name: bare(inner) for name, inner in value.items() if name != DEFAULTS}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


def refreshed(
    definition: Table,
    normal: Callable[[Properties], Properties],
    inputs: Properties,
    outputs: Properties,
    places: Properties,
) -> Properties:
    """Inputs as they would have to be for the cloud to look as it does: the old ones where they still hold.

    `places` are properties that the provider fills in itself (its region or project): nobody has to give them.
    """
    found: Properties = {} if definition.get("framework") else {DEFAULTS: inputs.get(DEFAULTS, [])}
    compared = normal(inputs)
    for name, prop in definition["properties"].items():
        if not prop["input"] or (name in places and name not in inputs and outputs.get(name) == places[name]):
            continue
        now = outputs.get(name)
        if name in inputs:
            found[name] = inputs[name] if equal(prop, now, compared[name]) else now
        elif now in EMPTY or now == prop.get("default") or (inputs and _silent(prop)) or _unasked(prop, now):
            continue
        elif not any(named(definition["properties"], other) in found for other in prop.get("conflicts", [])):
            found[name] = pruned(now)
    return {name: value for name, value in found.items() if value is not None}


def _silent(prop: Table) -> bool:
    """Whether the cloud may have a value of it without anyone having asked for one."""
    return bool(prop.get("computed") or prop.get("stays"))


def _unasked(prop: Table, now: Any) -> bool:
    """Whether the provider takes the value for the same as none."""
    return bool(prop.get("same")) and alike(prop["same"], now, None)


def pruned(value: Any) -> Any:
    """A value without what is empty in it."""
    if isinstance(value, dict):
        return {name: pruned(inner) for name, inner in value.items() if inner not in EMPTY or inner is False}
    return [pruned(inner) for inner in value] if isinstance(value, list) else value
