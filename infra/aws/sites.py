"""From settings to places and providers: a pinned provider per zone, an account once however many zones."""

from __future__ import annotations

import pulumi

from infra.aws import storage
from infra.aws.account import Account, AccountArgs
from infra.aws.place import Place
from infra.aws.regions import table
from infra.aws.settings import Zone
from infra.aws.site import Site, provider
from infra.base import said
from infra.naming import stable_suffix
from infra.settings import Environment


def _place(name: str, account: str, region: str, disposable: bool) -> Place:
    suffix = stable_suffix(pulumi.get_project(), pulumi.get_stack(), account)
    return Place(name, account, region, table()[region].partition, suffix, disposable)


def _site(environment: Environment, place: Place, settings: str = "", **more: str) -> Site:
    tags = environment.tags(**more)
    return Site(place, provider(place.name, place, tags, environment.emulator), settings)


def _place_of_zone(zone: Zone) -> Place:
    return _place(zone.name, zone.account, zone.region, zone.lifetime == "disposable")


def site_of_zone(environment: Environment, zone: Zone) -> Site:
    """The zone's place with a provider of its own, whose default tags name the zone."""
    return _site(environment, _place_of_zone(zone), environment.path(zone), zone=zone.name)


def accounts(environment: Environment) -> dict[str, Account]:
    """Build or look up, once per account, what an account has once; by account id."""
    ours = [zone for zone in environment.zones if isinstance(zone, Zone)]
    ids = dict.fromkeys(zone.account for zone in ours)
    return {id: _account(environment, [zone for zone in ours if zone.account == id]) for id in ids}


def _account(environment: Environment, zones: list[Zone]) -> Account:
    """The zones do not contradict each other on what an account has once (infra/contradictions.py)."""
    first = zones[0]
    own = said(zones, "accountScope", "own") == "own"
    existing_trail = said(zones, "existing.trail")
    disposable = all(zone.lifetime == "disposable" for zone in zones)
    regions: dict[str, Site] = {}
    retention: dict[str, int] = {}
    groups: dict[str, str] = {}
    settings: dict[str, str] = {}
    for zone in zones:
        if zone.region not in regions:
            name = f"aws-{zone.account}-{zone.region}"
            regions[zone.region] = _site(environment, _place(name, zone.account, zone.region, disposable))
        retention[zone.region] = max(zone.retention_days, retention.get(zone.region, 0))
        if zone.existing.log_group:
            groups[zone.region] = zone.existing.log_group
            settings[f"existing.logGroup {zone.region}"] = f"{environment.path(zone)}.existing.logGroup"
        for path in ("existing.federation", "existing.trail"):
            if said([zone], path):
                settings.setdefault(path, f"{environment.path(zone)}.{path}")
    watched = [
        storage.names(_place_of_zone(zone), zone.existing.buckets.model_dump())[use]
        for zone in zones
        for use in storage.USES
    ]
    args = AccountArgs(
        home=regions[first.region],
        regions=regions,
        own=own,
        own_trail=own and said(zones, "audit", "own") == "own" and not existing_trail,
        log_groups={region: days for region, days in retention.items() if own and region not in groups},
        existing_log_groups=groups,
        data_buckets=tuple(dict.fromkeys(watched)),
        retention_days=max(retention.values()),
        issuer=said(zones, "federation.issuer"),
        audience=said(zones, "federation.audience"),
        existing_federation=said(zones, "existing.federation"),
        existing_trail=existing_trail,
        budget=said(zones, "budget"),
        settings=settings,
    )
    return Account(f"aws-{first.account}", args)
