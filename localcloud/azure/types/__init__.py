"""What Microsoft's own types say of an ARM resource: its properties, which are required, read-only, enumerated.

The types are extracts of github.com/Azure/bicep-types-az (`data/`, `derive.py`). Their form: arrays in which
`{"$ref": "#/N"}` is element N; property flags 1 required, 2 read-only, 4 write-only; objects are closed unless
they have `additionalProperties`; a union with a plain string in it is an open enumeration. Two types that the
extracts lack are written by hand in the same form (`written.json`).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent / "data"
_REQUIRED, _SAID = 1, 2
_ENVELOPE = ("id", "name", "type", "apiVersion")
# The source has no float type and writes every number as IntegerType; azure-native's Python types have float here.
_FRACTIONAL = frozenset({"amount", "threshold", "dailyQuotaGb", "SamplingPercentage"})
_SORTS = {
    "StringType": (str, "a string"),
    "StringLiteralType": (str, "a string"),
    "BooleanType": (bool, "a boolean"),
    "IntegerType": (int, "a number"),
    "ArrayType": (list, "a list"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that a body has and the type forbids, or the other way round: `path` such as
    `properties.sku.name`."""

    path: str
    rule: str

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}" if self.path else self.rule


@dataclass(frozen=True)
class ResourceType:
    """One resource type at one api-version; `name` is spelled as ARM spells it."""

    name: str
    version: str
    _types: list[Any]
    _body: int

    def check(self, body: Mapping[str, Any]) -> list[Problem]:
        """Everything in the body of a PUT that the type forbids.

        `id`, `name` and `type` are the envelope, which a client may repeat; whether they are right is not told
        here.
        """
        sent = {key: value for key, value in body.items() if key not in _ENVELOPE}
        return [one for one in self._object(sent, self._types[self._body], "") if one.path not in _ENVELOPE]

    def check_name(self, name: str) -> list[Problem]:
        """What the type forbids in the last part of the resource's id."""
        own = _own(self._types[self._body]).get("name")
        return list(self._value(name, self._at(own["type"]), "name")) if own else []

    def settable(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A body without what only the service says."""
        kept: dict[str, Any] = self._settable(dict(body), self._types[self._body])
        return {key: value for key, value in kept.items() if key not in _ENVELOPE}

    def _settable(self, value: Any, kind: Mapping[str, Any]) -> Any:
        if kind["$type"] == "ArrayType" and isinstance(value, list):
            return [self._settable(one, self._at(kind["itemType"])) for one in value]
        if kind["$type"] not in ("ObjectType", "DiscriminatedObjectType") or not isinstance(value, dict):
            return value
        known, rest = dict(_own(kind)), kind.get("additionalProperties")
        if kind["$type"] == "DiscriminatedObjectType" and value.get(kind["discriminator"]) in kind["elements"]:
            known |= _own(self._at(kind["elements"][value[kind["discriminator"]]]))
        return {
            name: self._settable(one, self._at(known[name]["type"] if name in known else rest))
            for name, one in value.items()
            if (name in known and not known[name]["flags"] & _SAID) or (name not in known and rest)
        }

    def has(self, *path: str) -> bool:
        """Whether the resource has a property, read-only or not, such as `has("properties", "provisioningState")`.

        Of an object that comes in variants the common properties are looked at, and those of every variant.
        """
        found = [self._types[self._body]]
        for name in path:
            refs = [(_own(one) | _variants(one, self._types)).get(name) for one in found]
            found = [self._at(ref["type"]) for ref in refs if ref]
        return bool(found)

    def _at(self, ref: Any) -> Any:
        return self._types[int(ref["$ref"][2:])]

    def _value(self, value: Any, kind: Mapping[str, Any], path: str) -> Iterator[Problem]:
        sort = kind["$type"]
        if sort == "AnyType":
            return
        if sort in ("ObjectType", "DiscriminatedObjectType"):
            yield from self._object(value, kind, path)
            return
        if sort == "UnionType":
            yield from self._union(value, [self._at(ref) for ref in kind["elements"]], path)
            return
        wanted, word = _SORTS[sort]
        number = sort == "IntegerType" and isinstance(value, float)
        if not (isinstance(value, wanted) or number) or (sort == "IntegerType" and isinstance(value, bool)):
            yield Problem(path, f"{value!r} is not {word}")
        elif sort == "ArrayType":
            yield from _size(len(value), kind, path, "entries")
            for number_, item in enumerate(value):
                yield from self._value(item, self._at(kind["itemType"]), f"{path}[{number_}]")
        elif sort == "StringLiteralType":
            if value != kind["value"]:
                yield Problem(path, f"{value!r} is not {kind['value']!r}")
        elif sort == "StringType":
            yield from _size(len(value), kind, path, "characters")
            if "pattern" in kind and not re.search(kind["pattern"], value):
                yield Problem(path, f"{value!r} does not match {kind['pattern']}")
        elif sort == "IntegerType":
            yield from _range(value, kind, path)

    def _union(self, value: Any, options: list[Any], path: str) -> Iterator[Problem]:
        listed = [one["value"] for one in options if one["$type"] == "StringLiteralType"]
        if isinstance(value, str) and value in listed:
            return
        best = min((list(self._value(value, one, path)) for one in options), key=len)
        if best and listed:
            yield Problem(path, f"{value!r} is not one of {', '.join(listed)}")
        else:
            yield from best

    def _object(self, value: Any, kind: Mapping[str, Any], path: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem(path, f"{value!r} is not an object")
            return
        known, rest = dict(_own(kind)), kind.get("additionalProperties")
        if kind["$type"] == "DiscriminatedObjectType":
            tag = kind["discriminator"]
            if value.get(tag) not in kind["elements"]:
                yield Problem(_under(path, tag), f"{value.get(tag)!r} is not one of {', '.join(kind['elements'])}")
                return
            variant = self._at(kind["elements"][value[tag]])
            known |= _own(variant)
            rest = rest or variant.get("additionalProperties")
        for name, item in value.items():
            at, property_ = _under(path, name), known.get(name)
            if property_ and property_["flags"] & _SAID:
                yield Problem(at, READ_ONLY)
            elif property_ or rest:
                yield from self._value(item, self._at(property_["type"] if property_ else rest), at)
            else:
                yield Problem(at, f"there is no such property{_close(name, known)}")
        for name, property_ in known.items():
            if property_["flags"] & (_REQUIRED | _SAID) == _REQUIRED and name not in value:
                yield Problem(_under(path, name), "it is required")


READ_ONLY = "the service says it, a request does not"
"""The rule that a read-only property in a request breaks."""


def _own(kind: Mapping[str, Any]) -> dict[str, Any]:
    return dict(kind.get("properties") or kind.get("baseProperties") or {})


def _variants(kind: Mapping[str, Any], types: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if kind["$type"] == "DiscriminatedObjectType":
        for ref in kind["elements"].values():
            found |= _own(types[int(ref["$ref"][2:])])
    return found


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _close(name: str, known: Mapping[str, Any]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    return f" (is {near[0]} meant?)" if near else ""


def _size(count: int, kind: Mapping[str, Any], path: str, word: str) -> Iterator[Problem]:
    if not kind.get("minLength", 0) <= count <= kind.get("maxLength", count):
        least, most = kind.get("minLength", 0), kind.get("maxLength", "any number of")
        yield Problem(path, f"it has {count} {word}, and {least} to {most} are allowed")


def _range(value: float, kind: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if value != int(value) and path.rpartition(".")[2] not in _FRACTIONAL:
        yield Problem(path, f"{value} is not a whole number")
    least, most = kind.get("minValue", value), kind.get("maxValue", value)
    if not least <= value <= most:
        yield Problem(
            path, f"{value} is not between {kind.get('minValue', 'any')} and {kind.get('maxValue', 'any')}"
        )


@functools.cache
def _index() -> dict[str, tuple[str, str]]:
    """Type in lower case -> its spelling and the file that has it."""
    index = json.loads((_DATA / "index.json").read_text())
    found: dict[str, str] = index["types"] | index["written"]["types"]
    return {name.lower(): (name, file) for name, file in found.items()}


@functools.cache
def _load(file: str) -> list[Any]:
    types: list[Any] = json.loads((_DATA / file).read_text())
    return types


@functools.cache
def find(name: str) -> ResourceType | None:
    """A type by its name in any letter case, such as `Microsoft.Storage/storageAccounts`; None when it has
    none."""
    if (entry := _index().get(name.lower())) is None:
        return None
    spelled, file = entry
    types = _load(file)
    for one in types:
        if one["$type"] == "ResourceType" and one["name"].partition("@")[0] == spelled:
            return ResourceType(spelled, one["name"].partition("@")[2], types, int(one["body"]["$ref"][2:]))
    raise LookupError(f"{file} has no {spelled}")


def names() -> list[str]:
    """Every type there is, as ARM spells it."""
    return sorted(name for name, _ in _index().values())
