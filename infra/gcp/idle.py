"""What a Google Cloud zone and its project cost while no job runs, counted from their settings."""

from __future__ import annotations

from infra.gcp.private_access import domains
from infra.gcp.settings import Zone
from infra.idle import Line, Prices

PRICES = Prices("gcp", "Google")
EVERYWHERE = "everywhere"


def _line(what: str, count: int, kind: str, region: str) -> Line:
    return PRICES.line(what, count, kind, region, EVERYWHERE)


def lines(zone: Zone) -> list[Line]:
    """Every line of the zone's idle cost. Storage, requests, log volume and what NAT carries come on top."""
    network, adopted = zone.network, zone.existing.keys
    keys = [adopted.data, adopted.registry, adopted.logs].count(None)
    found = [_line("active versions of keys", keys, "key", zone.region)] if keys else []
    if network.mode != "private":
        return found
    if network.endpoint != "none":
        found.append(_line("private endpoints of Google's APIs", 1, "api_endpoint", zone.region))
        found.append(_line("private DNS zones", len(domains()), "dns_zone", zone.region))
    if network.egress == "nat":
        found.append(_line("public addresses of Cloud NAT", 1, "public_address", zone.region))
    return found


def account_lines(audit_keys: int, region: str) -> list[Line]:
    """The idle cost of what a project has once: the keys of its audit log, 0 or 1, in its home region."""
    return [_line("active versions of keys", audit_keys, "key", region)] if audit_keys else []
