"""What an AWS zone and an AWS account cost while no job runs, counted from their settings."""

from __future__ import annotations

from collections.abc import Sequence

from infra.aws.network import DEFAULT_ZONES
from infra.aws.regions import table
from infra.aws.settings import Zone
from infra.idle import Line, Prices

PRICES = Prices("aws", "AWS")


def _line(what: str, count: int, kind: str, region: str) -> Line:
    return PRICES.line(what, count, kind, region, table()[region].partition)


def lines(zone: Zone) -> list[Line]:
    """Every line of the zone's idle cost. Storage, requests, log volume and data through endpoints come on top."""
    network, adopted = zone.network, zone.existing.keys
    zones = len(network.availability_zones) or DEFAULT_ZONES
    keys = [adopted.data, adopted.registry, adopted.logs].count(None)
    found = [_line("customer-managed keys", keys, "key", zone.region)] if keys else []
    if network.mode != "private":
        return found
    services = len(network.interface_endpoints)
    if services:
        what = f"interface endpoints ({services} services in {zones} availability zones)"
        found.append(_line(what, services * zones, "interface_endpoint", zone.region))
    if network.egress == "nat":
        gateways = 1 if network.nat_gateways == "one" else zones
        found.append(_line("NAT gateways", gateways, "nat_gateway", zone.region))
        found.append(_line("public addresses", gateways, "public_address", zone.region))
    return found


def account_lines(key_regions: Sequence[str]) -> list[Line]:
    """The idle cost of what an account has once: a key in each region with job logs or the trail."""
    if not key_regions:
        return []
    return [_line(f"customer-managed keys ({', '.join(key_regions)})", len(key_regions), "key", key_regions[0])]
