"""A stage in the module's server: role, buckets, keys, network, registry."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from localcloud import Cloud
from tests.localcloud.aws.stage import REGION, TRUST, Stage


@pytest.fixture(scope="module")
def made(cloud: Cloud) -> Stage:
    ec2 = cloud.client("ec2", REGION)
    subnet = ec2.describe_subnets()["Subnets"][0]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [subnet["VpcId"]]}])
    role = cloud.client("iam", REGION).create_role(
        RoleName="execution", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    cloud.client("s3", REGION).create_bucket(Bucket="stage")
    repository = cloud.client("ecr", REGION).create_repository(repositoryName="images")["repository"]
    return Stage(
        cloud=cloud,
        role=role["Role"]["Arn"],
        bucket="stage",
        image=repository["repositoryUri"],
        key=cloud.client("kms", REGION).create_key()["KeyMetadata"]["Arn"],
        subnet=subnet["SubnetId"],
        group=groups["SecurityGroups"][0]["GroupId"],
    )


@pytest.fixture
def stage(made: Stage) -> Iterator[Stage]:
    """The stage without faults left over."""
    made.cloud.clear()
    yield made
    made.cloud.clear()
