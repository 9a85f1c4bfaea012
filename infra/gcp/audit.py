"""Records kept for the zone: its jobs' output and its network's flows, in a log bucket under the zone's key."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra.gcp.keys import Key
from infra.gcp.site import Site


@dataclass(frozen=True, slots=True)
class LogBucketArgs:
    """`id` names the bucket; `filter` chooses what is copied there and kept `retention_days` under `key`."""

    site: Site
    use: str
    id: pulumi.Input[str]
    filter: pulumi.Input[str]
    key: Key
    retention_days: int


class LogBucket(pulumi.ComponentResource):
    """A log bucket with the sink that fills it: `name` is its full name (`projects/P/locations/L/buckets/B`).

    The account's audit trail is made of the same parts.
    """

    name: pulumi.Output[str]
    sink: pulumi.Output[str]


@dataclass(frozen=True, slots=True)
class ZoneLogsArgs:
    """`generation` makes the bucket's id one that no earlier, deleted bucket still holds.

    `subnetworks` are the names of subnetworks whose flows are kept; none outside a VPC of our own.
    """

    site: Site
    generation: pulumi.Output[str]
    key: Key
    retention_days: int
    subnetworks: tuple[str, ...] = ()


class ZoneLogs(pulumi.ComponentResource):
    """The log bucket of the zone: `bucket` is its full name."""

    bucket: pulumi.Output[str]
