"""From settings to places and providers: a pinned provider per zone, a project once however many zones."""

from __future__ import annotations

import pulumi

from infra.base import said
from infra.gcp.account import Account, AccountArgs
from infra.gcp.place import Place
from infra.gcp.settings import Zone
from infra.gcp.site import Site, emulated, provider
from infra.naming import stable_suffix
from infra.settings import Environment


def _site(environment: Environment, place: Place, settings: str = "", **more: str) -> Site:
    url = emulated(environment)
    return Site(place, provider(place.name, place, environment.tags(**more), url), settings, url)


def _place(name: str, zone: Zone, disposable: bool) -> Place:
    suffix = stable_suffix(pulumi.get_project(), pulumi.get_stack(), zone.project)
    return Place(name, zone.project, zone.region, suffix, disposable)


def site_of_zone(environment: Environment, zone: Zone) -> Site:
    """The zone's place with a provider of its own, whose default labels name the zone."""
    place = _place(zone.name, zone, zone.lifetime == "disposable")
    return _site(environment, place, environment.path(zone), zone=zone.name)


def accounts(environment: Environment) -> dict[str, Account]:
    """Build or look up, once per project, what a project has once; by project id."""
    ours = [zone for zone in environment.zones if isinstance(zone, Zone)]
    ids = dict.fromkeys(zone.project for zone in ours)
    return {id: _account(environment, [zone for zone in ours if zone.project == id]) for id in ids}


def _account(environment: Environment, zones: list[Zone]) -> Account:
    """The zones do not contradict each other on what a project has once (infra/contradictions.py)."""
    first = zones[0]
    own = said(zones, "accountScope", "own") == "own"
    disposable = all(zone.lifetime == "disposable" for zone in zones)
    settings: dict[str, str] = {}
    for zone in zones:
        for path in ("accountScope", "existing.federation"):
            if said([zone], path):
                settings.setdefault(path, f"{environment.path(zone)}.{path}")
    settings["project"] = f"{environment.path(first)}.project"
    log_bucket = said(zones, "existing.logBucket")
    args = AccountArgs(
        home=_site(environment, _place(f"gcp-{first.project}", first, disposable), environment.path(first)),
        zones=tuple(zone.name for zone in zones),
        own=own,
        own_audit=own and said(zones, "audit", "own") == "own" and not log_bucket,
        retention_days=max(zone.retention_days for zone in zones),
        peering=any(zone.jobs == "peering" and zone.network.mode == "private" for zone in zones),
        custom_code=bool(said(zones, "customCode")),
        secrets=any(zone.secrets for zone in zones),
        issuer=said(zones, "federation.issuer"),
        audience=said(zones, "federation.audience"),
        subjects={zone.name: zone.federation.subjects for zone in zones if zone.federation},
        existing_federation=said(zones, "existing.federation"),
        existing_log_bucket=log_bucket,
        perimeter=said(zones, "perimeter"),
        existing_perimeter=said(zones, "existing.perimeter"),
        identities=tuple(dict.fromkeys(member for zone in zones for member in zone.principals)),
        budget=said(zones, "budget"),
        billing_account=said(zones, "billingAccount"),
        settings=settings,
    )
    return Account(f"gcp-{first.project}", args)
