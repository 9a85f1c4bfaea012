"""The resources of an exported state as a template of Azure Resource Manager, as bodies go to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.plugin.azure import body, table
from tests.engine.project import Key, Resource

PACKAGE = "azure-native"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"

Document = dict[str, Any]


def document(resources: Mapping[Key, Resource]) -> Document:
    """`{"resources": [...]}` of Azure's resources; names are those of the things.

    A type that is not in the stand-in's table is a ProviderError.
    """
    ours = [found for _, found in sorted(resources.items()) if found.type.startswith(f"{PACKAGE}:")]
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": [_resource(one) for one in ours]}


def _resource(resource: Resource) -> Document:
    definition = table.resource(resource.type)
    sent = body.sent(table.body_properties(definition), dict(resource.inputs))
    return {
        "type": definition["arm"],
        "apiVersion": definition["version"],
        "name": "/".join(resource.id.rpartition("/providers/")[2].split("/")[2::2]) or resource.name,
        **{key: _whole(value) for key, value in sent.items() if key not in ("name", "type")},
    }


def _whole(value: Any) -> Any:
    """Numbers as the wire has them: the engine keeps every one as a float."""
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
