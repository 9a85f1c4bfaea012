"""Every type lives its whole life on moto inside this process: made, read, changed, found drifted, removed."""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.moto_api._internal.models import moto_api_backend

from localcloud.aws import moto_gaps
from localcloud.plugin.aws.handlers import kms
from localcloud.plugin.aws.provider import AwsProvider, table
from localcloud.plugin.aws.registry import REGISTRY
from localcloud.plugin.derive import sdk
from localcloud.plugin.provider import PartialFailure, ProviderError, Subject
from tests.plugin.aws.lives import ALLOW, DELIVERY, LIVES, TRUST
from tests.plugin.kinds import typed

pytestmark = pytest.mark.wire  # boto3's own clients, on moto inside this process: too slow for the unit lane

REGION = "eu-central-1"


@pytest.fixture(scope="module")
def connected() -> Iterator[AwsProvider]:
    """One provider for all: making clients is what takes time."""
    moto_gaps.fill()
    # In this order: moto sets keys of its own, and must be the last to put the environment back.
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        made = AwsProvider()
        made.configure({"region": REGION})
        yield made


@pytest.fixture
def provider(connected: AwsProvider) -> AwsProvider:
    """The provider on an empty cloud."""
    moto_api_backend.reset()
    return connected


class Stage:
    """Makes resources out of LIVES, with those they refer to."""

    def __init__(self, provider: AwsProvider) -> None:
        self.provider = provider
        self.made: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {}

    def token(self, short: str) -> str:
        return next(token for token in LIVES if token.endswith(f":{short}"))

    def resolve(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("$"):
            return self.make(self.token(value[1:]))[0]
        if isinstance(value, dict):
            return {key: self.resolve(inner) for key, inner in value.items()}
        return [self.resolve(inner) for inner in value] if isinstance(value, list) else value

    def checked(self, token: str, inputs: dict[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in inputs.items() if value is not None}
        checked = self.provider.check(Subject(token, "x"), {}, given, b"seed", None)
        assert checked.failures == ()
        return checked.inputs

    def make(self, token: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
        if token not in self.made:
            if "BucketLogging" in token:
                policy = DELIVERY % self.resolve("$Bucket")
                boto3.client("s3", REGION).put_bucket_policy(Bucket=self.resolve("$Bucket"), Policy=policy)
            if "FlowLog" in token:
                boto3.client("iam", REGION).create_role(RoleName="flow", AssumeRolePolicyDocument=TRUST)
                boto3.client("logs", REGION).create_log_group(logGroupName="flow")
            inputs = self.checked(token, self.resolve(LIVES[token][0]))
            id, outputs = self.provider.create(Subject(token, "x"), inputs)
            self.made[token] = id, inputs, outputs
        return self.made[token]

    def unchanged(self, token: str, state: dict[str, Any], inputs: dict[str, Any]) -> None:
        assert self.provider.diff(Subject(token, "x"), state, inputs, []).changes == ()


@pytest.fixture
def stage(provider: AwsProvider) -> Stage:
    return Stage(provider)


def test_every_type_has_its_life_here() -> None:
    assert LIVES.keys() == table().keys()


@pytest.mark.parametrize("token", LIVES)
def test_it_is_made_read_changed_and_removed(stage: Stage, token: str) -> None:
    id, inputs, outputs = stage.make(token)
    assert id
    stage.unchanged(token, outputs, inputs)
    assert outputs["id"] == id
    typed(table()[token]["properties"], outputs)

    subject = Subject(token, "x", id)
    found = stage.provider.read(subject, inputs, outputs)
    assert found is not None
    assert (found.id, found.inputs) == (id, inputs)
    assert found.outputs.keys() == outputs.keys()

    imported = stage.provider.read(Subject(token, "x", import_id(token, id, outputs)), {}, {})
    assert imported is not None
    assert imported.id == id
    if "OpenIdConnectProvider" not in token:  # IAM gives its URL back in a form that the provider does not take
        assert stage.provider.check(subject, {}, imported.inputs, b"seed", None).failures == ()

    if LIVES[token][1]:
        wanted = stage.checked(token, stage.resolve({**LIVES[token][0], **LIVES[token][1]}))
        assert not any(change.replace for change in stage.provider.diff(subject, outputs, wanted, []).changes)
        outputs = stage.provider.update(subject, outputs, wanted)
        stage.unchanged(token, outputs, wanted)
        again = stage.provider.read(subject, wanted, outputs)
        assert again is not None
        stage.unchanged(token, again.outputs, wanted)
        inputs = wanted

    stage.provider.delete(subject, inputs, outputs)
    if not token.endswith(("DefaultSecurityGroup", "BucketVersioning")):  # AWS can only turn these off
        assert stage.provider.read(subject, inputs, outputs) is None
        stage.provider.delete(subject, inputs, outputs)  # gone already is as good as deleted


def import_id(token: str, id: str, outputs: dict[str, Any]) -> str:
    """What a user of `pulumi import` has to give: the provider's own form where it is not the id."""
    return f"{outputs['routeTableId']}_{outputs['destinationCidrBlock']}" if token.endswith(":Route") else id


def test_a_bucket_that_is_not_empty_stays_unless_it_is_told_to_go(stage: Stage) -> None:
    token = "aws:s3/bucket:Bucket"
    id, inputs, outputs = stage.make(token)
    boto3.client("s3", REGION).put_object(Bucket=id, Key="k", Body=b"")
    subject = Subject(token, "x", id)
    with pytest.raises(
        ProviderError, match=r"deleting S3 Bucket \(data\): operation error DeleteBucket: .* BucketNotEmpty"
    ):
        stage.provider.delete(subject, inputs, outputs)
    stage.provider.delete(subject, inputs, {**outputs, "forceDestroy": True})
    assert stage.provider.read(subject, inputs, outputs) is None


def test_a_name_that_is_taken_is_refused_and_not_taken_over(stage: Stage) -> None:
    _, inputs, _ = stage.make("aws:s3/bucket:Bucket")
    with pytest.raises(ProviderError, match="BucketAlreadyExists"):
        stage.provider.create(Subject("aws:s3/bucket:Bucket", "y"), inputs)


def test_a_role_with_policies_from_elsewhere_stays_unless_they_may_be_detached(stage: Stage) -> None:
    token = "aws:iam/role:Role"
    id, inputs, outputs = stage.make(token)
    policy = boto3.client("iam").create_policy(PolicyName="other", PolicyDocument=ALLOW)["Policy"]["Arn"]
    boto3.client("iam").attach_role_policy(RoleName=id, PolicyArn=policy)
    subject = Subject(token, "x", id)
    with pytest.raises(ProviderError, match="DeleteConflict"):
        stage.provider.delete(subject, inputs, outputs)
    stage.provider.delete(subject, inputs, {**outputs, "forceDetachPolicies": True})
    assert stage.provider.read(subject, inputs, outputs) is None


def test_a_thing_that_was_made_and_cannot_be_read_keeps_its_state(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("KeyMetadata")

    inputs = stage.checked("aws:kms/key:Key", {})
    changed = dataclasses.replace(kms.RESOURCES["aws:kms/key:Key"], read=broken)
    monkeypatch.setitem(kms.RESOURCES, "aws:kms/key:Key", changed)
    with pytest.raises(PartialFailure) as failed:
        stage.provider.create(Subject("aws:kms/key:Key", "x"), inputs)
    assert failed.value.id in {key["KeyId"] for key in boto3.client("kms", REGION).list_keys()["Keys"]}


def test_an_account_that_is_not_allowed_is_refused(provider: AwsProvider) -> None:
    with pytest.raises(ProviderError, match="AWS account ID not allowed: 123456789012"):
        AwsProvider().configure({"region": REGION, "allowedAccountIds": '["210987654321"]'})


LOOKUPS: list[tuple[str, dict[str, Any]]] = [
    ("index/getCallerIdentity:getCallerIdentity", {}),
    ("index/getPartition:getPartition", {}),
    ("index/getRegion:getRegion", {}),
    ("index/getAvailabilityZones:getAvailabilityZones", {"state": "available"}),
    ("ec2/getVpc:getVpc", {"id": "$Vpc"}),
    ("ec2/getSubnet:getSubnet", {"id": "$Subnet"}),
    ("ec2/getSubnets:getSubnets", {"filters": [{"name": "vpc-id", "values": ["$Vpc"]}]}),
    ("ec2/getSecurityGroup:getSecurityGroup", {"id": "$SecurityGroup"}),
    ("ec2/getVpcEndpoint:getVpcEndpoint", {"id": "$VpcEndpoint"}),
    ("s3/getBucket:getBucket", {"bucket": "$Bucket"}),
    ("kms/getKey:getKey", {"keyId": "$Key"}),
    ("ecr/getRepository:getRepository", {"name": "$Repository"}),
    ("iam/getRole:getRole", {"name": "$Role"}),
    ("iam/getOpenIdConnectProvider:getOpenIdConnectProvider", {"arn": "$OpenIdConnectProvider"}),
    ("iam/getSessionContext:getSessionContext", {"arn": "arn:aws:iam::123456789012:user/me"}),
    ("cloudwatch/getLogGroup:getLogGroup", {"name": "$LogGroup"}),
]


def test_every_invoke_is_asked_here() -> None:
    modules = {name for names in REGISTRY.modules.values() for name in names}
    served = [importlib.import_module(f"{REGISTRY.package}.{name}") for name in modules]
    known = {token for module in served for token in getattr(module, "INVOKES", {})}
    assert known == {f"aws:{token}" for token, _ in LOOKUPS}


@pytest.mark.parametrize(("token", "arguments"), LOOKUPS)
def test_an_invoke_answers_with_what_the_sdk_reads(stage: Stage, token: str, arguments: dict[str, Any]) -> None:
    result, failures = stage.provider.invoke(f"aws:{token}", stage.resolve(arguments))
    assert failures == ()
    module, name = token.split(":")[0].split("/")
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    file = (sdk.root("aws") if module == "index" else sdk.root("aws") / module) / f"{snake}.py"
    wanted = sdk.classes(file)[name[0].upper() + name[1:] + "Result"]
    assert result.keys() == wanted.keys()


@pytest.mark.parametrize(
    ("token", "arguments"),
    [
        ("aws:ec2/getVpc:getVpc", {"id": "vpc-0"}),
        ("aws:s3/getBucket:getBucket", {"bucket": "none"}),
        ("aws:kms/getKey:getKey", {"keyId": "00000000-0000-4000-8000-000000000000"}),
        ("aws:ecr/getRepository:getRepository", {"name": "none"}),
        ("aws:iam/getRole:getRole", {"name": "none"}),
        ("aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider", {"url": "https://none"}),
        ("aws:cloudwatch/getLogGroup:getLogGroup", {"name": "none"}),
        ("aws:lambda/getFunction:getFunction", {"functionName": "none"}),
    ],
)
def test_looking_up_what_is_not_there_is_an_error(
    provider: AwsProvider, token: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ProviderError):
        provider.invoke(token, arguments)


def test_an_argument_that_an_invoke_does_not_take_is_refused(provider: AwsProvider) -> None:
    _, failures = provider.invoke("aws:kms/getKey:getKey", {"keyId": "k", "colour": "red"})
    assert [failure.property for failure in failures] == ["colour"]


def test_a_session_leads_to_the_role_with_its_path(provider: AwsProvider) -> None:
    boto3.client("iam").create_role(RoleName="dev", Path="/team/", AssumeRolePolicyDocument=TRUST)
    session = "arn:aws:sts::123456789012:assumed-role/dev/me@example.org"
    found, _ = provider.invoke("aws:iam/getSessionContext:getSessionContext", {"arn": session})
    assert found["issuerArn"] == "arn:aws:iam::123456789012:role/team/dev"
    assert found["sessionName"] == "me@example.org"


def test_a_resource_may_lie_in_another_region(stage: Stage) -> None:
    inputs = stage.checked("aws:kms/key:Key", {"region": "eu-west-1"})
    id, outputs = stage.provider.create(Subject("aws:kms/key:Key", "x"), inputs)
    assert outputs["region"] == "eu-west-1"
    assert outputs["arn"].split(":")[3] == "eu-west-1"
    assert stage.provider.read(Subject("aws:kms/key:Key", "x", id), inputs, outputs) is not None


def test_a_default_group_gets_the_rules_it_is_given_and_loses_all_others(stage: Stage) -> None:
    token = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
    door = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/8"], "self": True}
    given = {"vpcId": stage.resolve("$Vpc"), "ingress": [door], "egress": []}
    inputs = stage.checked(token, given)
    id, outputs = stage.provider.create(Subject(token, "x"), inputs)
    [rule] = outputs["ingress"]
    assert {key: rule[key] for key in door} == door
    assert outputs["egress"] == []
    stage.unchanged(token, outputs, inputs)
    empty = stage.checked(token, {**given, "ingress": []})
    assert stage.provider.update(Subject(token, "x", id), outputs, empty)["ingress"] == []
