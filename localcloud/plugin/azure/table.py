"""The property table (data/schema.json): types by key, options of a union, places in a body, paths of ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from localcloud.plugin.provider import ProviderError
from localcloud.plugin.schema import Table
from localcloud.plugin.settings import loaded
from localcloud.plugin.values import UNKNOWN, Properties

DATA = Path(__file__).parent / "data"
Steps = tuple[str, ...]
SCOPES = ("scope", "resourceUri")  # parameters that are whole ids, slashes and all


@cache
def schema() -> Table:
    return loaded(DATA / "schema.json")


def resource(token: str) -> Table:
    """Definition of a resource type; ProviderError when the stand-in does not know it."""
    found: Table | None = schema()["resources"].get(token)
    if found is None:
        raise ProviderError(f"Resource type {token} not found: the stand-in plugin does not know it")
    return found


def lookup(token: str) -> Table | None:
    found: Table | None = schema()["lookups"].get(token)
    return found


def inner(key: str) -> Table:
    """The properties of a nested type."""
    found: Table = schema()["types"][key]
    return found


def body_properties(definition: Table) -> Table:
    """The inputs that go into a body."""
    return {name: prop for name, prop in definition["inputs"].items() if "in" not in prop}


def option(keys: list[str], value: Properties) -> Table | None:
    """The type among a union's that has the value's constants, None when none of them has."""
    for properties in map(inner, keys):
        constants = {name: prop["const"] for name, prop in properties.items() if "const" in prop}
        if constants and all(value.get(name) in (const, UNKNOWN) for name, const in constants.items()):
            return properties
    return None


def place(name: str, prop: Table) -> Steps:
    """The steps to a property inside the object of the API that holds it."""
    return tuple(str(prop.get("to", name)).split("."))


def maintained(properties: Table, seen: Steps = ()) -> Iterator[tuple[Steps, Steps]]:
    """What has resources of its own too, so that leaving it out means to keep it: its SDK path and API path."""
    for name, prop in properties.items():
        at = place(name, prop)
        if prop.get("maintained"):
            yield (name,), at
        elif prop["type"] == "object" and prop["ref"] not in seen:
            for own, api in maintained(inner(prop["ref"]), (*seen, prop["ref"])):
                yield (name, *own), (*at, *api)


def dig(document: Any, steps: Steps) -> Any:
    """What stands at a path, None when nothing does."""
    for step in steps:
        document = document.get(step) if isinstance(document, dict) else None
    return document


def put(document: Properties, steps: Steps, value: Any) -> None:
    """Sets what stands at a path, with the objects on the way."""
    for step in steps[:-1]:
        document = document.setdefault(step, {})
    document[steps[-1]] = value


def filled(path: str, values: Properties) -> str:
    """An id from a path and what stands in it; a scope is an id itself. ProviderError when a part is missing."""

    def part(found: re.Match[str]) -> str:
        if values.get(found[1]) is None:
            raise ProviderError(f"missing required property '{found[1]}'")
        return str(values[found[1]]).strip("/") if found[1] in SCOPES else str(values[found[1]])

    return re.sub(r"\{(\w+)\}", part, path)


def parts(path: str, id: str) -> Properties:
    """The other way round: what an id has where the path has names, but for the subscription."""
    names = re.split(r"\{(\w+)\}", path)
    pattern = "".join(
        re.escape(one) if i % 2 == 0 else f"(?P<{one}>{'.+' if one in SCOPES else '[^/]+'})"
        for i, one in enumerate(names)
    )
    found = re.fullmatch(pattern, id, re.I)
    if found is None:
        raise ProviderError(f"{id} is no id such as {path}")
    return {name: value for name, value in found.groupdict().items() if name != "subscriptionId"}
