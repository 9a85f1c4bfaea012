"""Invokes of the provider's root: who is asking, where, and what the region has."""

from __future__ import annotations

from localcloud.plugin.aws.resource import given
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Invoke
from localcloud.plugin.values import Properties


def caller_identity(aws: Aws, arguments: Properties) -> Properties:
    who = aws.identity
    return {"id": who["account"], "accountId": who["account"], "arn": who["arn"], "userId": who["user"]}


def get_partition(aws: Aws, arguments: Properties) -> Properties:
    reverse = ".".join(reversed(aws.suffix.split(".")))
    return {"id": aws.partition, "partition": aws.partition, "dnsSuffix": aws.suffix, "reverseDnsPrefix": reverse}


def get_region(aws: Aws, arguments: Properties) -> Properties:
    found = aws.client("ec2").describe_regions(RegionNames=[aws.region])["Regions"][0]
    return {
        "id": aws.region,
        "region": aws.region,
        "name": aws.region,
        "endpoint": found["Endpoint"].removeprefix("https://"),
        "description": DESCRIPTIONS.get(aws.region, ""),
    }


def availability_zones(aws: Aws, arguments: Properties) -> Properties:
    filters = [{"Name": one["name"], "Values": one["values"]} for one in arguments.get("filters") or []]
    if arguments.get("state"):
        filters.append({"Name": "state", "Values": [arguments["state"]]})
    zones = aws.client("ec2").describe_availability_zones(**given(Filters=filters))["AvailabilityZones"]
    out_names, out_ids = set(arguments.get("excludeNames") or ()), set(arguments.get("excludeZoneIds") or ())
    # moto applies neither filter: both are applied here as well
    kept = [
        zone
        for zone in zones
        if zone["ZoneName"] not in out_names
        and zone["ZoneId"] not in out_ids
        and zone["State"] == (arguments.get("state") or zone["State"])
    ]
    kept.sort(key=lambda zone: zone["ZoneName"])
    return {
        "id": aws.region,
        "region": aws.region,
        "names": [zone["ZoneName"] for zone in kept],
        "zoneIds": [zone["ZoneId"] for zone in kept],
        "groupNames": sorted({zone.get("GroupName") or aws.region for zone in kept}),
        "state": arguments.get("state"),
        "filters": arguments.get("filters"),
        "excludeNames": arguments.get("excludeNames"),
        "excludeZoneIds": arguments.get("excludeZoneIds"),
        "allAvailabilityZones": arguments.get("allAvailabilityZones"),
    }


DESCRIPTIONS = {"us-east-1": "US East (N. Virginia)", "eu-central-1": "Europe (Frankfurt)"}
ZONES = frozenset({"allAvailabilityZones", "excludeNames", "excludeZoneIds", "filters", "region", "state"})
INVOKES = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": Invoke(ZONES, availability_zones),
    "aws:index/getCallerIdentity:getCallerIdentity": Invoke(frozenset({"id"}), caller_identity),
    "aws:index/getPartition:getPartition": Invoke(frozenset({"id"}), get_partition),
    "aws:index/getRegion:getRegion": Invoke(frozenset({"endpoint", "id", "name", "region"}), get_region),
}
