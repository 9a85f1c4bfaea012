"""Records of who did what: the network's flow logs per zone, and the account's trail with every object read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudtrail, cloudwatch, ec2, iam

from infra.aws import policies, policies_resource, policies_trust
from infra.aws.bucket import Bucket, BucketArgs
from infra.aws.place import Place
from infra.aws.site import Site


def flow_log_group(place: Place) -> str:
    """The name of the zone's flow log group, known before its key is."""
    return f"/launchway/{place.physical('log-group', 'flow-logs')}"


@dataclass(frozen=True, slots=True)
class FlowLogsArgs:
    """`vpc` is watched; records stay `retention_days` (a value CloudWatch Logs takes) under `key`."""

    site: Site
    vpc: pulumi.Output[str]
    key: pulumi.Output[str]
    retention_days: int


class FlowLogs(pulumi.ComponentResource):
    """Every connection of the VPC, accepted or refused, in an encrypted log group."""

    group: pulumi.Output[str]

    def __init__(self, name: str, args: FlowLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:aws:FlowLogs", name, None, opts)
        site, place = args.site, args.site.place
        logical = site.name("audit", "flow-logs")
        group = cloudwatch.LogGroup(
            logical,
            name=flow_log_group(place),
            retention_in_days=args.retention_days,
            kms_key_id=args.key,
            opts=site.child(self, keep=True),
        )
        role = iam.Role(
            logical,
            name=place.physical("iam-role", "flow-logs"),
            description="Writes the flow logs of the zone's VPC",
            assume_role_policy=policies.text(policies_trust.flow_logs(place)),
            opts=site.child(self),
        )
        statements = policies.flow_logs(place, flow_log_group(place))
        policy = iam.Policy(
            logical,
            name=place.physical("iam-policy", "flow-logs"),
            policy=policies.text(policies.document(statements)),
            opts=site.child(self),
        )
        granted = iam.RolePolicyAttachment(logical, role=role.name, policy_arn=policy.arn, opts=site.child(self))
        ec2.FlowLog(
            logical,
            vpc_id=args.vpc,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            tags={"Name": logical},
            opts=site.child(self, after=[granted]),
        )
        self.group = group.name
        self.register_outputs({"group": self.group})


@dataclass(frozen=True, slots=True)
class TrailArgs:
    """`buckets` are the names whose object calls are recorded; `key` encrypts the files (ARN)."""

    site: Site
    name: str
    key: pulumi.Output[str]
    buckets: tuple[str, ...]
    retention_days: int


class Trail(pulumi.ComponentResource):
    """One trail for all regions of the account, with digests that show tampering, in a bucket of its own."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: TrailArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:aws:Trail", name, None, opts)
        site, place = args.site, args.site.place
        bucket = place.physical("s3", "trail")
        policy = policies_resource.trail_bucket(place, place.bucket_arn(bucket), trail_arn(place, args.name))
        files = Bucket(
            site.name("audit", "trail"),
            BucketArgs(site, "trail", bucket, policies.text(policy), expire={"": args.retention_days}),
            pulumi.ResourceOptions(parent=self),
        )
        trail = cloudtrail.Trail(
            site.name("audit", "trail"),
            name=args.name,
            s3_bucket_name=files.bucket,
            kms_key_id=args.key,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            advanced_event_selectors=selectors([place.bucket_arn(name) for name in args.buckets]),
            opts=site.child(self, after=[files.ready], keep=True),
        )
        self.arn = trail.arn
        self.register_outputs({"arn": self.arn})


def trail_arn(place: Place, name: str) -> str:
    """The ARN of a trail whose home is this place; its bucket's policy must name it before it exists."""
    return place.arn("cloudtrail", f"trail/{name}")


def selectors(buckets: Sequence[str]) -> list[cloudtrail.TrailAdvancedEventSelectorArgsDict]:
    """Management calls, and object calls on these buckets (ARNs).

    The buckets of logs are left out: a trail that records its own deliveries never ends.
    """
    management: cloudtrail.TrailAdvancedEventSelectorArgsDict = {
        "name": "Management calls",
        "field_selectors": [{"field": "eventCategory", "equals": ["Management"]}],
    }
    objects: cloudtrail.TrailAdvancedEventSelectorArgsDict = {
        "name": "Objects of the data buckets",
        "field_selectors": [
            {"field": "eventCategory", "equals": ["Data"]},
            {"field": "resources.type", "equals": ["AWS::S3::Object"]},
            {"field": "resources.ARN", "starts_withs": [f"{bucket}/" for bucket in buckets]},
        ],
    }
    return [management, objects] if buckets else [management]
