"""Checks inputs against the property table, in the provider's words where it checks too.

The real provider drops a property that it does not know, and leaves closed enumerations to the service; the
stand-in refuses both, so that neither waits for a real account.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

from localcloud.plugin.azure.table import inner, option
from localcloud.plugin.schema import Failure, Table
from localcloud.plugin.values import UNKNOWN, Properties

WORDS: dict[str, tuple[type, str]] = {
    "string": (str, "string"),
    "bool": (bool, "boolean"),
    "list": (list, "array"),
    "string_set": (list, "array"),
    "map": (dict, "object"),
    "object": (dict, "object"),
    "union": (dict, "object"),
}
LOCATION = "Either set it explicitly or configure it with 'pulumi config set azure-native:location <value>'."


def check(properties: Table, values: Properties, path: str = "") -> list[Failure]:
    """Everything that is wrong with the values of one object."""
    failures = []
    for name, prop in properties.items():
        if prop.get("required") and values.get(name) is None:
            at = _at(path, name)
            hint = f". {LOCATION}" if at == "location" else ""
            failures.append(Failure(at, f"missing required property '{at}'{hint}"))
    for name, value in values.items():
        at = _at(path, name)
        if name not in properties:
            near = difflib.get_close_matches(name, properties, 1)
            hint = f" (is '{near[0]}' meant?)" if near else ""
            failures.append(Failure(at, f"there is no property '{at}'{hint}; the provider would drop it"))
        elif properties[name].get("unplaced"):
            failures.append(Failure(at, f"the api-version of this type has no '{at}'"))
        elif value is not None:
            failures += _value(properties[name], value, at)
    return failures


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _value(prop: Table, value: Any, at: str) -> list[Failure]:
    kind = prop["type"]
    if value is UNKNOWN or kind == "any":
        return []
    if kind == "number":
        return _number(prop, value, at)
    wanted, word = WORDS[kind]
    fits: bool = isinstance(value, wanted)
    if not fits:
        return [Failure(at, f"'{at}' should be of type '{word}' but got {_kind(value)}")]
    if kind == "bool":
        return []
    if kind == "string":
        return _string(prop, value, at)
    if kind in ("list", "string_set"):
        items = prop.get("items", {"type": "string"})
        return [
            *_length(prop, value, at, "elements"),
            *(failure for i, one in enumerate(value) for failure in _value(items, one, f"{at}[{i}]")),
        ]
    if kind == "map":
        return [failure for key, one in value.items() for failure in _value(prop["items"], one, _at(at, key))]
    properties = inner(prop["ref"]) if kind == "object" else option(prop["options"], value)
    if properties is None:
        return [Failure(at, f"'{at}' is none of the types that it can be: {_options(prop)}")]
    return check(properties, value, at)


def _options(prop: Table) -> str:
    """The constants that tell the types of a union apart: `computeType=AmlCompute, computeType=Kubernetes`."""
    pairs = ((name, one.get("const")) for key in prop["options"] for name, one in inner(key).items())
    return ", ".join(f"{name}={const}" for name, const in pairs if const)


def _number(prop: Table, value: Any, at: str) -> list[Failure]:
    word = "integer" if prop.get("whole") else "number"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return [Failure(at, f"'{at}' should be of type '{word}' but got {_kind(value)}")]
    failures = []
    if prop.get("whole") and value != int(value):
        failures.append(Failure(at, f"'{at}' must be an integer but got {value}"))
    if value < prop.get("minimum", value):
        failures.append(Failure(at, f"'{at}' is too low ({value} < {prop['minimum']})"))
    if value > prop.get("maximum", value):
        failures.append(Failure(at, f"'{at}' is too high ({value} > {prop['maximum']})"))
    return failures


def _string(prop: Table, value: str, at: str) -> list[Failure]:
    failures = _length(prop, value, at, "characters")
    if "pattern" in prop and not re.search(prop["pattern"], value):
        failures.append(Failure(at, f"'{at}' does not match expression '{prop['pattern']}'"))
    if "enum" in prop and value not in prop["enum"]:
        failures.append(Failure(at, f"'{at}' is '{value}', and Azure takes only {', '.join(prop['enum'])}"))
    return failures


def _length(prop: Table, value: Any, at: str, what: str) -> list[Failure]:
    size = len(value)
    if size < prop.get("minLength", size):
        return [Failure(at, f"'{at}' is too short ({size}): at least {prop['minLength']} {what} required")]
    if size > prop.get("maxLength", size):
        return [Failure(at, f"'{at}' is too long ({size}): at most {prop['maxLength']} {what} allowed")]
    return []


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    names = {str: "a string", int: "a number", float: "a number", list: "an array", dict: "an object"}
    return names[type(value)]
