"""Table-driven reading of documents: one reader per kind of value, every problem of a document in one go."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dispatcher.documents import quantities
from dispatcher.documents.document import Fields, Items, Node, Scalar
from dispatcher.errors import Problem

T = TypeVar("T")
Reader = Callable[["Value"], T | None]
_FLOAT = re.compile(r"[+-]?((0|[1-9]\d{0,16})?\.\d+|(0|[1-9]\d{0,16})\.?(?=[eE]))([eE][+-]?\d{1,2})?", re.ASCII)
_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Value:
    """One node with the path of its key, and the lists that problems and notes of its document go to."""

    path: str
    node: Node
    problems: list[Problem]
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Say what becomes of this value where that is not what was written."""
        where = ":".join(filter(None, [self.node.source, str(self.node.line or "")]))
        self.notes.append(f"{where}: {self.path} {text}")

    def wrong(self, rule: str, remedy: str = "") -> None:
        """Report a problem with this value."""
        self.problems.append(Problem(self.node.source, self.node.line, self.path, rule, remedy))

    def at(self, key: str | int, node: Node) -> Value:
        """The value below this one: `path.key`, or `path[2]` for an element."""
        step = f"[{key}]" if isinstance(key, int) else f".{key}" if self.path else key
        return Value(f"{self.path}{step}", node, self.problems, self.notes)


def text(value: Value) -> str | None:
    """Any scalar, exactly as typed."""
    if not isinstance(value.node, Scalar):
        value.wrong("must be a text, not a list or mapping")
        return None
    if value.node.plain and value.node.text == "":
        value.wrong("has no value", "write '' for an empty text")
        return None
    return value.node.text


def pattern(regex: str, rule: str, remedy: str = "", longest: int | None = None) -> Reader[str]:
    """A text that matches `regex` as a whole and has at most `longest` characters."""

    def reader(value: Value) -> str | None:
        typed = text(value)
        if typed is None:
            return None
        if longest is not None and len(typed) > longest:
            value.wrong(f"has {len(typed)} characters, more than {longest}")
        elif not re.fullmatch(regex, typed, re.ASCII):
            value.wrong(rule, remedy)
        else:
            return typed
        return None

    return reader


def boolean(value: Value) -> bool | None:
    """`true` or `false` (YAML 1.1's yes, no, on and off are understood)."""
    typed = text(value)
    word = typed.lower() if typed is not None else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    if typed is not None:
        value.wrong(f"is {typed!r}, not true or false")
    return None


def integer(least: int, most: int) -> Reader[int]:
    """A whole decimal number within bounds; `010` is refused because YAML 1.1 and 1.2 disagree on it."""

    def reader(value: Value) -> int | None:
        typed = text(value)
        if typed is None:
            return None
        if re.fullmatch(r"0\d+", typed, re.ASCII):
            value.wrong(f"is {typed}, which some YAML readers take as octal", f"write {typed.lstrip('0') or '0'}")
        elif not re.fullmatch(r"[+-]?\d{1,15}", typed, re.ASCII):
            value.wrong(f"is {typed!r}, not a whole number")
        elif not least <= int(typed) <= most:
            value.wrong(f"is {int(typed)}, not between {least} and {most}")
        else:
            return int(typed)
        return None

    return reader


def number(least: float, most: float) -> Reader[float]:
    """A decimal number within bounds."""

    def reader(value: Value) -> float | None:
        typed = text(value)
        if typed is None:
            return None
        if not re.fullmatch(r"[+-]?(\d{1,15}(\.\d{0,9})?|\.\d{1,9})", typed, re.ASCII):
            value.wrong(f"is {typed!r}, not a number")
        elif not least <= float(typed) <= most:
            value.wrong(f"is {typed}, not between {least:g} and {most:g}")
        else:
            return float(typed)
        return None

    return reader


def duration(least: int, most: int) -> Reader[int]:
    """Seconds of a duration within bounds."""

    def reader(value: Value) -> int | None:
        found = _quantity(value, quantities.seconds)
        if found is not None and not least <= found <= most:
            human = quantities.human_duration
            value.wrong(f"is {human(found)}, not between {human(least)} and {human(most)}")
            return None
        return found

    return reader


def size(value: Value) -> float | None:
    """GiB of a size above zero."""
    found = _quantity(value, quantities.gibibytes)
    if found is not None and not 0 < found <= 1_000_000:
        value.wrong("is not between 0 and 1,000,000 Gi")
        return None
    return found


def _quantity(value: Value, parse: Callable[[str], T]) -> T | None:
    typed = text(value)
    if typed is None:
        return None
    try:
        return parse(typed)
    except ValueError as error:
        value.wrong(f"is {typed!r}, which {error}")
        return None


def choice(words: Mapping[str, T], remedies: Mapping[str, str] | None = None) -> Reader[T]:
    """One of a few words; `remedies` explains words that people try."""

    def reader(value: Value) -> T | None:
        typed = text(value)
        if typed is None:
            return None
        if typed not in words:
            hint = (remedies or {}).get(typed) or _guess(typed, words)
            value.wrong(f"is {typed!r}, not one of {', '.join(words)}", hint)
            return None
        return words[typed]

    return reader


def listing(read: Reader[T], most: int) -> Reader[tuple[T, ...]]:
    """A list of values, all read by `read`."""

    def reader(value: Value) -> tuple[T, ...] | None:
        if not isinstance(value.node, Items):
            value.wrong("must be a list")
            return None
        if len(value.node.items) > most:
            value.wrong(f"has {len(value.node.items)} elements, more than {most}")
        read_items = [read(value.at(index, node)) for index, node in enumerate(value.node.items)]
        return tuple(item for item in read_items if item is not None)

    return reader


def mapping(key: Callable[[Value, str], bool], read: Reader[T], most: int) -> Reader[dict[str, T]]:
    """A mapping with names of the user's choice; `key` reports a bad name and returns False."""

    def reader(value: Value) -> dict[str, T] | None:
        if not isinstance(value.node, Fields):
            value.wrong("must be a mapping of names to values")
            return None
        if len(value.node.fields) > most:
            value.wrong(f"has {len(value.node.fields)} entries, more than {most}")
        found: dict[str, T] = {}
        for name, node in value.node.fields.items():
            below = value.at(name, node)
            accepted = key(below, name)
            item = read(below)
            if accepted and item is not None:
                found[name] = item
        return found

    return reader


def table(
    value: Value,
    readers: Mapping[str, Reader[Any]],
    required: Sequence[str] = (),
    elsewhere: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Read a mapping whose keys are known; absent and empty keys are left out of the result.

    Unknown keys are problems with a did-you-mean; `elsewhere` explains keys that are understood and refused.
    """
    if not isinstance(value.node, Fields):
        value.wrong("must be a mapping of keys to values")
        return {}
    found: dict[str, Any] = {}
    for name, node in value.node.fields.items():
        below = value.at(name, node)
        if name in readers:
            if not (isinstance(node, Scalar) and node.empty):
                item = readers[name](below)
                if item is not None:
                    found[name] = item
        elif elsewhere and name in elsewhere:
            below.wrong("is not taken here", elsewhere[name])
        else:
            below.wrong("is not a known key", did_you_mean(name, readers))
    for name in required:
        node_or_none = value.node.fields.get(name)
        if node_or_none is None or (isinstance(node_or_none, Scalar) and node_or_none.empty):
            place = Value(f"{value.path}.{name}" if value.path else name, value.node, value.problems, value.notes)
            place.wrong("is missing")
    return found


def did_you_mean(typed: str, known: Mapping[str, object] | Sequence[str]) -> str:
    """A question with the nearest known word, else the list of them."""
    return _guess(typed, known) or f"known: {', '.join(known)}"


def _guess(typed: str, known: Mapping[str, object] | Sequence[str]) -> str:
    import difflib

    near = difflib.get_close_matches(typed.lower(), list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""


def raw(value: Value) -> Any:
    """A node as JSON would have it, by YAML 1.2's core rules; for fields that are passed on to a provider."""
    node = value.node
    if isinstance(node, Fields):
        return {name: raw(value.at(name, inner)) for name, inner in node.fields.items()}
    if isinstance(node, Items):
        return [raw(value.at(index, inner)) for index, inner in enumerate(node.items)]
    typed = node.text
    if not node.plain:
        return typed
    if node.empty:
        return None
    if typed in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return typed.lower() == "true"
    if re.fullmatch(r"[+-]?(0|[1-9]\d{0,17})", typed, re.ASCII):
        return int(typed)
    if _FLOAT.fullmatch(typed):
        return float(typed)
    return typed
