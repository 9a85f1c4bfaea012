"""Whether outputs have the types that a provider's schema gives them."""

from __future__ import annotations

from typing import Any


def typed(properties: dict[str, Any], outputs: dict[str, Any]) -> None:
    """Every output has the type that the provider's schema gives it."""
    kinds: dict[str, Any] = {
        "string": str,
        "number": int | float,
        "bool": bool,
        "map": dict,
        "object": dict,
        "list": list,
        "set": list,
    }
    for name, value in outputs.items():
        if name == "id" or value is None:
            continue
        prop = properties[name]
        assert isinstance(value, kinds[prop["type"]]), name
        if prop["type"] == "object":
            typed(prop["properties"], value)
        elif prop["type"] in ("list", "set") and prop["items"]["type"] == "object":
            for inner in value:
                typed(prop["items"]["properties"], inner)
