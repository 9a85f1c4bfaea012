"""What an update would change: inputs of last time against those of now, as the real provider compares them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localcloud.plugin.diff import Change, Difference
from localcloud.plugin.schema import Table
from localcloud.plugin.values import UNKNOWN, Path, Properties

MADE_UP = "__createBeforeDelete"
"""The provider's note in the inputs that it made the name up, so that a replacement may come first."""


def difference(definition: Table, olds: Properties, news: Properties, state: Properties) -> Difference:
    """Changes from old to new inputs; `state` are the outputs of last time."""
    replaces = {name for name, prop in definition["inputs"].items() if prop.get("replace")}
    changes = []
    for change in _object(replaces, olds, news, ()):
        name = str(change.path[0])
        if name in ("location", "resourceGroupName") and _same(name, olds.get(name), news.get(name)):
            continue
        if change.kind == "add" and change.replace and name not in olds and news.get(name) == state.get(name):
            change = Change(change.path, "add", False)  # it has been so all the time
        changes.append(change)
    first = any(change.replace for change in changes) and not olds.get(MADE_UP, False)
    return Difference(tuple(changes), first)


def normal(location: str) -> str:
    """`West Europe` and `westeurope` are one place."""
    return location.replace(" ", "").lower()


def _same(name: str, old: Any, new: Any) -> bool:
    if not (isinstance(old, str) and isinstance(new, str)):
        return False
    return normal(old) == normal(new) if name == "location" else old.lower() == new.lower()


def _object(replaces: set[str], old: Properties, new: Properties, path: Path) -> Iterator[Change]:
    """`replaces` are names at the top; inside one of them an update replaces, an addition or removal does not."""
    for name in [*old, *(name for name in new if name not in old)]:
        if name.startswith("__"):
            continue
        at, before, after = (*path, name), old.get(name), new.get(name)
        top = not path and name in replaces
        if before is None and after is None:
            continue
        if before is None:
            yield Change(at, "add", top)
        elif after is None:
            yield Change(at, "delete", top)
        else:
            yield from _value(replaces, before, after, at)


def _value(replaces: set[str], old: Any, new: Any, path: Path) -> Iterator[Change]:
    replace = path[0] in replaces
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _object(replaces, old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        for i, (before, after) in enumerate(zip(old, new, strict=False)):
            yield from _value(replaces, before, after, (*path, i))
        for i in range(len(old), len(new)):
            yield Change((*path, i), "add", False)
        for i in range(len(new), len(old)):
            yield Change((*path, i), "delete", False)
    elif new is UNKNOWN or old != new:
        yield Change(path, "update", replace)
