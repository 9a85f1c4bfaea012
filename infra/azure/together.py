"""Rules about what several zones say of one subscription, one network or one adopted thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from infra.azure.dns import dns_zones
from infra.azure.settings import Zone

Zones = list[tuple[int, Zone]]  # with their index in the file
Found = tuple[str, str, str]  # (path below launchway:, rule, remedy)


def _same(id: str | None, other: str | None) -> bool:
    """Whether both are there and the same: letter case makes no difference in resource ids."""
    return id is not None and other is not None and id.lower() == other.lower()


def _audit(zones: Zones) -> Iterator[Found]:
    """The activity log is built with what else the subscription has once."""
    for index, zone in zones:
        if zone.account_scope == "existing" and zone.audit == "own" and "audit" in zone.model_fields_set:
            yield f"zones[{index}].audit", "accountScope: existing builds no audit log", "set audit: existing"


def _names(zones: Zones) -> Iterator[Found]:
    """A network takes one private DNS zone of each name (github.com/MicrosoftDocs/azure-docs/pull/122956)."""
    for (before, first), (index, zone) in combinations(zones, 2):
        twice = sorted(_built(first) & _built(zone))
        if _same(zone.network.vnet, first.network.vnet) and twice:
            rule = f"zones[{before}] builds {', '.join(twice)} in the same network, which takes one each"
            remedy = "name those that are there, by their ids, in both zones or in the later one"
            yield f"zones[{index}].network.dnsZones", rule, remedy


def _built(zone: Zone) -> set[str]:
    known = {name for names in dns_zones(zone.environment).values() for name in names}
    return known - set(zone.network.dns_zones)


def _workspace(zones: Zones) -> Iterator[Found]:
    """Each zone builds datastores and clusters of the same names in its workspace."""
    for (before, first), (index, zone) in combinations(zones, 2):
        if _same(zone.existing.workspace, first.existing.workspace):
            rule = f"it is the workspace of zones[{before}], and datastores of both would have the same names"
            yield f"zones[{index}].existing.workspace", rule, "name another, or remove it: the zone builds its own"


def _submitters(zones: Zones) -> Iterator[Found]:
    """A group holds a role on a container once, whoever assigns it (RoleAssignmentExists)."""
    for (before, first), (index, zone) in combinations(zones, 2):
        if not _same(zone.existing.storage, first.existing.storage):
            continue
        shared = sorted(_results(first) & _results(zone))
        both = not (zone.submitters or first.submitters) or set(zone.submitters) & set(first.submitters)
        if shared and both:
            rule = (
                f"containers {', '.join(shared)} of one account are those of zones[{before}] too, and Azure gives "
                "one role on them to the same submitters once"
            )
            remedy = f"name others under existing.buckets, or submitters that zones[{before}] does not have"
            yield f"zones[{index}].existing.storage", rule, remedy


def _results(zone: Zone) -> set[str]:
    """The containers that submitters read."""
    return {getattr(zone.existing.buckets, use) or use for use in ("output", "checkpoints")}


TOGETHER: tuple[Callable[[Zones], Iterator[Found]], ...] = (_audit, _names, _workspace, _submitters)
