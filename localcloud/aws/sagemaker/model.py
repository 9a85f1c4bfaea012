"""The vendor's own model of SageMaker (from botocore) as a judge: lengths, ranges, patterns and enums included.

botocore itself checks only unknown and missing members, types and minima; the service checks everything.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.aws.sagemaker.errors import ServiceError, invalid

# The patterns are Java's. Python's re has no \p{..}; these stand for the same characters inside brackets (the one
# pattern with letters and numbers of any script also allows the underscore that \w brings).
_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    r"\p{Alnum}": "a-zA-Z0-9",
}
# Java's dot stops at every kind of line end.
_DOT = {".*": r"[^\n\r\u0085\u2028\u2029]*", ".+": r"[^\n\r\u0085\u2028\u2029]+"}


@functools.cache
def service() -> Any:
    """botocore's ServiceModel of SageMaker; loading takes about 0.3 s, once."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")


def check(operation: str, document: Any) -> None:
    """Check a decoded request against the model; raise ServiceError naming every violated constraint."""
    shape = service().operation_model(operation).input_shape
    if not isinstance(document, Mapping):
        raise ServiceError("SerializationException", "the request body is not a JSON object")
    problems = list(_violations(document, shape, ""))
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
        raise invalid(count + "; ".join(problems))


def _violations(value: Any, shape: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        _expect(isinstance(value, Mapping), path, "an object")
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
        for name, inner in value.items():
            if name not in shape.members:
                raise ServiceError("SerializationException", f"unknown field '{_join(path, name)}'")
            if inner is not None:
                yield from _violations(inner, shape.members[name], _join(path, name))
    elif kind == "list":
        _expect(isinstance(value, list), path, "a list")
        yield from _bounds(value, len(value), shape, path, "length")
        for index, inner in enumerate(value, 1):
            yield from _violations(inner, shape.member, f"{path}.{index}.member")
    elif kind == "map":
        _expect(isinstance(value, Mapping), path, "an object")
        yield from _bounds(value, len(value), shape, path, "length")
        for key, inner in value.items():
            yield from _violations(key, shape.key, f"{path}.key")
            yield from _violations(inner, shape.value, f"{path}.{key}.member")
    elif kind == "string":
        _expect(isinstance(value, str), path, "a string")
        yield from _text(value, shape, path)
    elif kind in ("integer", "long", "float", "double", "timestamp"):
        whole = kind in ("integer", "long")
        number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        _expect(number, path, "a whole number" if whole else "a number")
        yield from _bounds(value, value, shape, path, "value")
    elif kind == "boolean":
        _expect(isinstance(value, bool), path, "a boolean")


def _expect(right: bool, path: str, what: str) -> None:
    if not right:
        raise ServiceError("SerializationException", f"'{path}' is not {what}")


def _join(path: str, name: str) -> str:
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name


def _bounds(value: Any, measure: float, shape: Any, path: str, what: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    failed = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must have {what}"
    if low is not None and measure < low:
        yield f"{failed} greater than or equal to {low}"
    if high is not None and measure > high:
        yield f"{failed} less than or equal to {high}"


def _text(value: str, shape: Any, path: str) -> Iterator[str]:
    yield from _bounds(value, len(value), shape, path, "length")
    failed = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must satisfy"
    if shape.enum and value not in shape.enum:
        yield f"{failed} enum value set: [{', '.join(shape.enum)}]"
    pattern = shape.metadata.get("pattern")
    if pattern and not matches(pattern, value):
        yield f"{failed} regular expression pattern: {pattern}"


def matches(pattern: str, value: str) -> bool:
    """Whether a value fits a pattern of the model in full."""
    return _compiled(pattern).fullmatch(value) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    scripts = r"\p{L}" in pattern
    for theirs, ours in _CLASSES.items():
        pattern = pattern.replace(theirs, ours)
    return re.compile(_DOT.get(pattern, pattern), re.UNICODE if scripts else re.ASCII)
