"""The vendor's own model as the judge: a checker over botocore's shapes that shares no code with ours."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.validate import validate_parameters


@functools.cache
def service(name: str = "sagemaker") -> Any:
    """Return botocore's model of a service; loaded once."""
    return botocore.session.get_session().get_service_model(name)


def complaints(body: dict[str, Any], operation: str = "CreateTrainingJob") -> list[str]:
    """Return everything the model forbids: botocore's own checks, then lengths, ranges, patterns, enums."""
    shape = service().operation_model(operation).input_shape
    try:
        validate_parameters(body, shape)
    except Exception as error:
        return [str(error)]
    return list(_walk(body, shape, "$"))


def _walk(value: Any, shape: Any, path: str) -> Iterator[str]:
    limits = shape.metadata
    size = value if shape.type_name in ("integer", "long", "float", "double") else None
    size = len(value) if shape.type_name in ("string", "list", "map") else size
    if size is not None and not limits.get("min", size) <= size <= limits.get("max", size):
        yield f"{path}: {size} not within {limits.get('min')}..{limits.get('max')}"
    if isinstance(value, bool) and shape.type_name != "boolean":
        yield f"{path}: {value} is no number"
    if shape.type_name == "structure":
        for key, item in value.items():
            yield from _walk(item, shape.members[key], f"{path}.{key}")
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield from _walk(item, shape.member, f"{path}[{index}]")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _walk(key, shape.key, f"{path}<{key}>")
            yield from _walk(item, shape.value, f"{path}.{key}")
    elif shape.type_name == "string":
        if limits.get("enum") and value not in limits["enum"]:
            yield f"{path}: {value!r} is not in the enum"
        if limits.get("pattern") and not _matches(limits["pattern"], value):
            yield f"{path}: {value!r} does not match {limits['pattern']}"


def _matches(pattern: str, value: str) -> bool:
    """Match as Java would: categories are looked up character by character and replaced by a letter."""
    if r"\p{L}" in pattern:
        value = "".join("x" if unicodedata.category(char)[0] in "LZN" else char for char in value)
        pattern = pattern.replace(r"\p{L}\p{Z}\p{N}", "x")
    pattern = pattern.replace(r"\p{Alnum}", "a-zA-Z0-9")
    if any(char in value for char in "\r\u0085\u2028\u2029") and pattern == ".*":
        return False
    return re.fullmatch(pattern, value, re.ASCII) is not None
