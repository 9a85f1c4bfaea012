"""Rules between settings: what is well-formed by itself and still cannot be built. One small function per rule."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from pydantic.alias_generators import to_camel

from dispatcher.placement.catalog import catalog
from infra.aws import regions
from infra.settings import ACCOUNT_SETTINGS, INTERFACE_SERVICES, RETENTION_DAYS, Environment, Zone

# (path below launchway:, rule, remedy)
Found = tuple[str, str, str]
Zones = list[tuple[int, Zone]]  # with their index in the file

# Three bits of the VPC's range number its blocks: seven private subnets and one block of public /28s. A private
# subnet below /24 leaves too few addresses (a SageMaker instance takes two, with EFA five).
SMALLEST_VPC, LARGEST_VPC = 21, 16
MOST_ZONES = 7


def find(environment: Environment, places: Sequence[int] | None = None) -> Iterator[Found]:
    """Yield every contradiction between well-formed settings; `places` are the zones' indexes in the file."""
    zones = list(zip(places or range(len(environment.zones)), environment.zones, strict=True))
    for index, zone in zones:
        for rule in ZONE_RULES:
            for path, problem, remedy in rule(zone):
                yield f"zones[{index}].{path}", problem, remedy
        if environment.regime == "hipaa" and zone.network.mode == "public":
            yield (
                f"zones[{index}].network.mode",
                "regime hipaa runs no job outside a VPC",
                "use private or existing",
            )
    yield from _duplicate_names(zones)
    yield from _overlapping_networks(zones)
    yield from _accounts(zones)


def _region(zone: Zone) -> Iterator[Found]:
    known = regions.table()
    if zone.region not in known:
        close = difflib.get_close_matches(zone.region, known, n=1)
        guess = f"did you mean {close[0]}?" if close else f"one of {', '.join(sorted(known))}"
        yield "region", f"{zone.region!r} is not an AWS region with SageMaker", guess
        return
    region = known[zone.region]
    if zone.network.mode == "private" and region.endpoint_prefix is None:
        rule = f"the names of VPC endpoints in partition {region.partition} are not known to this release"
        yield "network.mode", rule, "build the VPC there and adopt it with mode: existing"
    for index, name in enumerate(zone.network.availability_zones):
        if not name.startswith(zone.region):
            rule = f"{name!r} is not in region {zone.region}"
            yield f"network.availabilityZones[{index}]", rule, f"names start with {zone.region}"
    for field, arn in _arns(zone):
        parts = arn.split(":")
        if parts[1] != region.partition:
            yield (
                field,
                f"the ARN is of partition {parts[1]}, the zone is in {region.partition}",
                "correct the ARN",
            )
        elif field.startswith("existing.keys") and (parts[2], parts[3], parts[4]) != (
            "kms",
            zone.region,
            zone.account,
        ):
            rule = f"a key of {parts[2]}, {parts[3]}, {parts[4]} cannot encrypt in {zone.region}, {zone.account}"
            yield field, rule, "name a KMS key of the zone's own region and account"


def _arns(zone: Zone) -> Iterator[tuple[str, str]]:
    keys, existing = zone.existing.keys, zone.existing
    named = {"keys.data": keys.data, "keys.registry": keys.registry, "keys.logs": keys.logs}
    named |= {"trail": existing.trail, "federation": existing.federation}
    yield from ((f"existing.{name}", arn) for name, arn in named.items() if arn)
    yield from ((f"principals[{index}]", arn) for index, arn in enumerate(zone.principals))


def _private_network(zone: Zone) -> Iterator[Found]:
    network = zone.network
    if network.mode != "private":
        if "cidr" in network.model_fields_set:
            yield "network.cidr", f"mode {network.mode} builds no VPC", "remove cidr, or set mode: private"
        if "interface_endpoints" in network.model_fields_set and network.interface_endpoints:
            rule = f"mode {network.mode} builds no endpoints"
            yield "network.interfaceEndpoints", rule, "name those you have under network.endpoints"
        return
    if not LARGEST_VPC <= network.cidr.prefixlen <= SMALLEST_VPC:
        size = "too small" if network.cidr.prefixlen > SMALLEST_VPC else "larger than a VPC can be"
        rule = f"{network.cidr} is {size}"
        yield "network.cidr", rule, f"take a range from /{LARGEST_VPC} to /{SMALLEST_VPC}"
    if not network.cidr.is_private:
        yield "network.cidr", f"{network.cidr} is not a private range", "use one of RFC 1918, such as 10.20.0.0/16"
    if len(network.availability_zones) == 1 or len(network.availability_zones) > MOST_ZONES:
        rule = f"{len(network.availability_zones)} availability zones; a zone takes 2 to {MOST_ZONES}"
        yield "network.availabilityZones", rule, "name two or more, or leave it out"
    if len(set(network.availability_zones)) != len(network.availability_zones):
        yield "network.availabilityZones", "an availability zone is named twice", "name each once"
    for index, service in enumerate(network.interface_endpoints):
        if service not in INTERFACE_SERVICES:
            rule = f"{service!r} is not a service a job or agent calls"
            yield f"network.interfaceEndpoints[{index}]", rule, f"one of {', '.join(INTERFACE_SERVICES)}"
    for name in ("vpc", "subnets", "security_groups", "endpoints"):
        if getattr(network, name):
            yield f"network.{to_camel(name)}", "mode private builds its own", "set mode: existing, or remove it"


def _existing_network(zone: Zone) -> Iterator[Found]:
    network = zone.network
    if network.mode == "existing":
        if network.vpc is None:
            yield "network.vpc", "mode existing needs the id of the VPC", "add vpc: vpc-..."
        if len(network.subnets) < 2:
            yield "network.subnets", "mode existing needs two or more subnets", "name subnets in two zones"
        if len(network.subnets) > 16:
            yield "network.subnets", "SageMaker takes at most 16 subnets", "name fewer"
        if len(network.security_groups) > 5:
            yield "network.securityGroups", "SageMaker takes at most 5 security groups", "name fewer"
        if network.egress is None:
            yield "network.egress", "say whether this VPC reaches the internet", "egress: nat, or egress: none"
    if network.mode == "public":
        for name in ("vpc", "subnets", "security_groups", "endpoints", "availability_zones"):
            if getattr(network, name):
                path = {"security_groups": "securityGroups", "availability_zones": "availabilityZones"}.get(
                    name, name
                )
                yield (
                    f"network.{path}",
                    "mode public runs jobs outside any VPC",
                    "remove it, or set mode: existing",
                )
        if network.egress == "none":
            rule = "jobs outside a VPC do reach the internet"
            yield "network.egress", rule, "use mode: private, or networkIsolation: true"


def _wandb(zone: Zone) -> Iterator[Found]:
    wandb, egress = zone.wandb, zone.network.egress
    if wandb.mode == "online":
        if wandb.route == "none":
            rule = "W&B online needs a declared route"
            yield "wandb.route", rule, "route: nat with network.egress: nat, or route: private-link"
        if wandb.host is None:
            yield "wandb.host", "W&B online needs its host", "host: api.wandb.ai, or your own server's name"
        if zone.network_isolation:
            rule = "networkIsolation cuts jobs off from every network, W&B included"
            yield "wandb.mode", rule, "mode: offline, or networkIsolation: false"
    if wandb.route == "nat" and zone.network.mode != "public" and egress != "nat":
        yield (
            "wandb.route",
            "route nat needs network.egress: nat",
            "set network.egress: nat, or route: private-link",
        )
    if wandb.route == "private-link" and zone.network.mode == "public":
        yield "wandb.route", "a private link needs a VPC", "set network.mode: existing"


def _limits(zone: Zone) -> Iterator[Found]:
    if zone.retention_days not in RETENTION_DAYS:
        nearest = next((days for days in RETENTION_DAYS if days >= zone.retention_days), RETENTION_DAYS[-1])
        rule = f"CloudWatch Logs does not keep logs for {zone.retention_days} days"
        yield "retentionDays", rule, f"{nearest} is the next; all: {', '.join(map(str, RETENTION_DAYS))}"
    names: set[str] = set()
    for index, compute in enumerate(zone.compute):
        if compute.min > compute.max:
            yield (
                f"compute[{index}].min",
                f"min {compute.min} is above max {compute.max}",
                "raise max, or lower min",
            )
        if zone.instance_types and compute.instance not in zone.instance_types:
            rule = f"{compute.instance} is not among the zone's instanceTypes"
            yield f"compute[{index}].instance", rule, "add it there, or name an allowed type"
        if compute.name in names:
            yield f"compute[{index}].name", f"{compute.name!r} is named twice", "give each its own name"
        names.add(compute.name)


def _instances(zone: Zone) -> Iterator[Found]:
    """Types the catalog does not know have no rule for their disks, so no policy could be written for them."""
    known = catalog("aws")
    named = [(f"instanceTypes[{index}]", name) for index, name in enumerate(zone.instance_types)]
    named += [(f"compute[{index}].instance", compute.instance) for index, compute in enumerate(zone.compute)]
    for path, name in named:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3)
            guess = f"did you mean {' or '.join(close)}?" if close else "see dispatcher/placement/data/aws.csv"
            yield path, f"{name!r} is no training instance type of SageMaker", guess


def _ownership(zone: Zone) -> Iterator[Found]:
    existing = zone.existing
    if existing.trail and zone.audit == "own" and "audit" in zone.model_fields_set:
        yield (
            "existing.trail",
            "audit: own builds a trail, existing.trail adopts one",
            "set audit: existing, or remove it",
        )
    if zone.account_scope == "existing":
        if zone.budget:
            yield "budget", "accountScope: existing builds nothing of the account", "remove budget, or set own"
        if zone.federation and not existing.federation:
            rule = "accountScope: existing builds no identity provider"
            yield "federation", rule, "name the one there is: existing.federation"
        if zone.audit == "own" and "audit" in zone.model_fields_set:
            yield "audit", "accountScope: existing builds no trail", "set audit: existing"
    if existing.federation and not zone.federation:
        rule = "existing.federation says where tokens come from, but nobody may use them"
        yield "existing.federation", rule, "add federation with issuer and subjects"
    buckets = [
        name for name in (getattr(existing.buckets, use) for use in type(existing.buckets).model_fields) if name
    ]
    for name in {name for name in buckets if buckets.count(name) > 1 and name == existing.buckets.logs}:
        yield "existing.buckets.logs", f"{name} would hold its own access logs", "name another bucket for logs"


def _who_may_be_the_agent(zone: Zone) -> Iterator[Found]:
    for index, arn in enumerate(zone.principals):
        parts = arn.split(":", 5)
        if parts[2] == "sts" and parts[5].startswith("assumed-role/"):
            rule = "a session ends, and with it this trust"
            yield (
                f"principals[{index}]",
                rule,
                "name its role: arn:...:iam::ACCOUNT:role/NAME, with the role's path",
            )
        elif parts[2] != "iam" or not parts[5].startswith(("role/", "user/", "root")) or "*" in arn:
            yield f"principals[{index}]", f"{arn} is no user, role or account", "name one, without wildcards"
    for index, subject in enumerate(zone.federation.subjects if zone.federation else ()):
        literal = re.split(r"[*?]", subject, maxsplit=1)[0]
        # `repo:*` is every repository of GitHub: two whole parts must be said before a wildcard.
        if literal != subject and len(list(filter(None, re.split(r"[:/]", literal)[:-1]))) < 2:
            rule = f"{subject!r} lets in the tokens of strangers"
            yield f"federation.subjects[{index}]", rule, "name the owner in full, such as repo:acme/train:*"


ZONE_RULES: tuple[Callable[[Zone], Iterator[Found]], ...] = (
    _region, _private_network, _existing_network, _wandb, _limits, _instances, _ownership, _who_may_be_the_agent,
)  # fmt: skip


def _duplicate_names(zones: Zones) -> Iterator[Found]:
    first: dict[str, int] = {}
    for index, zone in zones:
        if zone.name in first:
            rule = f"{zone.name!r} is already zones[{first[zone.name]}]"
            yield f"zones[{index}].name", rule, "give each zone its own name"
        first.setdefault(zone.name, index)


def _overlapping_networks(zones: Zones) -> Iterator[Found]:
    private = [(index, zone) for index, zone in zones if zone.network.mode == "private"]
    for position, (index, zone) in enumerate(private):
        for other, earlier in private[:position]:
            if zone.network.cidr.overlaps(earlier.network.cidr):
                rule = f"{zone.network.cidr} overlaps {earlier.network.cidr} of zones[{other}]"
                yield (
                    f"zones[{index}].network.cidr",
                    rule,
                    "give each zone its own range: they may be joined one day",
                )


def _accounts(zones: Zones) -> Iterator[Found]:
    """What an account has once is said by one of its zones, or in the same words by several."""
    by_account: dict[str, list[tuple[int, Zone]]] = defaultdict(list)
    for index, zone in zones:
        by_account[zone.account].append((index, zone))
    for account, members in by_account.items():
        for path, of in ACCOUNT_SETTINGS.items():
            said = [(index, of(zone)) for index, zone in members if of(zone) is not None]
            for index, value in said[1:]:
                if value != said[0][1]:
                    rule = f"account {account} has this once, and zones[{said[0][0]}] says something else"
                    yield f"zones[{index}].{path}", rule, "say it once, or the same in every zone of the account"
