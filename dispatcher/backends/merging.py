"""Merging a queue's raw provider fields into a request, the same way for every cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def merge(
    base: Mapping[str, Any],
    over: Mapping[str, Any],
    lists: Callable[[str, list[Any], list[Any]], list[Any]] = lambda key, before, added: added,
) -> dict[str, Any]:
    """Return `base` with `over`: objects merge, null removes, the rest replaces.

    `lists(key, before, added)` decides what becomes of a list that is there already.
    """
    merged = dict(base)
    for key, value in over.items():
        before = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = merge(before if isinstance(before, Mapping) else {}, value, lists)
        elif isinstance(value, list | tuple):
            merged[key] = lists(key, before, list(value)) if isinstance(before, list) else list(value)
        else:
            merged[key] = value
    return merged


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield every innermost value with its path, such as `Tags[0].Key`; empty objects and lists are innermost."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and value:
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def touches(overrides: Mapping[str, Any], path: str) -> bool:
    """Tell whether the value at `path` of a request came from `overrides`."""
    value: Any = overrides
    for part in path.split("."):
        key = part.partition("[")[0]
        if not isinstance(value, Mapping):
            return True  # a list, which replaces the whole field, or the offending value itself
        if key not in value:
            return False
        value = value[key]
    return True
