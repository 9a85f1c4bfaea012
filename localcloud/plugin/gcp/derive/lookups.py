"""Joins the results of data sources, as the SDK names them, with the properties of the types that they show."""

from __future__ import annotations

import re
from typing import Any

from localcloud.plugin.derive import sdk

Json = dict[str, Any]


def derive(wanted: Json, schema: Json) -> Json:
    """Token -> {of, id, arguments, result}; a result's entry: `from` a property, `list`: as a list of one."""
    out: Json = {}
    for token, entry in wanted.items():
        name = token.rsplit(":", 1)[1]
        shapes = sdk.classes(sdk.token_file(token))[f"{name[0].upper()}{name[1:]}Result"]
        result = _named(token, shapes, schema[entry["of"]]["properties"])
        out[token] = entry | {"arguments": sorted(sdk.arguments(token)), "result": result}
    return out


def _named(token: str, shapes: dict[str, sdk.Shape], properties: Json) -> Json:
    out: Json = {}
    for name, shape in shapes.items():
        found = next((one for one in _spellings(name) if one in properties), None)
        if found is None:
            out[name] = {}  # only the data source has it
            continue
        prop = properties[found]
        entry: Json = {"from": found}
        if prop.get("one") and shape.kind == "list":
            entry["list"] = True
        if prop["type"] == "string" and shape.kind == "number":
            entry["number"] = True  # `network_id` is text of a network and a number of its data source
        inner = prop if prop["type"] == "object" else prop.get("items", {})
        of = shape.element.of if shape.element else shape.of
        if inner.get("type") == "object" and of:
            entry["inner"] = _named(token, sdk.nested(token, of), inner["properties"])
        out[name] = entry
    return out


def _spellings(name: str) -> list[str]:
    return [name, name.removesuffix("s"), name.removesuffix("es"), re.sub("ies$", "y", name), f"{name}s"]
