"""Write dispatcher/backends/azureml/data/*.json: Microsoft's own types of the two requests that start a job.

Each is the closure of the body of one resource type in the ARM types that the local cloud keeps
(localcloud/azure/types/data, from bicep-types-az): closed objects, what is required or only ever answered, enums,
patterns, and which fields go with which value of a discriminator. A job is cut down to a command job before, the
only kind that is sent. Run: `python -m tools.vendor_model.azure [--check]`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.vendor_model.extract import main, text

ROOT = Path(__file__).resolve().parents[2]
TYPES = ROOT / "localcloud/azure/types/data"
FILE = TYPES / "microsoft.machinelearningservices-2025-12-01.json"
DATA = ROOT / "dispatcher/backends/azureml/data"
TARGETS = {
    "PutJob": (DATA / "command_job.json", "jobs"),
    "PutEnvironmentVersion": (DATA / "environment_version.json", "environments/versions"),
}
"""Operation -> the file written, and the resource type below Microsoft.MachineLearningServices/workspaces."""
ONLY = {"JobBaseProperties": "Command"}
"""Discriminated type -> the one variant that is kept of it."""
WHOLE = frozenset({"shmSize"})
"""Fields whose pattern is not anchored and means the whole value all the same: `2gb` is no size of memory."""
ENVELOPE = frozenset({"id", "name", "type", "apiVersion"})
_REQUIRED, _READ_ONLY = 1, 2
_SCALARS = {"StringType": "string", "IntegerType": "integer", "BooleanType": "boolean", "AnyType": "any"}


class Extract:
    """Collects shapes while walking the types of one file."""

    def __init__(self, types: list[dict[str, Any]]) -> None:
        self.shapes: dict[str, Any] = {}
        self._types = types

    def root(self, resource: str) -> str:
        """Add the body of a resource type (`.../jobs`); return its name."""
        ending = f"/workspaces/{resource}@"
        found = next(one for one in self._types if one["$type"] == "ResourceType" and ending in one["name"])
        return self.shape(found["body"], resource)

    def shape(self, reference: Mapping[str, str], field: str) -> str:
        """Add the shape of a type and of everything in it; return its name. `field` names what has no name."""
        kind = self._types[int(reference["$ref"].removeprefix("#/"))]
        known = kind["$type"]
        if known == "ObjectType":
            return self._object(kind, field, kind.get("properties", {}))
        if known == "DiscriminatedObjectType":
            return self._discriminated(kind)
        if known == "ArrayType":
            limits = {"min": kind.get("minLength"), "max": kind.get("maxLength")}
            return self.add(
                f"{field}[]", {"type": "list", "member": self.shape(kind["itemType"], field), **_set(limits)}
            )
        if known in ("UnionType", "StringLiteralType"):
            return self.add(field, {"type": "string", "enum": self._literals(kind)})
        shape = _scalar(kind, field)
        return self.add(field if len(shape) > 1 else shape["type"], shape)

    def _literals(self, kind: Mapping[str, Any]) -> list[str]:
        """The values that are listed; of a set that is left open too, for the service takes no others today."""
        if kind["$type"] == "StringLiteralType":
            return [kind["value"]]
        each = (self._types[int(one["$ref"].removeprefix("#/"))] for one in kind["elements"])
        return [one["value"] for one in each if one["$type"] == "StringLiteralType"]

    def _discriminated(self, kind: Mapping[str, Any]) -> str:
        variants = {}
        for value, reference in kind["elements"].items():
            if ONLY.get(kind["name"], value) == value:
                one = self._types[int(reference["$ref"].removeprefix("#/"))]
                variants[value] = self._object(one, value, {**kind["baseProperties"], **one["properties"]})
        if len(variants) == 1:
            return next(iter(variants.values()))
        return self.add(kind["name"], {"type": "union", "by": kind["discriminator"], "variants": variants})

    def _object(self, kind: Mapping[str, Any], field: str, properties: Mapping[str, Any]) -> str:
        if "additionalProperties" in kind and not properties:
            value = self.shape(kind["additionalProperties"], f"{field}.value")
            return self.add(
                f"{field}{{}}", {"type": "map", "key": self.add("string", {"type": "string"}), "value": value}
            )
        name: str = kind["name"].rpartition("/")[2]
        if name in self.shapes:
            return name
        entry: dict[str, Any] = {"type": "structure", "members": {}, "required": []}
        self.shapes[name] = entry
        for member, facts in properties.items():
            if facts["flags"] & _READ_ONLY or (member in ENVELOPE and facts["flags"] & 8):
                entry.setdefault("output", []).append(member)
                continue
            entry["members"][member] = self.shape(facts["type"], f"{name}.{member}")
            if facts["flags"] & _REQUIRED:
                entry["required"].append(member)
        return name

    def add(self, name: str, shape: dict[str, Any]) -> str:
        self.shapes[name] = shape
        return name


def _scalar(kind: Mapping[str, Any], field: str) -> dict[str, Any]:
    limits = {
        "min": kind.get("minLength", kind.get("minValue")),
        "max": kind.get("maxLength", kind.get("maxValue")),
    }
    shape = {"type": _SCALARS[kind["$type"]], **_set(limits)}
    if pattern := kind.get("pattern"):
        whole = pattern.startswith("^") or pattern.endswith("$") or field.rpartition(".")[2] in WHOLE
        bare = pattern.removeprefix("^").removesuffix("$")
        shape["pattern"] = bare if whole else rf"[\s\S]*{bare}[\s\S]*"
    return shape


def _set(limits: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in limits.items() if value is not None}


@functools.cache
def _types() -> list[dict[str, Any]]:
    types: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    return types


def extract(operation: str) -> dict[str, Any]:
    """Return the extract as a document: the source, the root shape's name, and every shape it reaches."""
    extract = Extract(_types())
    root = extract.root(TARGETS[operation][1])
    commit = json.loads((TYPES / "index.json").read_text(encoding="utf-8"))["source"].partition(" commit ")[2][:10]
    return {
        "source": f"Azure/bicep-types-az@{commit}, Microsoft.MachineLearningServices 2025-12-01 (MIT License, (c) "
        "Microsoft Corporation)",
        "operation": operation,
        "root": root,
        "shapes": dict(sorted(extract.shapes.items())),
    }


def render(operation: str) -> str:
    """Return one file's text."""
    return text(extract(operation))


if __name__ == "__main__":
    for operation, (target, _) in TARGETS.items():
        main(target, functools.partial(render, operation))
