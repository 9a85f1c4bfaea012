"""Properties as an API takes and gives them: names, nesting, whole numbers as text, references as links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.plugin.schema import DEFAULTS, Table, camel
from localcloud.plugin.values import Properties

Json = dict[str, Any]


def sent(properties: Table, names: Mapping[str, str], inputs: Properties) -> Json:
    """The body for inputs: top-level properties that the provider sends (`names`), whatever is inside them."""
    body: Json = {}
    for name, value in inputs.items():
        prop = properties.get(name)
        if prop is None or value is None or prop["terraform"] not in names:
            continue  # `labels` too, where it is a part of `effective_labels`: the tables name only the whole
        _put(body, names[prop["terraform"]], _sent(prop, names, value, prop["terraform"]))
    return body


def _put(body: Json, path: str, value: Any) -> None:
    *steps, last = path.split(".")
    for step in steps:
        body = body.setdefault(step, {})
    body[last] = value


def _sent(prop: Table, names: Mapping[str, str], value: Any, path: str) -> Any:
    if prop["type"] == "object" and isinstance(value, dict):
        body: Json = {}
        for name, inner in value.items():
            if name == DEFAULTS or inner is None:
                continue
            one = prop["properties"][name]
            where = f"{path}.{one['terraform']}"
            _put(body, names.get(where) or camel(one["terraform"]), _sent(one, names, inner, where))
        return body
    if prop["type"] in ("list", "set") and isinstance(value, list):
        return [_sent(prop["items"], names, inner, path) for inner in value]
    return value


def received(properties: Table, names: Mapping[str, str], document: Json) -> Properties:
    """The properties that a document holds; `names` as for `sent`."""
    found: Properties = {}
    for name, prop in properties.items():
        api = names.get(prop["terraform"])
        if api is not None:
            found[name] = _received(prop, names, _get(document, api), prop["terraform"])
    if "selfLink" in properties and "selfLink" in document:
        found["selfLink"] = document["selfLink"]
    return found


def _get(document: Any, path: str) -> Any:
    for step in path.split("."):
        document = document.get(step) if isinstance(document, dict) else None
    return document


def _received(prop: Table, names: Mapping[str, str], value: Any, path: str) -> Any:
    kind = prop["type"]
    if value is None:
        return EMPTY.get(kind)
    if kind == "object" and prop.get("one") and isinstance(value, list):
        value = value[0] if value else None
        return None if value is None else _received(prop, names, value, path)
    if kind == "object":
        return {
            name: _received(one, names, _get(value, names.get(where) or camel(one["terraform"])), where)
            for name, one in prop["properties"].items()
            for where in (f"{path}.{one['terraform']}",)
        }
    if kind in ("list", "set"):
        return [_received(prop["items"], names, inner, path) for inner in value]
    if kind == "number":
        return float(value) if "." in str(value) else int(value)
    if kind == "string":
        return value if isinstance(value, str) else str(value)
    return value


# What the provider's state shows of a field that the API leaves out (the zero values of its SDK).
EMPTY: dict[str, Any] = {"string": "", "bool": False, "number": 0}
