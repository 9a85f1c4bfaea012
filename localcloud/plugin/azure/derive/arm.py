"""Walks the ARM types (localcloud/azure/types): what a property of a body is, and which limits it has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from localcloud.azure import types

DATA = Path(types.__file__).parent / "data"
REQUIRED, READ_ONLY = 1, 2


@dataclass(frozen=True)
class Node:
    """One type among those of a file."""

    types: tuple[Any, ...]
    index: int
    variant: str = ""

    @property
    def kind(self) -> Any:
        return self.types[self.index]

    def properties(self) -> dict[str, tuple[Node, int]]:
        """Name -> type and flags, those of the chosen variant included; {} of what is no object."""
        kind = self.kind
        own = dict(kind.get("properties") or kind.get("baseProperties") or {})
        if self.variant and kind["$type"] == "DiscriminatedObjectType":
            own |= self._at(kind["elements"][self.variant]).kind["properties"]
        return {name: (self._at(prop["type"]), prop["flags"]) for name, prop in own.items()}

    def of(self, constants: dict[str, str]) -> Node:
        """The variant that constants choose, if the object comes in variants."""
        tag = constants.get(self.kind.get("discriminator", ""), "")
        return Node(self.types, self.index, tag) if tag in self.kind.get("elements", {}) else self

    def item(self) -> Node | None:
        return self._at(self.kind["itemType"]) if self.kind["$type"] == "ArrayType" else None

    def value(self) -> Node | None:
        """What a map's values are."""
        more = self.kind.get("additionalProperties")
        return self._at(more) if more else None

    def limits(self) -> dict[str, Any]:
        """Lengths, bounds, pattern, and the values of a closed enumeration, by the names that check.py reads."""
        kind = self.kind
        names = ("minLength", "maxLength", "pattern")
        if kind["$type"] in ("StringType", "ArrayType"):
            return {name: kind[name] for name in names if name in kind}
        if kind["$type"] == "IntegerType":
            bounds = {"minimum": kind.get("minValue"), "maximum": kind.get("maxValue")}
            return {name: value for name, value in bounds.items() if value is not None}
        if kind["$type"] == "UnionType":
            options = [self._at(one).kind for one in kind["elements"]]
            if all(one["$type"] == "StringLiteralType" for one in options):
                return {"enum": [one["value"] for one in options]}
        return {"enum": [kind["value"]]} if kind["$type"] == "StringLiteralType" else {}

    def _at(self, ref: dict[str, str]) -> Node:
        return Node(self.types, int(ref["$ref"][2:]))


@cache
def _files() -> tuple[tuple[Any, ...], ...]:
    arrays = (json.loads(file.read_text()) for file in sorted(DATA.glob("microsoft.*.json")))
    return tuple(tuple(one) for one in arrays)


def body(name: str, version: str) -> Node | None:
    """The body of a resource type at one api-version, None when no types are kept of it."""
    return next(_bodies(f"{name}@{version}"), None)


def _bodies(name: str) -> Iterator[Node]:
    for array in _files():
        for one in array:
            if one["$type"] == "ResourceType" and one["name"] == name:
                yield Node(array, int(one["body"]["$ref"][2:]))
