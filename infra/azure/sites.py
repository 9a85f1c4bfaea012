"""From settings to places and providers: a pinned provider per zone, a subscription once however many zones."""

from __future__ import annotations

import pulumi

from infra.azure.account import Account, AccountArgs
from infra.azure.place import Place
from infra.azure.settings import Zone
from infra.azure.site import Deployer, Site, deployer, emulated, provider
from infra.base import said
from infra.lookup import found
from infra.naming import stable_suffix
from infra.settings import Environment


def _place(name: str, zone: Zone, disposable: bool) -> Place:
    suffix = stable_suffix(pulumi.get_project(), pulumi.get_stack(), zone.subscription)
    return Place(name, zone.subscription, zone.region, suffix, disposable, zone.environment)


def site_of_zone(environment: Environment, zone: Zone, signed_in: Deployer) -> Site:
    """The zone's place with a provider of its own, and tags that name the zone."""
    place, url = _place(zone.name, zone, zone.lifetime == "disposable"), emulated(environment)
    pinned = provider(zone.name, place, url)
    return Site(place, pinned, environment.path(zone), environment.tags(zone=zone.name), signed_in, url)


def accounts(environment: Environment) -> dict[str, Account]:
    """Build or look up, once per subscription, what a subscription has once; by subscription id."""
    ours = [zone for zone in environment.zones if isinstance(zone, Zone)]
    ids = dict.fromkeys(zone.subscription for zone in ours)
    return {id: _account(environment, [zone for zone in ours if zone.subscription == id]) for id in ids}


def _account(environment: Environment, zones: list[Zone]) -> Account:
    """The zones do not contradict each other on what a subscription has once (infra/contradictions.py)."""
    first, url = zones[0], emulated(environment)
    place = _place(f"azure-{first.subscription}", first, all(zone.lifetime == "disposable" for zone in zones))
    pinned = provider(place.name, place, url)
    path = environment.path(first)
    signed_in = found(f"{path}.subscription", f"subscription {first.subscription}", lambda: deployer(pinned))
    own = said(zones, "accountScope", "own") == "own"
    args = AccountArgs(
        home=Site(place, pinned, path, environment.tags(), signed_in, url),
        own=own,
        own_audit=own and said(zones, "audit", "own") == "own",
        retention_days=max(zone.retention_days for zone in zones),
        private=any(zone.private for zone in zones),
        budget=said(zones, "budget"),
        settings={
            "subscription": f"{path}.subscription",
            "accountScope": next(
                (f"{environment.path(zone)}.accountScope" for zone in zones if said([zone], "accountScope")), path
            ),
        },
    )
    return Account(place.name, args)
