"""Microsoft.Network: networks with their subnets, security groups, NAT, private endpoints and private DNS."""

from __future__ import annotations

import hashlib
import ipaddress
import uuid
from typing import Any

from localcloud.azure.arm.kinds import Kind, Put
from localcloud.azure.arm.store import Document, Resource, Resources, shown
from localcloud.azure.errors import AzureError, bad, conflict
from localcloud.azure.plane import Request
from localcloud.azure.state import State

NETWORKS = "Microsoft.Network/virtualNetworks"
SUBNETS = f"{NETWORKS}/subnets"
GROUPS = "Microsoft.Network/networkSecurityGroups"
GATEWAYS = "Microsoft.Network/natGateways"
ADDRESSES = "Microsoft.Network/publicIPAddresses"
ENDPOINTS = "Microsoft.Network/privateEndpoints"
ZONE_GROUPS = f"{ENDPOINTS}/privateDnsZoneGroups"
ZONES = "Microsoft.Network/privateDnsZones"
LINKS = f"{ZONES}/virtualNetworkLinks"

# What a private endpoint can lead to, by type. Source:
# learn.microsoft.com/azure/private-link/private-endpoint-overview (Private-link resource).
_PARTS = {
    "Microsoft.ContainerRegistry/registries": {"registry"},
    "Microsoft.KeyVault/vaults": {"vault"},
    "Microsoft.MachineLearningServices/workspaces": {"amlworkspace"},
    "Microsoft.Storage/storageAccounts": {"blob", "dfs", "file", "queue", "table", "web"},
}


def _guid(resource: Resource) -> str:
    found: str = resource.kept.setdefault("guid", str(uuid.uuid4()))
    return found


def _check_network(put: Put) -> None:
    space = put.body["properties"].get("addressSpace", {}).get("addressPrefixes") or []
    for subnet in put.body["properties"].get("subnets") or []:
        _require_inside(subnet["properties"], space, str(subnet.get("name")))
    if put.old is not None and "subnets" in put.body["properties"]:
        kept = {str(one.get("name")).lower() for one in put.body["properties"]["subnets"]}
        for one in put.state.store(Resources).of(SUBNETS, put.old.id):
            if one.name.lower() not in kept:
                _require_unused(put.state, one)


def _made_network(state: State, resource: Resource) -> None:
    """Subnets written with the network are resources of their own; those it does not name any more are gone."""
    resources = state.store(Resources)
    wanted = resource.properties.pop("subnets", None)
    resource.properties.update({"resourceGuid": _guid(resource), "provisioningState": "Succeeded"})
    if wanted is None:
        return
    names = {str(one["name"]).lower() for one in wanted}
    for one in resources.of(SUBNETS, resource.id):
        if one.name.lower() not in names:
            resources.remove(one)
    for subnet in wanted:
        id = f"{resource.id}/subnets/{subnet['name']}"
        made = resources.find(id)
        body = {"properties": subnet.get("properties", {})}
        if made is None:
            made = resources.add(id, SUBNETS, subnet["name"], body)
        else:
            resources.change(made, body)
        _made_subnet(state, made)


def _shown_network(state: State, request: Request, resource: Resource, whole: Document) -> Document:
    whole["properties"]["subnets"] = [
        _shown_subnet(state, request, one, shown(one)) for one in state.store(Resources).of(SUBNETS, resource.id)
    ]
    return whole


def _check_subnet(put: Put) -> None:
    network = put.state.store(Resources).get(put.target.parent)
    space = network.properties.get("addressSpace", {}).get("addressPrefixes") or []
    _require_inside(put.body["properties"], space, put.target.name)
    mine = [_range(one, put.target.name) for one in _prefixes(put.body["properties"])]
    for other in put.state.store(Resources).of(SUBNETS, network.id):
        if other is not put.old and any(
            _range(one, other.name).overlaps(own) for one in _prefixes(other.properties) for own in mine
        ):
            raise bad(
                f"Subnet '{put.target.name}' is not valid because its IP address range overlaps with that of an "
                f"existing subnet in virtual network '{network.name}'.",
                "NetcfgSubnetRangesOverlap",
            )
    for name in ("networkSecurityGroup", "natGateway", "routeTable"):
        if (ref := put.body["properties"].get(name)) and put.state.store(Resources).find(ref["id"]) is None:
            raise _dangling(ref["id"], put.target.id)


def _dangling(id: str, by: str) -> AzureError:
    return bad(f"Resource {id} referenced by resource {by} was not found.", "InvalidResourceReference")


def _prefixes(properties: dict[str, Any]) -> list[str]:
    one = properties.get("addressPrefix")
    return [one] if one else list(properties.get("addressPrefixes") or [])


def _require_inside(properties: dict[str, Any], space: list[str], name: str) -> None:
    for prefix in _prefixes(properties):
        mine = _range(prefix, name)
        if not any(mine.subnet_of(_range(one, name)) for one in space):
            raise bad(
                f"Subnet '{name}' is not valid because its IP address range is outside the IP address range of "
                "the virtual network.",
                "NetcfgInvalidSubnet",
            )


def _range(prefix: str, name: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(prefix)
    except ValueError as error:
        raise bad(f"Subnet '{name}' has an invalid address prefix {prefix}.", "InvalidCIDRNotation") from error


def _made_subnet(state: State, resource: Resource) -> None:
    resource.properties.setdefault("privateEndpointNetworkPolicies", "Disabled")
    resource.properties.setdefault("privateLinkServiceNetworkPolicies", "Enabled")
    resource.properties["provisioningState"] = "Succeeded"


def _shown_subnet(state: State, request: Request, resource: Resource, whole: Document) -> Document:
    used = [{"id": one.id} for one in _endpoints_in(state, resource)]
    return {**whole, "properties": {**whole["properties"], **({"privateEndpoints": used} if used else {})}}


def _endpoints_in(state: State, subnet: Resource) -> list[Resource]:
    found = state.store(Resources).of(ENDPOINTS)
    return [one for one in found if _subnet_of(one).lower() == subnet.id.lower()]


def _subnet_of(endpoint: Resource) -> str:
    return str((endpoint.properties.get("subnet") or {}).get("id", ""))


def _require_unused(state: State, subnet: Resource) -> None:
    used = _endpoints_in(state, subnet)
    if used:
        raise bad(
            f"Subnet {subnet.name} is in use by {used[0].id} and cannot be deleted. In order to delete the "
            "subnet, "
            "delete all the resources within the subnet. See aka.ms/deletesubnet.",
            "InUseSubnetCannotBeDeleted",
        )


def _refuse_used_group(state: State, resource: Resource) -> None:
    names = {GROUPS: "networkSecurityGroup", GATEWAYS: "natGateway"}
    for one in state.store(Resources).of(SUBNETS):
        ref = (one.properties.get(names[resource.kind]) or {}).get("id", "")
        if ref.lower() == resource.id.lower():
            raise bad(
                f"{resource.kind.rpartition('/')[2]} {resource.id} cannot be deleted because it is in use by "
                f"{one.id}.",
                "InUseNetworkSecurityGroupCannotBeDeleted" if resource.kind == GROUPS else "InUseCannotBeDeleted",
            )


def _made_parts(state: State, resource: Resource) -> None:
    """Security rules, connections and zone configurations in a resource have ids of their own."""
    resource.properties["provisioningState"] = "Succeeded"
    for name in ("securityRules", "privateLinkServiceConnections", "manualPrivateLinkServiceConnections"):
        for part in resource.properties.get(name) or []:
            part["id"] = f"{resource.id}/{name}/{part.get('name')}"
            part.setdefault("properties", {})["provisioningState"] = "Succeeded"
    if resource.kind in (GROUPS, GATEWAYS, ADDRESSES):
        resource.properties["resourceGuid"] = _guid(resource)


def _made_address(state: State, resource: Resource) -> None:
    _made_parts(state, resource)
    resource.properties.setdefault("publicIPAllocationMethod", "Static")
    number = int(hashlib.sha256(resource.id.encode()).hexdigest(), 16) % 250 + 2
    resource.properties["ipAddress"] = f"203.0.113.{number}"  # TEST-NET-3 (RFC 5737): nobody's


def _check_endpoint(put: Put) -> None:
    resources, properties = put.state.store(Resources), put.body["properties"]
    subnet = str((properties.get("subnet") or {}).get("id", ""))
    if resources.find(subnet) is None:
        raise _dangling(subnet, put.target.id)
    for connection in properties.get("privateLinkServiceConnections") or []:
        wanted = connection["properties"]
        target = resources.find(str(wanted.get("privateLinkServiceId")))
        if target is None:
            raise _dangling(str(wanted.get("privateLinkServiceId")), put.target.id)
        parts = set(wanted.get("groupIds") or [])
        if len(parts) != 1 or not parts <= _PARTS.get(target.kind, set()):
            raise bad(
                f"Call to {target.kind} failed. Error message: Required Members of group {sorted(parts)} not "
                "found: "
                f"there are {sorted(_PARTS.get(target.kind, set()))}.",
                "GroupIdNotFound",
            )


def _made_endpoint(state: State, resource: Resource) -> None:
    _made_parts(state, resource)
    for connection in resource.properties.get("privateLinkServiceConnections") or []:
        connection["properties"]["privateLinkServiceConnectionState"] = {
            "status": "Approved",
            "description": "Auto-Approved",
            "actionsRequired": "None",
        }
    resource.properties["networkInterfaces"] = [
        {"id": f"{resource.id.partition('/providers/')[0]}/providers/Microsoft.Network/networkInterfaces/"
         f"{resource.name}.nic.{_guid(resource)}"}
    ]  # fmt: skip
    resource.properties.setdefault("customDnsConfigs", [])


def _check_zone_group(put: Put) -> None:
    for config in (put.body.get("properties") or {}).get("privateDnsZoneConfigs") or []:
        id = str((config.get("properties") or {}).get("privateDnsZoneId"))
        if put.state.store(Resources).find(id) is None:
            raise _dangling(id, put.target.id)


def _check_zone(put: Put) -> None:
    if put.body.get("location") != "global":
        raise bad(
            f"The provided location '{put.body.get('location')}' is not available for resource type "
            "'Microsoft.Network/privateDnsZones'. List of available regions for the resource type is 'global'.",
            "LocationNotAvailableForResourceType",
        )


def _made_zone(state: State, resource: Resource) -> None:
    resource.properties.update({"provisioningState": "Succeeded", "maxNumberOfRecordSets": 25_000})


def _refuse_linked_zone(state: State, resource: Resource) -> None:
    links = state.store(Resources).of(LINKS, resource.id)
    if links:
        raise conflict(
            f"Can not delete resource before nested resources are deleted: {links[0].id}.", "CannotDeleteResource"
        )


def _check_link(put: Put) -> None:
    _check_zone(put)
    network = str((put.body["properties"].get("virtualNetwork") or {}).get("id"))
    if put.state.store(Resources).find(network) is None:
        raise _dangling(network, put.target.id)
    # A network resolves a name in one zone: status and words are Azure's (github.com/microsoft-foundry/
    # foundry-samples/pull/214, github.com/MicrosoftDocs/azure-aks-docs/issues/212).
    name = _zone_name(put.target.id)
    for one in put.state.store(Resources).of(LINKS):
        linked = one.properties["virtualNetwork"]["id"].lower() == network.lower()
        if linked and one is not put.old and _zone_name(one.id).lower() == name.lower():
            raise bad(
                "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to "
                f"link virtual network with '{name}' and '{_zone_name(one.id)}' zones.",
                "BadRequest",
            )


def _zone_name(link: str) -> str:
    return link.split("/")[-3]


def _made_link(state: State, resource: Resource) -> None:
    resource.properties.update({"provisioningState": "Succeeded", "virtualNetworkLinkState": "Completed"})


_SLOW = frozenset({"PUT", "DELETE"})
KINDS = {
    NETWORKS: Kind(_check_network, _made_network, shown=_shown_network, slow=_SLOW),
    SUBNETS: Kind(_check_subnet, _made_subnet, shown=_shown_subnet, keep=_require_unused, slow=_SLOW),
    GROUPS: Kind(made=_made_parts, keep=_refuse_used_group, slow=_SLOW),
    GATEWAYS: Kind(made=_made_parts, keep=_refuse_used_group, slow=_SLOW),
    ADDRESSES: Kind(made=_made_address, slow=_SLOW),
    ENDPOINTS: Kind(_check_endpoint, _made_endpoint, slow=_SLOW),
    ZONE_GROUPS: Kind(_check_zone_group, _made_parts, slow=_SLOW),
    ZONES: Kind(_check_zone, _made_zone, keep=_refuse_linked_zone, slow=_SLOW),
    LINKS: Kind(_check_link, _made_link, slow=_SLOW),
}
