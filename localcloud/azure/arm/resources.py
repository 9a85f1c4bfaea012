"""Microsoft.Resources: the subscription and its resource groups, which hold and take along all that is in them."""

from __future__ import annotations

from localcloud.azure.arm.ids import GROUPS, SUBSCRIPTIONS
from localcloud.azure.arm.kinds import Kind, Put
from localcloud.azure.arm.store import Document, Resource, Resources, shown
from localcloud.azure.errors import bad
from localcloud.azure.plane import Request
from localcloud.azure.state import State


def _check_group(put: Put) -> None:
    if put.target.name.endswith("."):
        raise bad("The resource group name ends with a period.", "InvalidResourceGroup")


def _made_group(state: State, resource: Resource) -> None:
    resource.properties["provisioningState"] = "Succeeded"


def _inside(state: State, request: Request, resource: Resource) -> object:
    """What a group or the subscription holds, one entry per top-level resource (Resources_List)."""
    found = [one for one in state.store(Resources).below(resource.id) if _top(one)]
    keys = ("id", "name", "type", "location", "tags", "kind", "sku", "identity", "managedBy")
    return {
        "value": [{key: whole[key] for key in keys if key in whole} for one in found for whole in [shown(one)]]
    }


def _top(resource: Resource) -> bool:
    return resource.kind.count("/") == 1 and resource.id.count("/providers/") == 1 and "location" in resource.body


def _subscription(state: State, request: Request, resource: Resource, whole: Document) -> Document:
    return {key: value for key, value in whole.items() if key not in ("name", "type", "properties")}


KINDS = {
    GROUPS: Kind(
        check=_check_group,
        made=_made_group,
        actions={"resources": _inside},
        slow=frozenset({"DELETE"}),
        versions=("2020-10-01", "2021-04-01", "2022-09-01", "2024-07-01", "2024-11-01", "2025-04-01"),
    ),
    SUBSCRIPTIONS: Kind(shown=_subscription, actions={"resources": _inside}),
}
