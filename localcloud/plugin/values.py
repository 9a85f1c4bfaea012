"""Property values between the wire (protobuf Struct) and plain Python, unknowns and secrets included."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf import struct_pb2

UNKNOWN_WIRE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # sdk/go/common/resource/plugin/rpc.go: UnknownStringValue
SIGNATURE = "4dabf18193072939515e22adb298388d"  # sdk/go/common/resource/sig: Key
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # sdk/go/common/resource/sig: Secret
RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"  # sdk/go/common/resource/sig: ResourceReference
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"  # sdk/go/common/resource/sig: OutputValue

Path = tuple[str | int, ...]
Properties = dict[str, Any]


class Unknown:
    """A value that only an update will know."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, memo: object) -> Unknown:
        return self


UNKNOWN = Unknown()


def decode(struct: struct_pb2.Struct) -> tuple[Properties, frozenset[Path]]:
    """Plain values (UNKNOWN where unknown) and the paths that were secret."""
    secrets: set[Path] = set()
    plain = {key: _plain(value, (key,), secrets) for key, value in struct.fields.items()}
    return plain, frozenset(secrets)


def plain(struct: struct_pb2.Struct) -> Properties:
    return decode(struct)[0]


def encode(properties: Properties, secrets: Iterable[Path] = ()) -> struct_pb2.Struct:
    """The wire form, with the values at `secrets` marked secret."""
    struct = struct_pb2.Struct()
    wanted = frozenset(secrets)
    for key, value in properties.items():
        struct.fields[key].CopyFrom(_wire(value, (key,), wanted))
    return struct


def has_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(has_unknown(inner) for inner in value.values())
    if isinstance(value, list):
        return any(has_unknown(inner) for inner in value)
    return value is UNKNOWN


def show(path: Iterable[str | int]) -> str:
    """`('rules', 0, 'status')` -> `rules[0].status`"""
    return "".join(_step(step, i) for i, step in enumerate(path))


def _step(step: str | int, position: int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if not step.replace("_", "").isalnum():
        return f'["{step}"]'
    return step if position == 0 else f".{step}"


def _plain(value: struct_pb2.Value, path: Path, secrets: set[Path]) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _special(value.struct_value, path, secrets)
    if kind == "list_value":
        return [_plain(inner, (*path, i), secrets) for i, inner in enumerate(value.list_value.values)]
    if kind == "string_value":
        return UNKNOWN if value.string_value == UNKNOWN_WIRE else value.string_value
    if kind == "number_value":
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    return value.bool_value if kind == "bool_value" else None


def _special(struct: struct_pb2.Struct, path: Path, secrets: set[Path]) -> Any:
    fields = struct.fields
    signature = fields[SIGNATURE].string_value if SIGNATURE in fields else ""
    if not signature:
        return {key: _plain(inner, (*path, key), secrets) for key, inner in fields.items()}
    if signature == SECRET:
        secrets.add(path)
        return _plain(fields["value"], path, secrets)
    if signature == OUTPUT:
        if "secret" in fields and fields["secret"].bool_value:
            secrets.add(path)
        return _plain(fields["value"], path, secrets) if "value" in fields else UNKNOWN
    if signature == RESOURCE:
        return _plain(fields["id"], path, secrets) if "id" in fields else fields["urn"].string_value
    raise ValueError(f"{show(path)}: assets and archives are no values of this provider")


def _wire(value: Any, path: Path, secrets: frozenset[Path]) -> struct_pb2.Value:
    wire = struct_pb2.Value()
    if value is UNKNOWN:
        wire.string_value = UNKNOWN_WIRE
    elif value is None:
        wire.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        wire.bool_value = value
    elif isinstance(value, int | float):
        wire.number_value = value
    elif isinstance(value, str):
        wire.string_value = value
    elif isinstance(value, dict):
        wire.struct_value.SetInParent()
        for key, inner in value.items():
            wire.struct_value.fields[key].CopyFrom(_wire(inner, (*path, key), secrets))
    elif isinstance(value, list | tuple):
        wire.list_value.values.extend(_wire(inner, (*path, i), secrets) for i, inner in enumerate(value))
        wire.list_value.SetInParent()
    else:
        raise TypeError(f"{show(path)}: {type(value).__name__} is no property value")
    return _sealed(wire) if path in secrets else wire


def _sealed(value: struct_pb2.Value) -> struct_pb2.Value:
    wire = struct_pb2.Value()
    wire.struct_value.fields[SIGNATURE].string_value = SECRET
    wire.struct_value.fields["value"].CopyFrom(value)
    return wire
