"""Turns the provider's validator expressions (Go text) into typed rules; one that it cannot read is an error."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

Rule = dict[str, Any]


class Reader:
    """Reads the expressions of one resource's file."""

    def __init__(self, service: str, table: dict[str, Any], enums: dict[str, dict[str, str]]) -> None:
        self.service = service
        self.enums = enums  # Go type -> its constants -> their values
        self.constants: dict[str, Any] = table["constants"]
        self.values: dict[str, Any] = table["values"]
        self.functions: dict[str, Any] = table["functions"]
        self.structural: list[str] = table["structural"]
        self.suppressed: dict[str, str] | None = table.get("same")

    def default(self, text: str) -> Any:
        """A literal or an enum constant."""
        text = text.strip().rstrip(",")
        if re.fullmatch(r"(?:aws)?types\.\w+", text):
            return self.constant(text.split(".")[1])
        return json.loads(text)

    def rules(self, text: str) -> list[Rule]:
        """The typed rules of one validator expression."""
        text = text.strip().rstrip(",").strip()
        if text in self.functions:
            return [dict(rule) for rule in self.functions[text]["rules"]]
        if any(text.startswith(known) for known in self.structural):
            return []
        if array := re.fullmatch(r"\[\]validator\.\w+\{(.*)\}", text, re.S):
            return [rule for part in split(array.group(1)) for rule in self.rules(part)]
        if enum := re.fullmatch(r"(?:enum\.Validate|fwtypes\.StringEnumType)\[(?:aws)?types\.(\w+)\]\(\)", text):
            return [{"rule": "one_of", "values": list(self.enums[enum.group(1)].values())}]
        call = re.fullmatch(r"(?:\w+\.)?(\w+)\((.*)\)", text, re.S)
        if not call or call.group(1) not in CALLS:
            raise ValueError(f"{self.service}: cannot read validator {text!r}")
        return CALLS[call.group(1)](self, split(call.group(2)))

    def same(self, text: str) -> str:
        """The kind of values that one of the provider's functions takes for the same; "" for none."""
        if not text or self.suppressed is None:
            return ""
        known = "func" if text.startswith("func(") else text
        if known not in self.suppressed:
            raise ValueError(f"{self.service}: cannot read DiffSuppressFunc {text!r}")
        return self.suppressed[known]

    def constant(self, name: str) -> str:
        """Value of an SDK constant, e.g. `EncryptionTypeAes256` -> `AES256`."""
        return next(constants[name] for constants in self.enums.values() if name in constants)

    def number(self, text: str) -> Any:
        return self.constants[text] if text in self.constants else json.loads(text)

    def regex(self, text: str) -> str:
        """A pattern that Python reads; an error for one that it cannot."""
        inner = re.sub(r"^rege(?:xache|xp)\.MustCompile\((.*)\)$", r"\1", text, flags=re.S)
        pattern = str(self.constants[inner]) if inner in self.constants else _string(inner)
        if re.fullmatch(r"\[(?:\\p\{\w\})+\]\*", pattern):
            return ""  # Go classes that Python lacks; not anchored and repeated from zero, it refuses nothing
        re.compile(pattern)
        return pattern

    def strings(self, text: str) -> list[Any]:
        if text in self.values:
            return list(self.values[text]["values"])
        if inner := re.fullmatch(r"enum\.Slice\((.*)\)", text, re.S):
            return [self.constant(part.split(".")[1]) for part in split(inner.group(1))]
        literal = re.fullmatch(r"\[\]\w+\{(.*)\}", text, re.S)
        if not literal:
            raise ValueError(f"{self.service}: cannot read values {text!r}")
        return [json.loads(part) for part in split(literal.group(1))]


def split(text: str) -> list[str]:
    """Top-level comma separated parts."""
    parts, depth, quote, start = [], 0, "", 0
    for i, c in enumerate(text):
        if quote:
            quote = "" if c == quote and text[i - 1] != "\\" else quote
        elif c in '"`':
            quote = c
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def _string(text: str) -> str:
    return text.strip("`") if text.startswith("`") else str(json.loads(text))


def _each(reader: Reader, parts: list[str]) -> list[Rule]:
    return [rule for part in parts for rule in reader.rules(part)]


def _any(reader: Reader, parts: list[str]) -> list[Rule]:
    return [{"rule": "any", "of": [reader.rules(part) for part in parts]}]


def _bounds(rule: str) -> Callable[[Reader, list[str]], list[Rule]]:
    return lambda reader, parts: [{"rule": rule, "min": reader.number(parts[0]), "max": reader.number(parts[1])}]


def _least(rule: str) -> Callable[[Reader, list[str]], list[Rule]]:
    return lambda reader, parts: [{"rule": rule, "min": reader.number(parts[0]), "max": None}]


def _matches(rule: str) -> Callable[[Reader, list[str]], list[Rule]]:
    return lambda reader, parts: [{"rule": rule, "pattern": reader.regex(parts[0]), "message": _string(parts[1])}]


CALLS: dict[str, Callable[[Reader, list[str]], list[Rule]]] = {
    "All": _each,
    "AllDiag": _each,
    "ToDiagFunc": _each,
    "Any": _any,
    "StringLenBetween": _bounds("length"),
    "LengthBetween": _bounds("length"),
    "IntBetween": _bounds("range"),
    "Between": _bounds("range"),
    "IntAtLeast": _least("range"),
    "AtLeast": _least("range"),
    "SizeAtLeast": _least("size"),
    "SizeAtMost": lambda reader, parts: [{"rule": "size", "min": None, "max": reader.number(parts[0])}],
    "IsCIDRNetwork": _bounds("netmask"),
    "StringMatch": _matches("pattern"),
    "StringDoesNotMatch": _matches("not_pattern"),
    "ValidateEnum": lambda reader, parts: [{"rule": "one_of", "values": reader.strings(parts[0])}],
    "ValidateRegexp": lambda reader, parts: [
        {"rule": "pattern", "pattern": reader.regex(parts[0]), "message": f"must match {reader.regex(parts[0])}"}
    ],
    "StringInSlice": lambda reader, parts: [{"rule": "one_of", "values": reader.strings(parts[0])}],
    "OneOf": lambda reader, parts: [{"rule": "one_of", "values": reader.strings(parts[0])}],
    "IntInSlice": lambda reader, parts: [{"rule": "one_of", "values": reader.strings(parts[0])}],
    "validResourceName": lambda reader, parts: [
        {"rule": "length", "min": 1, "max": reader.number(parts[0])},
        {"rule": "pattern", "pattern": r"^[\w+=,.@-]*$", "message": r"must match [\w+=,.@-]"},
    ],
}
