"""Log buckets under our own key, the sinks that fill them, and what a zone keeps in one: its network's records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pulumi
from pulumi_gcp import logging

from infra.gcp.keys import Key, encrypted
from infra.gcp.place import Place
from infra.gcp.site import Site

# Filters in the query language of Cloud Logging. What jobs write carries no region, so it belongs to the account.
JOB_LOGS = 'resource.type="ml_job"'
AUDIT_LOGS = " OR ".join(
    f'log_id("cloudaudit.googleapis.com/{kind}")' for kind in ("activity", "data_access", "system_event", "policy")
)


def network_logs(place: Place, subnetworks: Iterable[str]) -> str:
    """The filter of what a network records: flows and refusals by subnetwork, NAT, names that were asked for."""
    named = " OR ".join(f'"{name}"' for name in subnetworks)
    return " OR ".join(
        [
            f'(resource.type="gce_subnetwork" AND resource.labels.subnetwork_name=({named}))',
            f'(resource.type="nat_gateway" AND resource.labels.gateway_name="{place.physical("gce", "nat")}")',
            f'(resource.type="dns_query" AND jsonPayload.sourceNetwork="{place.physical("gce", "vpc")}")',
        ]
    )


@dataclass(frozen=True, slots=True)
class LogBucketArgs:
    """`filter` chooses what is copied into the bucket and kept `retention_days` under `key`.

    `generation` ends the bucket's id: Cloud Logging keeps the id of a deleted one for 7 days. With `only`, what
    is copied is not kept in the project's _Default bucket besides, where no key of ours encrypts it.
    """

    site: Site
    use: str
    generation: pulumi.Output[str]
    filter: str
    key: Key
    retention_days: int
    description: str
    only: bool = False


class LogBucket(pulumi.ComponentResource):
    """`bucket` is the log bucket's full name (`projects/P/locations/L/buckets/B`)."""

    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: LogBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:LogBucket", name, None, opts)
        site, place = args.site, args.site.place
        made = logging.ProjectBucketConfig(
            name,
            project=place.project,
            location=place.region,
            bucket_id=args.generation.apply(lambda generation: f"{place.name}-{args.use}-{generation}"),
            description=args.description,
            retention_days=args.retention_days,
            locked=False,  # a lock outlives every destroy
            enable_analytics=False,
            cmek_settings={"kms_key_name": args.key.name},
            deletion_policy=place.deletion_policy,
            opts=encrypted(site, self, args.key, name),
        )
        sink = logging.ProjectSink(
            name,
            name=place.physical("logging", args.use),
            project=place.project,
            description=args.description,
            destination=made.name.apply(lambda bucket: f"logging.googleapis.com/{bucket}"),
            filter=args.filter,
            disabled=False,
            unique_writer_identity=True,  # none is made for a bucket of the same project, which needs no grant
            opts=site.child(self),
        )
        if args.only:
            logging.ProjectExclusion(
                name,
                name=place.physical("logging", args.use),
                project=place.project,
                description=f"Kept by the sink of the same name: {args.description}",
                filter=args.filter,
                disabled=False,
                opts=site.child(self, after=[sink]),
            )
        self.bucket = made.name
        self.register_outputs({"bucket": self.bucket})


@dataclass(frozen=True, slots=True)
class FlowLogsArgs:
    """`subnetworks` are the names of those whose flows stay `retention_days` under `key`."""

    site: Site
    generation: pulumi.Output[str]
    subnetworks: tuple[str, ...]
    key: Key
    retention_days: int


class FlowLogs(pulumi.ComponentResource):
    """Every connection of the network, let through or refused, in an encrypted log bucket: `bucket` names it."""

    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: FlowLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:FlowLogs", name, None, opts)
        site = args.site
        kept = LogBucketArgs(
            site,
            "network",
            args.generation,
            network_logs(site.place, args.subnetworks),
            args.key,
            args.retention_days,
            f"{site.place.name}: what its network records",
            only=True,
        )
        self.bucket = LogBucket(site.name("audit", "network"), kept, pulumi.ResourceOptions(parent=self)).bucket
        self.register_outputs({"bucket": self.bucket})
