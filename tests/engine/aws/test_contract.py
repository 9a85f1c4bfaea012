"""The contract that a stack exports is the contract that the dispatcher reads, and everything in it is there."""

from __future__ import annotations

import pytest

from dispatcher import contract
from tests.engine.ground import Ground, views
from tests.engine.project import Project
from tests.engine.security.aws.view import View

pytestmark = pytest.mark.engine


@pytest.fixture
def view(shared: Ground, local: Project) -> View:
    (found,) = views(shared, local)
    return found


def test_the_exported_contract_is_one_that_the_dispatcher_accepts(local: Project) -> None:
    document = local.outputs()["contract"]
    parsed = contract.parse(document)
    assert contract.as_json(parsed) == document
    assert (parsed.environment, list(parsed.zones)) == ("local", ["aws-use1"])


def test_flat_outputs_for_people_repeat_the_contract(local: Project, view: View) -> None:
    outputs = local.outputs()
    assert view.zone.registry.url in str({name: value for name, value in outputs.items() if name != "contract"})


def test_every_bucket_of_the_contract_exists(view: View) -> None:
    buckets = view.zone.buckets
    for bucket in (buckets.data, buckets.output, buckets.checkpoints, buckets.logs):
        assert bucket
        view.client("s3").head_bucket(Bucket=bucket.name)
        assert bucket.uri == f"s3://{bucket.name}"


def test_every_key_of_the_contract_is_enabled(view: View) -> None:
    for key in view.keys:
        assert view.client("kms").describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key
        assert view.client("kms").describe_key(KeyId=key)["KeyMetadata"]["Enabled"]


def test_the_registry_of_the_contract_exists_under_its_address(view: View) -> None:
    (found,) = view.client("ecr").describe_repositories()["repositories"]
    assert (found["repositoryUri"], found["repositoryArn"]) == (view.zone.registry.url, view.zone.registry.id)


def test_every_identity_of_the_contract_exists(view: View) -> None:
    identities, iam = view.zone.identities, view.client("iam")
    for role in (identities.execution, identities.agent):
        assert iam.get_role(RoleName=role.rsplit("/", 1)[1])["Role"]["Arn"] == role
    if identities.federation:
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=identities.federation)


def test_every_network_id_of_the_contract_exists(view: View) -> None:
    ids, ec2 = view.zone.network.ids, view.client("ec2")
    assert ids.vpc
    ec2.describe_vpcs(VpcIds=[ids.vpc])
    assert {subnet["VpcId"] for subnet in view.subnets} == {ids.vpc}
    groups = ec2.describe_security_groups(GroupIds=list(ids.security_groups))["SecurityGroups"]
    assert {group["VpcId"] for group in groups} == {ids.vpc}
    wanted = list(view.zone.network.endpoints.values())
    assert wanted
    assert len(ec2.describe_vpc_endpoints(VpcEndpointIds=wanted)["VpcEndpoints"]) == len(wanted)


def test_the_contract_holds_no_secret(local: Project) -> None:
    text = str(local.outputs()["contract"]).lower()
    assert [
        word for word in ("password", "secret_key", "accesskey", "testing", "token.", "127.0.0.1") if word in text
    ] == []
