"""Everything that exists in the local subscription of Azure, type by type."""

from __future__ import annotations

from localcloud import Cloud
from tests.engine.clients import SUBSCRIBED, azure_listed

# Lists of the subscription itself: `{type: path below it}`.
_OF_SUBSCRIPTION = {
    "resourceGroups": "/resourceGroups",
    "roleAssignments": "/providers/Microsoft.Authorization/roleAssignments",
    "roleDefinitions": "/providers/Microsoft.Authorization/roleDefinitions",
    "diagnosticSettings": "/providers/Microsoft.Insights/diagnosticSettings",
    "budgets": "/providers/Microsoft.Consumption/budgets",
}
# What lies inside a resource of a type, by the list's path below it.
_INSIDE = {
    "Microsoft.KeyVault/vaults": ("keys",),
    "Microsoft.MachineLearningServices/workspaces": (
        "computes",
        "datastores",
        "environments",
        "jobs",
        "outboundRules",
    ),
    "Microsoft.ManagedIdentity/userAssignedIdentities": ("federatedIdentityCredentials",),
    "Microsoft.Network/privateDnsZones": ("virtualNetworkLinks",),
    "Microsoft.Network/privateEndpoints": ("privateDnsZoneGroups",),
    "Microsoft.Network/virtualNetworks": ("subnets",),
    "Microsoft.Storage/storageAccounts": ("blobServices/default/containers",),
}


def census(cloud: Cloud, region: str) -> dict[str, list[str]]:
    """`{type: ids}` of the local subscription, in whatever region, without what an untouched one holds.

    What cannot be deleted is not counted: names of vaults and workspaces that stay taken for a time, and resource
    providers, which stay registered.
    """
    found: dict[str, list[str]] = {}
    for kind, path in _OF_SUBSCRIPTION.items():
        found[kind] = [one["id"] for one in azure_listed(cloud, f"{SUBSCRIBED}{path}")]
    for one in azure_listed(cloud, f"{SUBSCRIBED}/resources"):
        id, kind = one["id"], one["type"]
        found.setdefault(kind, []).append(id)
        for inside in _INSIDE.get(kind, ()):
            things = azure_listed(cloud, f"{id}/{inside}")
            found.setdefault(f"{kind}/{inside}", []).extend(thing["id"] for thing in things)
        settings = azure_listed(cloud, f"{id}/providers/Microsoft.Insights/diagnosticSettings")
        found["diagnosticSettings"] += [setting["id"] for setting in settings]
    return {kind: sorted(set(ids)) for kind, ids in found.items() if ids}
