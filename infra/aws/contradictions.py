"""Rules between the settings of a zone on AWS. One small function per rule."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator

from pydantic.alias_generators import to_camel

from infra.aws import regions
from infra.aws.settings import INTERFACE_SERVICES, RETENTION_DAYS, Zone

# (path in the zone, rule, remedy)
Found = tuple[str, str, str]

# Three bits of the VPC's range number its blocks: seven private subnets and one block of public /28s. A private
# subnet below /24 leaves too few addresses (a SageMaker instance takes two, with EFA five).
SMALLEST_VPC, LARGEST_VPC = 21, 16
MOST_ZONES = 7


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
                yield (
                    f"network.{to_camel(name)}",
                    "mode public runs jobs outside any VPC",
                    "remove it, or set mode: existing",
                )
        if network.egress == "none":
            rule = "jobs outside a VPC do reach the internet"
            yield "network.egress", rule, "use mode: private, or networkIsolation: true"


def _wandb(zone: Zone) -> Iterator[Found]:
    if zone.wandb.route == "nat" and zone.network.mode != "public" and zone.network.egress != "nat":
        yield (
            "wandb.route",
            "route nat needs network.egress: nat",
            "set network.egress: nat, or route: private-link",
        )


def _retention(zone: Zone) -> Iterator[Found]:
    if zone.retention_days not in RETENTION_DAYS:
        nearest = next((days for days in RETENTION_DAYS if days >= zone.retention_days), RETENTION_DAYS[-1])
        rule = f"CloudWatch Logs does not keep logs for {zone.retention_days} days"
        yield "retentionDays", rule, f"{nearest} is the next; all: {', '.join(map(str, RETENTION_DAYS))}"


def _ownership(zone: Zone) -> Iterator[Found]:
    existing = zone.existing
    if existing.trail and zone.audit == "own" and "audit" in zone.model_fields_set:
        yield (
            "existing.trail",
            "audit: own builds a trail, existing.trail adopts one",
            "set audit: existing, or remove it",
        )
    if zone.account_scope == "existing" and zone.audit == "own" and "audit" in zone.model_fields_set:
        yield "audit", "accountScope: existing builds no trail", "set audit: existing"
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


ZONE_RULES: tuple[Callable[[Zone], Iterator[Found]], ...] = (
    _region, _private_network, _existing_network, _wandb, _retention, _ownership,
    _who_may_be_the_agent,
)  # fmt: skip

# Rules about what several zones say of their account: none but those of every cloud.
TOGETHER: tuple[Callable[[list[tuple[int, Zone]]], Iterator[Found]], ...] = ()
