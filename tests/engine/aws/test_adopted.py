"""A zone in which everything is somebody else's: used as it is, never changed, never removed."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud import Cloud
from localcloud.place import ACCOUNT
from tests.engine.census import census
from tests.engine.ground import Ground, zones
from tests.engine.project import Outcome, stack_settings

pytestmark = pytest.mark.engine

REGION = "us-east-1"
ISSUER = "token.actions.githubusercontent.com"
USES = ("data", "output", "checkpoints", "logs")

# What an adopting zone still builds: the two roles are what makes it a zone.
BUILT = {
    "aws:iam/role:Role",
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:secretsmanager/secret:Secret",
}


def _network(cloud: Cloud) -> dict[str, Any]:
    ec2 = cloud.client("ec2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.50.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.50.{number}.0/24", AvailabilityZone=f"{REGION}{letter}")
        for number, letter in enumerate("ab")
    ]
    group = ec2.create_security_group(VpcId=vpc, GroupName="jobs", Description="theirs")["GroupId"]
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3")["VpcEndpoint"]
    return {
        "mode": "existing",
        "egress": "none",
        "vpc": vpc,
        "subnets": [subnet["Subnet"]["SubnetId"] for subnet in subnets],
        "securityGroups": [group],
        "endpoints": {"s3": endpoint["VpcEndpointId"]},
    }


def _existing(cloud: Cloud) -> dict[str, Any]:
    s3, kms, logs = cloud.client("s3", REGION), cloud.client("kms", REGION), cloud.client("logs", REGION)
    for use in (*USES, "trail"):
        s3.create_bucket(Bucket=f"theirs-{use}")
    keys = {use: kms.create_key(Description=use)["KeyMetadata"]["Arn"] for use in ("data", "registry", "logs")}
    cloud.client("ecr", REGION).create_repository(repositoryName="theirs/images")
    trail = cloud.client("cloudtrail", REGION).create_trail(Name="theirs", S3BucketName="theirs-trail")
    federation = cloud.client("iam", REGION).create_open_id_connect_provider(
        Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )
    logs.create_log_group(logGroupName="/aws/sagemaker/TrainingJobs")
    return {
        "buckets": {use: f"theirs-{use}" for use in USES},
        "keys": keys,
        "registry": "theirs/images",
        "trail": trail["TrailARN"],
        "federation": federation["OpenIDConnectProviderArn"],
        "logGroup": "/aws/sagemaker/TrainingJobs",
    }


def test_a_zone_of_existing_things_changes_none_of_them_and_leaves_them_behind(own: Ground) -> None:
    (zone,) = stack_settings("local", "aws")["launchway:zones"]
    existing, network = _existing(own.cloud), _network(own.cloud)
    adopting = {
        **zone,
        "accountScope": "existing",
        "audit": "existing",
        "existing": existing,
        "network": network,
        "federation": {"issuer": ISSUER, "subjects": ["repo:acme/ml:ref:refs/heads/main"]},
    }
    theirs = census(own.cloud, "aws", REGION)
    project = own.project("adopted", {**stack_settings("local", "aws"), "launchway:zones": [adopting]})
    up = project.up()
    assert {kind for kind, _ in up.steps if kind.startswith("aws:")} <= BUILT
    assert project.preview("--expect-no-changes").changes == {}
    assert project.refresh("--expect-no-changes").changes == {}

    (found,) = zones(project).values()
    buckets = {use: getattr(found.buckets, use).name for use in USES}
    assert buckets == existing["buckets"]
    assert {use: getattr(found.keys, use) for use in existing["keys"]} == existing["keys"]
    assert found.registry.url.endswith("/theirs/images")
    assert found.identities.federation == existing["federation"]
    assert (found.network.mode, found.network.ids.vpc) == ("existing", network["vpc"])
    assert list(found.network.ids.subnets) == network["subnets"]
    assert dict(found.network.endpoints) == network["endpoints"]

    project.destroy()
    assert census(own.cloud, "aws", REGION) == theirs


ARN = f"arn:aws:{{}}:{REGION}:{ACCOUNT}:{{}}"
GONE = {
    "bucket": "nobody-has-made-this",
    "key": ARN.format("kms", "key/10000000-0000-4000-8000-000000000000"),
    "vpc": "vpc-0a1b2c3d4e5f60718",
    "subnet": "subnet-0a1b2c3d4e5f60718",
    "group": "sg-0a1b2c3d4e5f60718",
    "endpoint": "vpce-0a1b2c3d4e5f60718",
    "registry": "nobody/made-this",
    "trail": ARN.format("cloudtrail", "trail/nobody-made-this"),
    "federation": f"arn:aws:iam::{ACCOUNT}:oidc-provider/nobody.example",
    "logs": "/nobody/made-this",
}
FEDERATION = {"issuer": ISSUER, "subjects": ["repo:acme/ml:ref:refs/heads/main"]}


@pytest.mark.parametrize(
    ("missing", "path", "wanted"),
    [
        ("bucket", "existing.buckets.logs", {"existing": {"buckets": {"logs": GONE["bucket"]}}}),
        ("key", "existing.keys.data", {"existing": {"keys": {"data": GONE["key"]}}}),
        ("vpc", "network.vpc", {"network": {"vpc": GONE["vpc"]}}),
        ("subnet", "network.subnets[1]", {"network": {"subnets": [None, GONE["subnet"]]}}),
        ("group", "network.securityGroups[0]", {"network": {"securityGroups": [GONE["group"]]}}),
        ("endpoint", "network.endpoints.s3", {"network": {"endpoints": {"s3": GONE["endpoint"]}}}),
        ("registry", "existing.registry", {"existing": {"registry": GONE["registry"]}}),
        (
            "federation",
            "existing.federation",
            {"existing": {"federation": GONE["federation"]}, "federation": FEDERATION},
        ),
        ("logs", "existing.logGroup", {"existing": {"logGroup": GONE["logs"]}}),
    ],
)
def test_an_adopted_thing_that_is_not_there_is_told_in_one_line_with_its_setting_before_anything_is_made(
    shared: Ground, missing: str, path: str, wanted: dict[str, Any]
) -> None:
    line = _refusal(shared, wanted, GONE[missing])
    assert line.startswith(f"launchway:zones[0].{path}: ")
    assert line.endswith("; correct the setting or remove it")


def test_a_trail_that_is_not_there_is_named_by_the_engine_before_anything_is_made(shared: Ground) -> None:
    """A trail has no lookup: it is read as a resource, and the engine itself says that there is none.

    It then ends the program wherever that stands. A lookup under way at that moment fails with a traceback of
    the SDK's own below the engine's line, or does not, as it happens; so this test does not ask for silence.
    """
    outcome = _preview(shared, {"existing": {"trail": GONE["trail"]}, "audit": "existing"})
    (line,) = [line for line in outcome.message.splitlines() if GONE["trail"] in line]
    assert line.endswith("does not exist")


def _refusal(ground: Ground, wanted: dict[str, Any], id: str) -> str:
    """The one line of a failed preview that names the id; nothing was made and no traceback printed."""
    outcome = _preview(ground, wanted)
    assert "Traceback" not in outcome.output
    (line,) = [line for line in outcome.message.splitlines() if id in line]
    return line


def _preview(ground: Ground, wanted: dict[str, Any]) -> Outcome:
    """A preview of a zone that adopts what is wanted, which must fail and make nothing."""
    (zone,) = stack_settings("local", "aws")["launchway:zones"]
    adopting = {**zone, **wanted}
    if "network" in wanted:
        there = _network(ground.cloud)
        network = {**there, **wanted["network"]}
        pairs = zip(network["subnets"], there["subnets"], strict=True)
        adopting["network"] = {**network, "subnets": [ours or theirs for ours, theirs in pairs]}
    before = census(ground.cloud, "aws", REGION)
    project = ground.project("adopted", {**stack_settings("local", "aws"), "launchway:zones": [adopting]})
    outcome = project.preview(check=False)
    assert outcome.code != 0
    assert census(ground.cloud, "aws", REGION) == before
    return outcome
