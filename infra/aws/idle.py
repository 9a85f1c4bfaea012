"""What a zone costs while no job runs: counted from its settings, priced from data, told at preview."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import pulumi
import yaml

from infra.aws.network import DEFAULT_ZONES
from infra.aws.regions import table
from infra.aws.settings import Zone


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of thing that costs by the hour or month: how many, and dollars a month; None when unknown.

    `basis` is `vendor` or `second-hand` and `as_of` the day it was read; `check` is the vendor's page.
    """

    what: str
    count: int
    monthly: float | None
    basis: str
    as_of: str
    check: str


@functools.cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = yaml.safe_load(
        resources.files("infra.aws").joinpath("data/idle_prices.yaml").read_text()
    )
    return data


def _figure(kind: str, region: str) -> Mapping[str, Any] | None:
    """The price entry that names this region or its partition."""
    partition = table()[region].partition
    return next(
        (
            figure
            for figure in _data()["prices"][kind]["figures"]
            if region in figure.get("regions", ()) or partition in figure.get("partitions", ())
        ),
        None,
    )


def _line(what: str, count: int, kind: str, region: str) -> Line:
    facts = _data()["prices"][kind]
    figure = _figure(kind, region)
    if figure is None:
        return Line(what, count, None, "", "", facts["check"])
    hours = _data()["hours_per_month"] if facts["unit"].startswith("hour") else 1
    monthly = count * figure["price"] * hours
    return Line(what, count, monthly, figure["basis"], str(facts["as_of"]), facts["check"])


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


def text(name: str, counted: list[Line]) -> str:
    """The idle cost of a zone or account: a line each, and the sum of what is known.

    A figure that was not read at the vendor says so in its line and in the sum.
    """
    rows = [f"{name} costs while no job runs, in USD a month (infra/aws/data/idle_prices.yaml):"]
    for line in counted:
        price = f"unknown, see {line.check}"
        if line.monthly is not None:
            read = "list price" if line.basis == "vendor" else "SECOND-HAND figure, not from AWS: check"
            price = f"{line.monthly:.2f} ({read} {line.check}, {line.as_of})"
        rows.append(f"  {line.count} x {line.what}: {price}")
    known = [(line.monthly, line.basis) for line in counted if line.monthly is not None]
    hearsay = sum(monthly for monthly, basis in known if basis != "vendor")
    share = f" ({hearsay:.2f} of it second-hand)" if hearsay else ""
    unknown = " and what is unknown" if len(known) < len(counted) else ""
    total = f"{sum(monthly for monthly, _ in known):.2f}{share}{unknown}" if known else "unknown"
    rows.append(f"  together {total}; storage, logs and traffic come on top")
    return "\n".join(rows)


def tell(name: str, counted: list[Line], resource: pulumi.Resource) -> None:
    """Print an idle cost, in previews only: an update shows its preview first."""
    if pulumi.runtime.is_dry_run() and counted:
        pulumi.log.info(text(name, counted), resource=resource)
