"""Checks a request against a vendor's own model, from an extract of it, without the vendor's SDK.

The extracts are JSON written by `tools/vendor_model/*`: shapes by name, each with `type`, `min`, `max`,
`pattern`, `enum`, `members`, `required`, `member`, `key`, `value` as far as they apply; `output` are fields that
only answers have, `one_of` groups of fields of which one at most may be there, `example` a right value. A `union`
is one of the structures of its `variants`, told by the value of the field `by`.
"""

from __future__ import annotations

import difflib
import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing the vendor would refuse: `path` such as `ResourceConfig.InstanceCount` or `Tags[3].Value`.

    `container` is true when an object, a list or a mapping belongs there and something else is.
    """

    path: str
    rule: str
    remedy: str = ""
    container: bool = False


class VendorModel:
    """The model of one request. `source` says which release of the vendor's model it was taken from."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.source: str = document["source"]
        self.operation: str = document["operation"]
        self._root: str = document["root"]
        self._shapes: Mapping[str, Mapping[str, Any]] = document["shapes"]

    def check(self, body: object) -> list[Violation]:
        """Return everything in `body` that the model forbids; an empty list means it may be sent."""
        return list(self._check(body, self._shapes[self._root], ""))

    def enum(self, shape: str) -> tuple[str, ...]:
        """Return the values the vendor lists for a shape, empty when it is open."""
        return tuple(self._shapes[shape].get("enum", ()))

    def spelled(self, value: object, spelling: Callable[[str], str]) -> Any:
        """Return `value` with the names of fields as the model has them, where `spelling` leads from one to one.

        Keys of maps are the user's and stay. Of a field that is given in two spellings both are kept, and the
        second is then an unknown field.
        """
        return self._spelled(value, self._shapes[self._root], spelling)

    def _spelled(self, value: object, shape: Mapping[str, Any], spelling: Callable[[str], str]) -> Any:
        if shape["type"] == "list" and isinstance(value, list | tuple):
            return [self._spelled(item, self._shapes[shape["member"]], spelling) for item in value]
        if shape["type"] == "map" and isinstance(value, Mapping):
            inner = self._shapes[shape["value"]]
            return {key: self._spelled(item, inner, spelling) for key, item in value.items()}
        if shape["type"] == "union" and isinstance(value, Mapping):
            return self._spelled(value, self._variant(value, shape, spelling), spelling)
        if shape["type"] != "structure" or not isinstance(value, Mapping):
            return value
        members: Mapping[str, str] = shape["members"]
        known = {*members, *shape.get("output", ())}
        found: dict[str, Any] = {}
        for name, item in value.items():
            other = spelling(name) if name not in known else name
            if other not in known or (other != name and other in value):
                other = name
            inner = self._shapes[members[other]] if other in members else {"type": ""}
            found[other] = self._spelled(item, inner, spelling)
        return found

    def _variant(
        self, value: Mapping[str, Any], shape: Mapping[str, Any], spelling: Callable[[str], str]
    ) -> Mapping[str, Any]:
        """The structure a value is, or, where it does not say, all of them in one, to spell by."""
        by, variants = shape["by"], shape["variants"]
        said = next((item for name, item in value.items() if by in (name, spelling(name))), None)
        if said in variants:
            return self._shapes[variants[said]]
        members = [self._shapes[name]["members"] for name in variants.values()]
        return {"type": "structure", "members": {key: one for each in members for key, one in each.items()}}

    def _check(self, value: object, shape: Mapping[str, Any], path: str) -> Iterator[Violation]:
        kind = shape["type"]
        if kind == "structure":
            yield from self._structure(value, shape, path)
        elif kind == "list":
            yield from self._list(value, shape, path)
        elif kind == "map":
            yield from self._map(value, shape, path)
        elif kind == "union":
            yield from self._union(value, shape, path)
        elif kind == "string":
            yield from _string(value, shape, path)
        elif kind == "boolean":
            if not isinstance(value, bool):
                yield _kind(value, path, "true or false")
        elif kind in ("integer", "long"):
            yield from _number(value, shape, path, int, "a whole number")
        elif kind in ("float", "double"):
            yield from _number(value, shape, path, (int, float), "a number")
        elif kind != "any":
            raise AssertionError(f"the extract holds a shape of type {kind}, which this checker does not know")

    def _structure(self, value: object, shape: Mapping[str, Any], path: str) -> Iterator[Violation]:
        if not isinstance(value, Mapping):
            yield _kind(value, path, "an object", container=True)
            return
        members: Mapping[str, str] = shape["members"]
        for name in shape.get("required", ()):
            if name not in value:
                yield Violation(_join(path, name), "is required")
        for name, item in value.items():
            if name in members:
                yield from self._check(item, self._shapes[members[name]], _join(path, name))
            elif name in shape.get("output", ()):
                yield Violation(_join(path, name), "is an answer's field, not a request's", "leave it out")
            else:
                close = difflib.get_close_matches(str(name), list(members), n=1)
                remedy = f"did you mean {close[0]}?" if close else _some(members)
                yield Violation(_join(path, str(name)), f"{self.operation} has no such field", remedy)
        for group in shape.get("one_of", ()):
            if len(given := [name for name in group if name in value]) > 1:
                yield Violation(_join(path, given[1]), f"stands beside {given[0]}, and there may be one of them")

    def _union(self, value: object, shape: Mapping[str, Any], path: str) -> Iterator[Violation]:
        if not isinstance(value, Mapping):
            yield _kind(value, path, "an object", container=True)
            return
        by, variants = shape["by"], shape["variants"]
        if by not in value:
            yield Violation(_join(path, by), "is required", _some(variants))
        elif value[by] not in variants:
            yield from _string(value[by], {"enum": list(variants)}, _join(path, by))
        else:
            yield from self._check(value, self._shapes[variants[value[by]]], path)

    def _list(self, value: object, shape: Mapping[str, Any], path: str) -> Iterator[Violation]:
        if not isinstance(value, list | tuple):
            yield _kind(value, path, "a list", container=True)
            return
        yield from _size(len(value), shape, path, "items")
        for index, item in enumerate(value):
            yield from self._check(item, self._shapes[shape["member"]], f"{path}[{index}]")

    def _map(self, value: object, shape: Mapping[str, Any], path: str) -> Iterator[Violation]:
        if not isinstance(value, Mapping):
            yield _kind(value, path, "a mapping", container=True)
            return
        yield from _size(len(value), shape, path, "entries")
        for key, item in value.items():
            yield from self._check(key, self._shapes[shape["key"]], _join(path, f"{key} (key)"))
            yield from self._check(item, self._shapes[shape["value"]], _join(path, str(key)))


@functools.cache
def load(path: Path) -> VendorModel:
    """Read an extract; once per process."""
    return VendorModel(json.loads(path.read_text(encoding="utf-8")))


def _string(value: object, shape: Mapping[str, Any], path: str) -> Iterator[Violation]:
    like = f"such as {shape['example']}" if "example" in shape else ""
    if not isinstance(value, str):
        yield replace(_kind(value, path, "a text"), remedy=like)
        return
    if enum := shape.get("enum"):
        if value not in enum:
            close = difflib.get_close_matches(value, enum, n=1)
            remedy = f"did you mean {close[0]}?" if close else _some(enum)
            yield Violation(path, f"{_shown(value)} is not a value the vendor lists", remedy)
        return
    if faults := list(_size(len(value), shape, path, "characters")):
        yield from faults  # and no pattern: some of the vendor's take exponential time on long text
    elif (pattern := shape.get("pattern")) and not compiled(pattern).fullmatch(value):
        yield Violation(path, f"{_shown(value)} does not match {pattern}", like)


def _number(
    value: object, shape: Mapping[str, Any], path: str, kind: type | tuple[type, ...], words: str
) -> Iterator[Violation]:
    if isinstance(value, bool) or not isinstance(value, kind):
        yield _kind(value, path, words)
    else:
        low, high = shape.get("min"), shape.get("max")
        if (low is not None and value < low) or (high is not None and value > high):
            yield Violation(path, f"{value} is outside {_range(low, high)}")


def _size(size: int, shape: Mapping[str, Any], path: str, unit: str) -> Iterator[Violation]:
    low, high = shape.get("min"), shape.get("max")
    if (low is not None and size < low) or (high is not None and size > high):
        yield Violation(path, f"has {size} {unit}, allowed {_range(low, high)}")


def _range(low: int | None, high: int | None) -> str:
    return f"at least {low}" if high is None else f"at most {high}" if low is None else f"{low} to {high}"


def _kind(value: object, path: str, words: str, *, container: bool = False) -> Violation:
    return Violation(path, f"must be {words}, is {_shown(value)}", container=container)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _some(names: Iterable[str]) -> str:
    known = list(names)
    return f"one of {', '.join(known[:8])}{', ...' if len(known) > 8 else ''}"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


# The models are written for Java's regular expressions. Python's `re` has no \p{..}, and its \d, \w, \s and `.`
# mean more than Java's do, so every escape is spelled out. \p{L} becomes \w, with which numbers and `_` come
# along: every set of the models that has it allows \p{N} and `_` as well.
_SEPARATORS = " \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
_INSIDE = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": _SEPARATORS,
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\d": "0-9",
    r"\w": "a-zA-Z0-9_",
    r"\s": r" \t\n\x0b\f\r",
    r"\S": r"\x00-\x08\x0e-\x1f\x21-\U0010ffff",
}
_TOKEN = re.compile(r"\\p\{\w+\}|\\.|\[\^?|\]|\.|[^\\\[\].]+", re.DOTALL)


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Translate one of the vendor's patterns (Java syntax) for Python and compile it for `fullmatch`."""
    out: list[str] = []
    inside = False
    for token in _TOKEN.findall(pattern):
        if token in ("[", "[^"):
            inside = True
            out.append(token)
        elif token == "]":
            inside = False
            out.append(token)
        elif token == "." and not inside:
            out.append(r"[^\n\r\u0085\u2028\u2029]")
        elif token in _INSIDE:
            out.append(_INSIDE[token] if inside else f"[{_INSIDE[token]}]")
        else:
            out.append(token)
    return re.compile("".join(out))
