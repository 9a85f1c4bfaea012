"""What somebody changes behind Pulumi's back is seen by a refresh and healed by the next up."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.ground import Ground, views
from tests.engine.life import inspect
from tests.engine.project import Project
from tests.engine.security.aws.view import View

pytestmark = pytest.mark.engine


def _no_public_access_block(view: View) -> None:
    view.client("s3").delete_public_access_block(Bucket=view.zone.buckets.data.name)


def _half_a_public_access_block(view: View) -> None:
    half = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False}
    bucket = view.zone.buckets.output.name
    view.client("s3").put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={**half, "RestrictPublicBuckets": True}
    )


def _no_versions(view: View) -> None:
    bucket = view.zone.buckets.checkpoints.name
    view.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def _everyone_may_read(view: View) -> None:
    bucket = view.zone.buckets.data.name
    arn = f"arn:{view.zone.partition}:s3:::{bucket}/*"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    view.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)


def _no_rotation(view: View) -> None:
    view.client("kms").disable_key_rotation(KeyId=view.zone.keys.data)


def _tags_can_move(view: View) -> None:
    name = view.zone.registry.id.split("repository/", 1)[1]
    view.client("ecr").put_image_tag_mutability(repositoryName=name, imageTagMutability="MUTABLE")


def _a_door_in_the_default_group(view: View) -> None:
    view.client("ec2").authorize_security_group_ingress(
        GroupId=view.default_group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )


def _the_agent_may_be_anyone(view: View) -> None:
    role = view.zone.identities.agent.rsplit("/", 1)[1]
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    view.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=document)


# What is done to the zone -> the type of the resource that must show it.
DRIFTS: dict[Callable[[View], None], str] = {
    _no_public_access_block: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    _half_a_public_access_block: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    _no_versions: "aws:s3/bucketVersioning:BucketVersioning",
    _everyone_may_read: "aws:s3/bucketPolicy:BucketPolicy",
    _no_rotation: "aws:kms/key:Key",
    _tags_can_move: "aws:ecr/repository:Repository",
    _a_door_in_the_default_group: "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    _the_agent_may_be_anyone: "aws:iam/role:Role",
}


def test_a_refresh_sees_every_drift_and_up_heals_all_of_them(shared: Ground, local: Project) -> None:
    (view,) = views(shared, local)
    for drift in DRIFTS:
        drift(view)
    assert any(inspect(shared, local).values())

    planned = local.preview("--refresh")
    seen = local.refresh()
    touched = sorted(kind for kind, _ in seen.steps if kind.startswith("aws:"))
    assert touched == sorted(DRIFTS.values())
    assert len([kind for kind, _ in planned.steps if kind.startswith("aws:")]) >= len(DRIFTS)

    healed = local.up()
    assert sorted(kind for kind, _ in healed.steps if kind.startswith("aws:")) == sorted(DRIFTS.values())
    complaints: dict[str, Any] = {name: said for name, said in inspect(shared, local).items() if said}
    assert complaints == {}
    assert local.preview("--expect-no-changes").changes == {}
