"""What an update would change: documents compared as documents, sets without order, empty as absent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from localcloud.plugin.sameness import alike
from localcloud.plugin.schema import DEFAULTS, Table
from localcloud.plugin.values import UNKNOWN, Path, Properties, show

EMPTY: tuple[Any, ...] = (None, "", False, 0, [], {})


@dataclass(frozen=True, slots=True)
class Change:
    """One changed property: kind is add, delete or update."""

    path: Path
    kind: str
    replace: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes, and whether a replacement must delete first (its name is taken)."""

    changes: tuple[Change, ...] = ()
    delete_first: bool = False

    @property
    def names(self) -> frozenset[str]:
        """The top-level properties that change."""
        return frozenset(str(change.path[0]) for change in self.changes)


def difference(definition: Table, state: Properties, news: Properties, ignored: Iterable[str] = ()) -> Difference:
    """Compares checked inputs with the last known state, so that drift counts as a change like any other."""
    properties = {name: prop for name, prop in definition["properties"].items() if prop["input"]}
    skip = tuple(ignored)
    changes = tuple(
        change
        for change in _object(properties, state, news, (), False)
        if not show(change.path).startswith(skip or ("\0",))
    )
    name = definition.get("autoname", {}).get("property")
    # As the bridge decides it (pulumi-terraform-bridge, nameRequiresDeleteBeforeReplace): a name that the program
    # gave may be taken, whether or not it is what changes.
    given = bool(news.get(name)) and name not in news.get(DEFAULTS, ())
    first = given or bool(definition.get("delete_first"))
    return Difference(changes, first and any(change.replace for change in changes))


def _object(properties: Table, old: Properties, new: Properties, path: Path, replace: bool) -> Iterator[Change]:
    for name, prop in properties.items():
        yield from _value(prop, old.get(name), new.get(name), (*path, name), replace)


def _value(prop: Table, old: Any, new: Any, path: Path, replace: bool) -> Iterator[Change]:
    replace = replace or prop.get("replace", False)
    same = prop.get("same")
    if same and new is not UNKNOWN and alike(same, old, new):
        return
    if new is None:
        if old not in EMPTY and old != prop.get("default") and not (prop.get("computed") or prop.get("stays")):
            yield Change(path, "delete", replace)
        return
    if new in EMPTY and old in EMPTY:
        return
    if new is UNKNOWN:
        yield Change(path, "add" if old in EMPTY else "update", replace)
    elif prop["type"] == "object" and isinstance(old, dict):
        yield from _object(prop["properties"], old, new, path, replace)
    elif prop["type"] == "map":
        yield from _map(old or {}, new, path, replace)
    elif prop["type"] == "list" and isinstance(old, list):
        yield from _list(prop, old, new, path, replace)
    elif prop["type"] == "set" and isinstance(old, list):
        yield from _set(prop, old, new, path, replace)
    elif old in EMPTY:
        yield Change(path, "add", replace)
    elif not equal(prop, old, new):
        yield Change(path, "update", replace)


def _map(old: Properties, new: Properties, path: Path, replace: bool) -> Iterator[Change]:
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in new:
            yield Change((*path, key), "delete", replace)
        elif key not in old:
            yield Change((*path, key), "add", replace)
        elif old[key] != new[key] or new[key] is UNKNOWN:
            yield Change((*path, key), "update", replace)


def _list(prop: Table, old: list[Any], new: list[Any], path: Path, replace: bool) -> Iterator[Change]:
    for i, inner in enumerate(new):
        if i >= len(old):
            yield Change((*path, i), "add", replace)
        else:
            yield from _value(prop["items"], old[i], inner, (*path, i), replace)
    for i in range(len(new), len(old)):
        yield Change((*path, i), "delete", replace)


def _set(prop: Table, old: list[Any], new: list[Any], path: Path, replace: bool) -> Iterator[Change]:
    left = list(enumerate(old))
    for i, inner in enumerate(new):
        match = next((pair for pair in left if equal(prop["items"], pair[1], inner)), None)
        if match:
            left.remove(match)
        else:
            yield Change((*path, i), "add", replace)
    for i, _ in left:
        yield Change((*path, i), "delete", replace)


def equal(prop: Table, old: Any, new: Any) -> bool:
    """Whether a new value asks for nothing that the old is not."""
    if prop.get("same") and alike(prop["same"], old, new):
        return True
    if prop["type"] in ("object", "list", "set", "map"):
        return not any(True for _ in _value(prop, old, new, (), False))
    return bool(old == new) or (isinstance(old, str) and isinstance(new, str) and _same_document(prop, old, new))


def _same_document(prop: Table, old: str, new: str) -> bool:
    kinds = {rule["rule"] for rule in prop.get("rules", [])}
    if not kinds & {"json", "policy"}:
        return False
    try:
        return bool(canonical(json.loads(old)) == canonical(json.loads(new)))
    except ValueError:
        return False


def canonical(document: Any) -> Any:
    """A document with what means the same made equal: a list of one is its element, lists have no order."""
    if isinstance(document, dict):
        return {key: canonical(value) for key, value in document.items()}
    if isinstance(document, list):
        inner = [canonical(value) for value in document]
        if len(inner) == 1:
            return inner[0]
        return sorted(inner, key=lambda value: json.dumps(value, sort_keys=True))
    return {True: "true", False: "false"}[document] if isinstance(document, bool) else document
