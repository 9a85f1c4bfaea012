"""Write dispatcher/backends/vertex/data/custom_job.json: the vendor's own model of one request, as JSON has it.

It is the closure of `CustomJob` in the installed protos: field names, types, enums, and which fields are required
or only ever answered, as their documentation says. Limits that the protos state in prose only are in `LIMITS`,
each with the sentence it comes from. Run: `python -m tools.vendor_model.vertex [--check]`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dispatcher.backends.vertex import protos
from tools.vendor_model.extract import main, text

TARGET = Path(__file__).resolve().parents[2] / "dispatcher/backends/vertex/data/custom_job.json"
OPERATION = "CreateCustomJob"
MODULES = (
    "custom_job", "accelerator_type", "encryption_spec", "env_var", "io", "machine_resources",
    "reservation_affinity", "service_networking",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prose:
    """A limit of one field that the protos, or the guide, state in a sentence only."""

    owner: str
    field: str
    says: str
    limits: dict[str, Any]


LIMITS = (
    Prose("CustomJob", "displayName", "The name can be up to 128 characters long", {"min": 1, "max": 128}),
    Prose("ContainerSpec", "env", "Maximum limit is 100.", {"max": 100}),
    Prose("PythonPackageSpec", "env", "Maximum limit is 100.", {"max": 100}),
    Prose("PythonPackageSpec", "packageUris", "The maximum number of package URIs is 100.", {"max": 100}),
    Prose("EnvVar", "name", "Must be a valid C identifier.", {"pattern": "[A-Za-z_][A-Za-z0-9_]*"}),
    Prose(
        "DiskSpec",
        "bootDiskType",
        '(Persistent Disk Hard Disk Drive) or "hyperdisk-balanced".',
        {"enum": ["pd-ssd", "pd-standard", "hyperdisk-balanced"]},
    ),
    Prose("DiskSpec", "bootDiskSizeGb", "guide: an integer between 100 and 64,000", {"min": 100, "max": 64000}),
    Prose(
        "GcsDestination",
        "outputUriPrefix",
        "Google Cloud Storage URI to output directory.",
        {"pattern": "gs://[a-z0-9][a-z0-9._-]*(/.*)?"},
    ),
    Prose(
        "CustomJobSpec",
        "network",
        "{project} is a project number, as in 12345, and {network} is a network name.",
        {"pattern": r"projects/\d+/global/networks/[^/]+"},
    ),
)
MAPS: dict[str, dict[str, Any]] = {
    # Keys and values "can only contain lowercase letters, numeric characters, underscores and dashes" and have at
    # most 64 of them, Google Cloud's labels elsewhere at most 63; a resource has at most 64 labels (Resource
    # Manager, requirements for labels). The international characters that the proto allows are not used.
    "labels": {
        "max": 64,
        "key": {"type": "string", "min": 1, "max": 63, "pattern": "[a-z][a-z0-9_-]*"},
        "value": {"type": "string", "max": 63, "pattern": "[a-z0-9_-]*"},
    }
}
DURATION = {"type": "string", "pattern": r"\d{1,12}(\.\d{1,9})?s", "example": "3600s"}
"""The JSON of google.protobuf.Duration, and never negative here."""
_SCALARS = {9: "string", 8: "boolean", 5: "integer", 13: "integer", 1: "double", 2: "float"}
_INT64 = {3, 4, 6, 16}
_ENUM, _MESSAGE = 14, 11


class Extract:
    """Collects shapes while walking the descriptors of one message."""

    def __init__(self) -> None:
        self.shapes: dict[str, Any] = {}
        self._prose = prose()

    def message(self, descriptor: Any) -> str:
        """Add the shape of a message and of everything in it; return its name."""
        name: str = descriptor.name
        if name in self.shapes:
            return name
        entry: dict[str, Any] = {"type": "structure", "members": {}, "required": []}
        self.shapes[name] = entry
        for member in descriptor.fields:
            prose = self._prose.get((name, member.name), "")
            if prose.startswith("Output only."):
                entry.setdefault("output", []).append(member.json_name)
                continue
            entry["members"][member.json_name] = self.field(name, member)
            if prose.startswith("Required."):
                entry["required"].append(member.json_name)
        entry["one_of"] = [
            [member.json_name for member in group.fields] for group in descriptor.oneofs if len(group.fields) > 1
        ]
        if not entry["one_of"]:
            del entry["one_of"]
        return name

    def field(self, owner: str, member: Any) -> str:
        """Return the name of the shape of one field."""
        limits = next(
            (rule.limits for rule in LIMITS if (rule.owner, rule.field) == (owner, member.json_name)), {}
        )
        if member.message_type is not None and member.message_type.GetOptions().map_entry:
            return self.add(f"{owner}.{member.json_name}", self._map(owner, member.json_name))
        if not member.is_repeated:
            return self.single(owner, member, limits)
        inner = self.single(owner, member, {})
        return self.add(f"{owner}.{member.json_name}[]", {"type": "list", "member": inner, **limits})

    def _map(self, owner: str, field: str) -> dict[str, Any]:
        facts = MAPS[field]
        return {
            "type": "map",
            "max": facts["max"],
            "key": self.add(f"{owner}.{field}.key", facts["key"]),
            "value": self.add(f"{owner}.{field}.value", facts["value"]),
        }

    def single(self, owner: str, member: Any, limits: dict[str, Any]) -> str:
        """Return the name of the shape of one value of a field."""
        if member.type == _MESSAGE:
            if member.message_type.full_name == "google.protobuf.Duration":
                return self.add("Duration", DURATION)
            return self.message(member.message_type)
        if member.type == _ENUM:
            names = [value.name for value in member.enum_type.values if value.number]
            parent = member.enum_type.containing_type
            return self.add(
                f"{parent.name}.{member.enum_type.name}" if parent else member.enum_type.name,
                {"type": "string", "enum": names},
            )
        if member.type in _INT64:
            return self.add("int64", {"type": "string", "pattern": r"-?\d{1,19}"})
        shape = {"type": _SCALARS[member.type], **limits}
        return self.add(f"{owner}.{member.json_name}" if limits else shape["type"], shape)

    def add(self, name: str, shape: dict[str, Any]) -> str:
        self.shapes[name] = shape
        return name


def prose() -> dict[tuple[str, str], str]:
    """Return the documentation of every field by message and field name; proto-plus keeps it in docstrings."""
    found: dict[tuple[str, str], str] = {}
    for module in MODULES:
        for name, message in vars(protos.load(module)).items():
            doc = getattr(message, "__doc__", None) or ""
            for match in re.finditer(
                r"^        (\w+) \(.*?\):\n            (.*?)(?=^        \w|\Z)", doc, re.S | re.M
            ):
                found[name, match[1]] = " ".join(match[2].split())
    return found


def extract() -> dict[str, Any]:
    """Return the extract as a document: the source, the root shape's name, and every shape it reaches."""
    extract = Extract()
    custom_job = protos.load("custom_job").CustomJob
    root = extract.message(custom_job.pb(custom_job()).DESCRIPTOR)
    return {
        "source": f"google-cloud-aiplatform {version('google-cloud-aiplatform')}, aiplatform_v1",
        "operation": OPERATION,
        "root": root,
        "shapes": dict(sorted(extract.shapes.items())),
    }


def render() -> str:
    """Return the file's text."""
    return text(extract())


if __name__ == "__main__":
    main(TARGET, render)
