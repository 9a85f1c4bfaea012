"""Frozen dataclasses to JSON documents and back, without checking: for what was checked when it came in."""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """The JSON document of a record: absent optional values are left out, tuples are lists, enums their value."""
    if dataclasses.is_dataclass(value):
        pairs = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: plain(inner) for name, inner in pairs if inner is not None}
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [plain(inner) for inner in value]
    return value.value if isinstance(value, enum.Enum) else value


def rebuild(kind: Any, data: Any) -> Any:
    """A record of type `kind` from such a document; keys that the type does not know are ignored."""
    origin = typing.get_origin(kind)
    if data is None or kind is Any:
        return data
    if origin in (types.UnionType, typing.Union):
        return rebuild(next(arm for arm in typing.get_args(kind) if arm is not type(None)), data)
    if origin is tuple:
        return tuple(rebuild(typing.get_args(kind)[0], item) for item in data)
    if dataclasses.is_dataclass(kind):
        return _record(kind, data)
    return kind(data) if isinstance(kind, type) and issubclass(kind, enum.Enum) else data


def _record(kind: Any, data: Any) -> Any:
    hints = _types(kind)
    return kind(**{name: rebuild(hints[name], data[name]) for name in hints if name in data})


@functools.cache
def _types(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)
