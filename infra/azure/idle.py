"""What an Azure zone costs while no job runs, counted from its settings."""

from __future__ import annotations

from infra.azure.dns import dns_zones
from infra.azure.settings import Zone
from infra.idle import Line, Prices

PRICES = Prices("azure", "Microsoft")
EVERYWHERE = "everywhere"
# Endpoints that Azure ML makes in a managed network, to what has no public address: blobs, files, vault, registry.
MANAGED_ENDPOINTS = 4


def lines(zone: Zone) -> list[Line]:
    """Every line of the zone's idle cost. Storage, requests, log volume and traffic come on top."""
    counts = {
        ("container registry (Premium)", "registry_premium"): 0 if zone.existing.registry else 1,
        ("nodes that clusters keep", "node"): sum(one.min for one in zone.compute) if zone.private else 0,
    }
    if not zone.existing.workspace:  # Azure ML makes them for a workspace with a key of ours
        counts["Azure AI Search of the workspace's records", "search_service"] = 1
        counts["Azure Cosmos DB of the workspace's records", "cosmos_account"] = 1
    if zone.private:
        zones = {name for names in dns_zones(zone.environment).values() for name in names}
        counts["private endpoints", "private_endpoint"] = len(dns_zones(zone.environment))
        counts["private DNS zones", "dns_zone"] = len(zones - set(zone.network.dns_zones))
    if zone.managed:
        counts["private endpoints of the managed network", "private_endpoint"] = MANAGED_ENDPOINTS
    if zone.network.fqdns:
        counts["Azure Firewall (Basic) of the managed network, which network.fqdns buys", "firewall_basic"] = 1
    if zone.gateway:
        counts["NAT gateways", "nat_gateway"] = counts["public addresses", "public_address"] = 1
    return [
        PRICES.line(what, count, kind, zone.region, EVERYWHERE) for (what, kind), count in counts.items() if count
    ]
