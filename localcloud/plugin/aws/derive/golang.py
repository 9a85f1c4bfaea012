"""Reads what the schema answer lacks from its Go source: replacement, defaults, conflicts, validators."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

KEY = r'(names\.Attr\w+|"[a-z0-9_]+"|[a-z]\w+)'
ENTRY = re.compile(rf"^{KEY}\s*:\s*(?:&?schema\.\w+)?\{{$")
CALL = re.compile(rf"^{KEY}\s*:\s*(\S+\(.*\)),$")
FACT = re.compile(
    r"^(ForceNew|Computed|Default|ConflictsWith|ExactlyOneOf|AtLeastOneOf|RequiredWith|MaxItems|MinItems|ValidateFunc"
    r"|ValidateDiagFunc|Validators|DiffSuppressFunc|PlanModifiers|CustomType)\s*:\s*(.*)$"
)
CONSTANT = re.compile(r'^\s*(Attr\w+|[a-z]\w+)\s*=\s*"([^"]*)"$', re.M)
SDK_NAMES = {"logs": "cloudwatchlogs"}  # folder of the provider -> Go SDK package, where they differ
LIST = re.compile(r"^(?:var )?\s*([a-z]\w+)\s*=\s*\[\]string\{$(.*?)^\s*\}$", re.M | re.S)


def constants(source: Path, text: str) -> dict[str, Any]:
    """String constants a file can name: the provider's `names.AttrX` and the file's own, also lists."""
    shared = (source / "names" / "attr_consts_gen.go").read_text()
    found: dict[str, Any] = dict(CONSTANT.findall(shared)) | dict(CONSTANT.findall(text))
    for name, body in LIST.findall(text):
        words = re.findall(r'names\.(Attr\w+)|"([^"]+)"|([a-z]\w+)', re.sub(r"//.*", "", body))
        found[name] = [literal or found.get(attr or local) for attr, literal, local in words]
    return found


def facts(source: Path, file: str) -> dict[str, dict[str, Any]]:
    """Property path -> facts, of the first schema in a resource's file.

    `a.b` is attribute `b` of block `a`; `a[]` are the elements of list `a`.
    """
    text = (source / "internal" / "service" / file).read_text()
    names = constants(source, text)
    found: dict[str, dict[str, Any]] = {}
    frames: list[
        str | None
    ] = []  # one per open brace: a property's name, "[]" for an element schema, None for the rest
    lines = iter(text.splitlines())
    inside = False
    for raw in lines:
        line = re.sub(r"\s+//.*$", "", raw).strip()
        if not inside:
            starts = re.search(r"map\[string\]\*schema\.Schema\{$|response\.Schema = schema\.Schema\{$", line)
            inside, frames = bool(starts), [None]
            continue
        entry = ENTRY.match(line)
        call = CALL.match(line)
        fact = FACT.match(line)
        if fact:
            value = fact.group(2)
            while _depth(value) > 0:
                value += " " + re.sub(r"\s+//.*$", "", next(lines)).strip()
            _note(found.setdefault(_path(frames), {}), fact.group(1), value.rstrip(","), names)
        elif entry and (name := _name(entry.group(1), names)):
            frames.append(name)
        elif call and (name := _name(call.group(1), names)):
            found.setdefault(_path([*frames, name]), {})["made_by"] = call.group(2)
        elif line.endswith("{"):
            frames.append("[]" if re.match(r"Elem:\s*&schema\.Schema\{$", line) else None)
        elif line.startswith("}"):
            frames.pop()
        if not frames:
            break
    return {path: facts for path, facts in sorted(found.items()) if path and facts}


def enums(source: Path, service: str, used: str) -> dict[str, dict[str, str]]:
    """Type -> constant -> value, of the enumerations of a service's Go SDK that the text `used` names.

    The SDK lies beside the provider in the Go module cache, in the version of its go.mod.
    """
    module = "github.com/aws/aws-sdk-go-v2/service/" + SDK_NAMES.get(service, service)
    version = re.search(rf"{module} (v\S+)", (source / "go.mod").read_text())
    if version is None:
        return {}
    text = (source.parents[2] / f"{module}@{version.group(1)}" / "types" / "enums.go").read_text()
    wanted = set(re.findall(r"types\.(\w+)", used))
    found: dict[str, dict[str, str]] = {}
    for name, kind, value in re.findall(r'^\t(\w+)\s+(\w+) = "([^"]*)"$', text, re.M):
        found.setdefault(kind, {})[name] = value
    return {kind: values for kind, values in found.items() if kind in wanted or wanted & values.keys()}


def _depth(text: str) -> int:
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|`[^`]*`', "", text)
    return sum(bare.count(c) for c in "({[") - sum(bare.count(c) for c in ")}]")


def _name(text: str, names: dict[str, Any]) -> str | None:
    found = text.strip('"') if text.startswith('"') else names.get(text.removeprefix("names."))
    return found if isinstance(found, str) else None


def _path(frames: list[str | None]) -> str:
    return ".".join(name for name in frames if name).replace(".[]", "[]")


def _note(facts: dict[str, Any], key: str, value: str, names: dict[str, Any]) -> None:
    value = re.sub(r"names\.(Attr\w+)", lambda m: f'"{names.get(m.group(1), m.group(1))}"', value)
    if key == "PlanModifiers":
        if "RequiresReplace" in value:
            facts["ForceNew"] = "true"
    elif key in ("ConflictsWith", "ExactlyOneOf", "AtLeastOneOf", "RequiredWith"):
        words = re.findall(r'"([^"]+)"|\b([a-z]\w+)\b', value.removeprefix("[]string"))
        listed = [literal or names.get(local) for literal, local in words]
        flat = [word for one in listed for word in (one if isinstance(one, list) else [one])]
        if None in flat:
            raise ValueError(f"cannot read {key} {value}")
        facts[key] = flat
    else:
        facts[key] = value
