"""The resources of an exported state as Terraform JSON, by the names that the stand-ins' own tables hold."""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.engine.project import Key, Resource

# Outputs by which other resources name one, the most telling first.
_IDENTITIES = {
    "id": "id",
    "arn": "arn",
    "selfLink": "self_link",
    "email": "email",
    "name": "name",
    "bucket": "bucket",
}

_SECRET = "4dabf18193072939515e22adb298388d"  # the key that Pulumi marks an encrypted value with

Document = dict[str, Any]
Replace = Callable[[str], str]


@functools.cache
def table(cloud: str) -> Mapping[str, Any]:
    """The stand-in's property table of a cloud: `{type token: {terraform, properties}}`."""
    text = importlib.resources.files(f"localcloud.plugin.{cloud}").joinpath("data", "schema.json").read_text()
    found: Mapping[str, Any] = json.loads(text)
    return found


def document(resources: Mapping[Key, Resource], cloud: str) -> Document:
    """`{"resource": {type: {name: arguments}}}` of one cloud's resources, as `terraform_json` reads it.

    Where a value came from another resource there is a reference to that, so that checks over several resources
    see what belongs together; a protected resource has `prevent_destroy`. A type that is not in the stand-in's
    table is a KeyError.
    """
    ours = {found.urn: found for found in resources.values() if found.type.startswith(f"{cloud}:")}
    made: dict[str, dict[str, Any]] = {}
    for resource in ours.values():
        arguments: Document = {}
        properties = table(cloud)[resource.type]["properties"]
        for name, value in resource.inputs.items():
            if name in properties and value is not None:
                sources = [ours[urn] for urn in resource.depends.get(name, ()) if urn in ours]
                named = _references(sources, cloud)
                arguments[properties[name]["terraform"]] = _value(properties[name], value, named)
        if resource.protect:
            arguments["lifecycle"] = {"prevent_destroy": True}
        kind, _, name = address(resource, cloud).partition(".")
        made.setdefault(kind, {})[name] = arguments
    return {"resource": made}


def address(resource: Resource, cloud: str) -> str:
    """Terraform's name of a resource: `google_storage_bucket.gcp_usc1_storage_data`."""
    return f"{table(cloud)[resource.type]['terraform']}.{re.sub(r'[^A-Za-z0-9_]', '_', resource.name)}"


def _references(sources: list[Resource], cloud: str) -> dict[str, str]:
    """`{value: reference}` of everything by which these resources may be named."""
    return {
        value: f"${{{address(source, cloud)}.{attribute}}}"
        for source in sources
        for name, attribute in reversed(_IDENTITIES.items())
        if isinstance(value := source.id if name == "id" else source.outputs.get(name), str)
    }


def _value(prop: Mapping[str, Any], value: Any, named: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        if _SECRET in value:
            return None
        if "properties" in prop:
            inner = prop["properties"]
            return {
                inner[name]["terraform"]: _value(inner[name], item, named)
                for name, item in value.items()
                if name in inner and item is not None
            }
        return {key: _value(prop.get("items", {}), item, named) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(prop.get("items", {}), item, named) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # the engine keeps every number as a float
    return named.get(value, value) if isinstance(value, str) else value
