"""A zone in which everything is somebody else's: used as it is, never changed, never removed."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud import Cloud
from localcloud.place import ACCOUNT
from tests.engine.census import census
from tests.engine.ground import Ground, zones
from tests.engine.project import stack_settings

pytestmark = pytest.mark.engine

REGION = "us-east-1"
ISSUER = "token.actions.githubusercontent.com"
USES = ("data", "output", "checkpoints", "logs")

# What an adopting zone still builds: the two roles are what makes it a zone.
BUILT = {
    "aws:iam/role:Role",
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
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
    (zone,) = stack_settings("local")["launchway:zones"]
    existing, network = _existing(own.cloud), _network(own.cloud)
    adopting = {
        **zone,
        "accountScope": "existing",
        "audit": "existing",
        "existing": existing,
        "network": network,
        "federation": {"issuer": ISSUER, "subjects": ["repo:acme/ml:ref:refs/heads/main"]},
    }
    theirs = census(own.cloud, REGION)
    project = own.project("adopted", {**stack_settings("local"), "launchway:zones": [adopting]})
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
    assert census(own.cloud, REGION) == theirs


def test_an_adopted_thing_that_is_not_there_is_named_before_anything_is_made(own: Ground) -> None:
    (zone,) = stack_settings("local")["launchway:zones"]
    gone = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/10000000-0000-4000-8000-000000000000"
    adopting = {**zone, "existing": {"keys": {"data": gone}}}
    project = own.project("adopted", {**stack_settings("local"), "launchway:zones": [adopting]})
    outcome = project.preview(check=False)
    assert outcome.code != 0
    assert gone in outcome.message
    assert census(own.cloud, REGION) == {}
