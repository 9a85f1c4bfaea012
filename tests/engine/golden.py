"""The inventory of a stack as a reviewed file; `python -m tests.engine.golden` writes all of them anew."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from localcloud.place import PERSON, SUBSCRIPTION, TENANT
from tests.engine.ground import ground, stand_in
from tests.engine.project import CHECKOUT, Key, Resource, stacks
from tests.engine.security.azure.view import BUILT_IN

FOLDER = CHECKOUT / "tests" / "golden" / "inventory"
REGENERATE = "review and write it anew with `.venv/bin/python -m tests.engine.golden`"

# Inputs that say nothing about security: they are tested by behaviour elsewhere, and would drown the rest.
_LEFT_OUT = {"__defaults", "__internal", "description", "tags", "tagsAll", "version"}

# What differs from one `pulumi up` to the next.
_IDENTIFIERS = re.compile(
    r"\b(?:vpce-svc|vpce|vpc|pl|subnet|sg|rtb|igw|nat|eipalloc|eipassoc|acl|fl|sgr)-[0-9a-f]{8,17}\b"
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
)
_SECRET = "4dabf18193072939515e22adb298388d"  # the key that Pulumi marks an encrypted value with
# What the engine or a cloud made up: the tail of a name.
_RANDOM = re.compile(
    r"(?<=[-_ ])[0-9a-f]{7,8}\b"
    r"|(?<=-group)[0-9a-f]{8}\b"  # a resource group of Azure's, whose name the engine makes
    r"|(?<=/)[0-9a-f]{32}\b"  # a version of a key
)
_LOOPBACK = re.compile(r"127\.0\.0\.1:\d+")
# Identifiers that are everybody's: a reviewer wants to see which.
_KNOWN = {**BUILT_IN, SUBSCRIPTION: "subscription", TENANT: "tenant", PERSON: "deployer"}


def path(stack: str) -> Path:
    """The golden file of a stack."""
    return FOLDER / f"{stack}.yaml"


def inventory(resources: Mapping[Key, Resource], suffixes: Sequence[str]) -> dict[str, Any]:
    """`{type: {logical name: inputs}}`, with what is random or local replaced by its kind.

    `suffixes` are the stack's own parts of physical names.
    """
    found: dict[str, dict[str, Any]] = {}
    for kind, name in sorted(resources):
        resource = resources[kind, name]
        inputs = {key: value for key, value in resource.inputs.items() if key not in _LEFT_OUT}
        entry = {key: _plain(value, suffixes) for key, value in sorted(inputs.items())}
        if resource.protect:
            entry["(protect)"] = True
        found.setdefault(kind, {})[name] = entry
    return found


def _plain(value: Any, suffixes: Sequence[str]) -> Any:
    if isinstance(value, Mapping):
        if _SECRET in value:
            return "<secret>"
        kept = {key: item for key, item in value.items() if not key.startswith("__")}
        return {str(_plain(key, suffixes)): _plain(item, suffixes) for key, item in sorted(kept.items())}
    if isinstance(value, list):
        return [_plain(item, suffixes) for item in value]
    if isinstance(value, str):
        if value[:1] in "{[" and (document := _decoded(value)) is not None:
            return _plain(document, suffixes)
        text = _LOOPBACK.sub("<loopback>", value)
        for suffix in suffixes:
            text = text.replace(suffix, "<suffix>")
        text = _IDENTIFIERS.sub(lambda match: f"<{_KNOWN.get(match.group()) or _kind(match.group())}>", text)
        return _RANDOM.sub("<random>", text)
    if isinstance(value, float) and value.is_integer():
        return int(value)  # the engine keeps every number as a float
    return value


def _kind(identifier: str) -> str:
    return identifier.split("-")[0] if not identifier[0].isdigit() and identifier.count("-") == 1 else "id"


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def suffixes(outputs: Mapping[str, Any]) -> Sequence[str]:
    """What the stack appends to physical names, read off every zone's data bucket."""
    names = (str(zone["buckets"]["data"]["name"]) for zone in outputs["contract"]["zones"].values())
    return sorted({name.rsplit("-", 1)[1] for name in names if "-" in name})


def text(found: Mapping[str, Any], stack: str) -> str:
    """The file's content."""
    head = f"# Every resource of stack {stack} with the inputs that matter for security; {REGENERATE}.\n"
    return head + yaml.safe_dump(dict(found), sort_keys=False, width=110)


def main() -> None:
    """Bring every stack up on a cloud of its own and write its inventory."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for stack in sys.argv[1:] or stacks():
        with tempfile.TemporaryDirectory() as folder, ground(Path(folder), stand_in) as place:
            project = place.project(stack)
            project.up()
            path(stack).write_text(text(inventory(project.export(), suffixes(project.outputs())), stack))
            print(path(stack).relative_to(CHECKOUT))


if __name__ == "__main__":
    main()
