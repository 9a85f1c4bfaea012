"""What reaches what, as the cloud reports it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.engine.security.azure.view import Thing, View

_OUTSIDE = {"*", "0.0.0.0/0", "internet"}
_PARTS = {"amlworkspace", "blob", "file", "vault", "registry"}
# Which private DNS zones lead to each (learn.microsoft.com/azure/private-link/private-endpoint-dns).
_NAMES = {
    "amlworkspace": {"privatelink.api.azureml.ms", "privatelink.notebooks.azure.net"},
    "blob": {"privatelink.blob.core.windows.net"},
    "file": {"privatelink.file.core.windows.net"},
    "vault": {"privatelink.vaultcore.azure.net"},
    "registry": {"privatelink.azurecr.io"},
}


def _endpoints(view: View) -> dict[str, Thing]:
    """Private endpoints by the part that each leads to."""
    return {
        connection["properties"]["groupIds"][0]: endpoint
        for endpoint in view.of("Microsoft.Network/privateEndpoints")
        for connection in endpoint["properties"]["privateLinkServiceConnections"]
        if connection["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved"
    }


def the_workspace_answers_private_endpoints_only(view: View) -> Iterator[str]:
    """No address of the internet's reaches the workspace of a private zone."""
    properties = view.workspace["properties"]
    if view.private and properties.get("publicNetworkAccess") != "Disabled":
        yield f"public network access is {properties.get('publicNetworkAccess')}"
    if properties.get("allowPublicAccessWhenBehindVnet"):
        yield "the workspace answers everybody"


def everything_has_a_private_endpoint(view: View) -> Iterator[str]:
    """Workspace, blobs, files, vault, registry have an address in the network; the contract says the same."""
    if not view.private:
        return
    found = _endpoints(view)
    if missing := _PARTS - set(found):
        yield f"no private endpoint for {sorted(missing)}"
    said = {part: id.lower() for part, id in view.zone.network.endpoints.items()}
    if said != {part: endpoint["id"].lower() for part, endpoint in found.items()}:
        yield f"the contract says {sorted(said)}, the network has {sorted(found)}"


def names_lead_to_the_private_endpoints(view: View) -> Iterator[str]:
    """Every endpoint keeps its names in the private zones for it, and the network asks these."""
    zones = {one["id"].lower(): one["name"] for one in view.of("Microsoft.Network/privateDnsZones")}
    linked = {
        zones[id]
        for id in zones
        for link in view.every(f"{id}/virtualNetworkLinks")
        if link["properties"]["virtualNetwork"]["id"] == view.zone.network.ids.vnet
    }
    for part, endpoint in _endpoints(view).items():
        groups = view.every(f"{endpoint['id']}/privateDnsZoneGroups")
        configs = [config for group in groups for config in group["properties"]["privateDnsZoneConfigs"]]
        named = {zones.get(config["properties"]["privateDnsZoneId"].lower()) for config in configs}
        if missing := _NAMES[part] - (named & linked):
            yield f"{sorted(missing)} does not lead to {part}"


def jobs_leave_only_by_declared_egress(view: View) -> Iterator[str]:
    """The managed network lets out what is approved, or the internet where the contract says so."""
    if not (view.private and view.zone.network.ids.managed):
        return
    mode = view.workspace["properties"].get("managedNetwork", {}).get("isolationMode")
    wanted = "AllowOnlyApprovedOutbound" if view.zone.network.egress == "none" else "AllowInternetOutbound"
    if mode != wanted:
        yield f"egress is {view.zone.network.egress}, and the managed network is {mode}"
    rules = view.every(f"{view.workspace['id']}/outboundRules")
    yield from (f"jobs reach {rule['properties'].get('destination')}" for rule in rules)


def nodes_have_no_public_address(view: View) -> Iterator[str]:
    """Clusters have none, and nobody signs in at a node."""
    for cluster in view.clusters:
        outer, inner = cluster["properties"], cluster["properties"]["properties"]
        if inner.get("enableNodePublicIp") is not False or inner.get("remoteLoginPortPublicAccess") != "Disabled":
            yield f"nodes of {cluster['name']} are reached from outside"
        if not outer.get("disableLocalAuth"):
            yield f"somebody may sign in at nodes of {cluster['name']}"


def nodes_are_nobody_else(view: View) -> Iterator[str]:
    """Clusters carry the execution identity and no other."""
    for cluster in view.clusters:
        carried = {id.lower() for id in cluster.get("identity", {}).get("userAssignedIdentities", {})}
        if carried != {view.zone.identities.execution.lower()}:
            yield f"{cluster['name']} carries {sorted(carried)}"


def nodes_go_when_idle(view: View) -> Iterator[str]:
    """No node is paid for without a job beyond what the zone says, and none is of a kind that may be taken."""
    wanted = {one.name: one for one in view.zone.compute}
    for cluster in view.clusters:
        inner = cluster["properties"]["properties"]
        scale, said = inner["scaleSettings"], wanted[cluster["name"]]
        if (scale["minNodeCount"], scale["maxNodeCount"]) != (said.min, said.max):
            yield f"{cluster['name']} has {scale['minNodeCount']} to {scale['maxNodeCount']} nodes"
        if inner.get("vmPriority") != "Dedicated" or not scale.get("nodeIdleTimeBeforeScaleDown"):
            yield f"{cluster['name']}: {inner.get('vmPriority')}, idle {scale.get('nodeIdleTimeBeforeScaleDown')}"


def every_subnet_has_rules_and_no_way_out_of_its_own(view: View) -> Iterator[str]:
    """A security group on each, and no default outbound access."""
    for subnet in view.subnets:
        properties = subnet["properties"]
        if not properties.get("networkSecurityGroup"):
            yield f"{subnet['name']} has no rules"
        if properties.get("defaultOutboundAccess") is not False:
            yield f"{subnet['name']} may leave without anybody's asking"
        if properties.get("privateEndpointNetworkPolicies") != "NetworkSecurityGroupEnabled":
            yield f"rules do not count for private endpoints in {subnet['name']}"


def nothing_comes_in_from_outside(view: View) -> Iterator[str]:
    """No rule lets the internet in, and the last one refuses all that no other let in."""
    for guard in view.guards:
        inward = _rules(guard, "Inbound")
        for rule in inward:
            if rule["access"] == "Allow" and _places(rule, "sourceAddressPrefix") & _OUTSIDE:
                yield f"{guard['name']} lets in whoever comes"
        if not any(_refuses_everything(rule) for rule in inward):
            yield f"nothing refuses what comes in through {guard['name']}"


def nothing_goes_out_that_no_rule_allows(view: View) -> Iterator[str]:
    """What is not allowed is refused, and the internet is allowed only where the contract says so."""
    for guard in view.guards:
        outward = _rules(guard, "Outbound")
        if not any(_refuses_everything(rule) for rule in outward):
            yield f"everything may leave through {guard['name']}"
        for rule in outward:
            far = rule["access"] == "Allow" and _places(rule, "destinationAddressPrefix") & _OUTSIDE
            if far and view.zone.network.egress == "none":
                yield f"{guard['name']} lets traffic out to everywhere"


def nothing_has_a_public_address_without_declared_egress(view: View) -> Iterator[str]:
    """A NAT gateway's address only where jobs may leave through it; any other nowhere.

    A zone that asks for `agents` has one too, by which these reach Azure's sign-in: it is told here, being rare.
    """
    gateways = view.of("Microsoft.Network/natGateways")
    addresses = {one["id"].lower() for one in view.of("Microsoft.Network/publicIPAddresses")}
    used = {ref["id"].lower() for one in gateways for ref in one["properties"].get("publicIpAddresses", [])}
    yield from (f"{address} is no NAT gateway's" for address in addresses - used)
    if used and view.zone.network.egress == "none" and view.zone.network.ids.managed:
        yield f"egress is none, and {sorted(used)} leads out"


def _rules(guard: Thing, direction: str) -> list[dict[str, Any]]:
    rules = [rule["properties"] for rule in guard["properties"].get("securityRules", [])]
    return [rule for rule in rules if rule["direction"] == direction]


def _places(rule: dict[str, Any], key: str) -> set[str]:
    return {str(place).lower() for place in [rule.get(key), *rule.get(f"{key}es", [])] if place}


def _refuses_everything(rule: dict[str, Any]) -> bool:
    wide = all(rule.get(key) == "*" for key in ("protocol", "sourceAddressPrefix", "destinationAddressPrefix"))
    return rule["access"] == "Deny" and wide and rule.get("destinationPortRange") == "*"
