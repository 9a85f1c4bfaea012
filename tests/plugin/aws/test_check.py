"""What the stand-in refuses before anything is made, where it says the mistake is, and what it fills in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.plugin.aws.provider import AwsProvider
from localcloud.plugin.aws.session import Aws, Settings
from localcloud.plugin.provider import ProviderError, Subject
from localcloud.plugin.schema import Checked
from localcloud.plugin.values import UNKNOWN

SEED = b"a seed of the engine, 32 bytes.."
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
BUCKET = "aws:s3/bucket:Bucket"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
ROLE = "aws:iam/role:Role"
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"


def provider(**tags: str) -> AwsProvider:
    made = AwsProvider()
    made._connection = Aws(Settings(region="eu-central-1", default_tags=tags))
    return made


def check(token: str, inputs: dict[str, Any], olds: dict[str, Any] | None = None, name: str = "thing") -> Checked:
    return provider().check(Subject(token, name), olds or {}, inputs, SEED, None)


MISTAKES: list[tuple[str, dict[str, Any], str, str]] = [
    # type, inputs, path of the mistake, words of the reason
    (BUCKET, {"colour": "red"}, "colour", "not expected here"),
    (BUCKET, {"arn": "arn:aws:s3:::b"}, "arn", "output only"),
    (BUCKET, {"forceDestroy": "yes"}, "forceDestroy", "expected bool, got string"),
    (BUCKET, {"tags": {"a": 1}}, "tags.a", "expected string, got number"),
    (BUCKET, {"tags": ["a"]}, "tags", "expected map, got list"),
    (BUCKET, {"bucket": "b" * 64}, "bucket", "in the range (0 - 63)"),
    (VERSIONING, {"bucket": "b"}, "versioningConfiguration", "Missing required argument"),
    (VERSIONING, {"bucket": "b", "versioningConfiguration": {}}, "versioningConfiguration.status", "required"),
    (
        VERSIONING,
        {"bucket": "b", "versioningConfiguration": {"status": "On"}},
        "versioningConfiguration.status",
        'expected versioning_configuration.0.status to be one of ["Enabled" "Suspended" "Disabled"], got On',
    ),
    (
        LIFECYCLE,
        {"bucket": "b", "rules": [{"id": "a", "status": "Enabled"}, {"id": "b", "status": "Yes"}]},
        "rules[1].status",
        "one of",
    ),
    (
        LIFECYCLE,
        {"bucket": "b", "rules": [{"id": "a", "status": "Enabled", "expiry": {}}]},
        "rules[0].expiry",
        "not expected here",
    ),
    (ROLE, {"assumeRolePolicy": "{"}, "assumeRolePolicy", "invalid JSON policy"),
    (ROLE, {"assumeRolePolicy": '{"Version": "1", "Version": "2"}'}, "assumeRolePolicy", "duplicate JSON key"),
    (ROLE, {"assumeRolePolicy": TRUST, "maxSessionDuration": 60}, "maxSessionDuration", "(3600 - 43200), got 60"),
    (ROLE, {"assumeRolePolicy": TRUST, "permissionsBoundary": "admin"}, "permissionsBoundary", "invalid ARN"),
    (ROLE, {"assumeRolePolicy": TRUST, "name": "a", "namePrefix": "a"}, "name", "conflicts with name_prefix"),
    (ROLE, {"assumeRolePolicy": TRUST, "name": "no spaces"}, "name", "must match"),
    ("aws:kms/key:Key", {"deletionWindowInDays": 6}, "deletionWindowInDays", "(7 - 30), got 6"),
    ("aws:kms/key:Key", {"rotationPeriodInDays": 100}, "rotationPeriodInDays", "enable_key_rotation"),
    ("aws:kms/alias:Alias", {"name": "alias/aws/x", "targetKeyId": "k"}, "name", "reserved"),
    ("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 91}, "retentionInDays", "got 91"),
    ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/8"}, "cidrBlock", "(16 - 28) significant bits"),
    (
        "aws:ec2/subnet:Subnet",
        {"vpcId": "v", "cidrBlock": "10.0.0.1/24"},
        "cidrBlock",
        'did you mean "10.0.0.0/24"',
    ),
    ("aws:ec2/route:Route", {"routeTableId": "r", "gatewayId": "g"}, "destinationCidrBlock", "must be specified"),
    (RULE, {"securityGroupId": "sg-1", "ipProtocol": "tcp"}, "cidrIpv4", "must be specified"),
    (
        RULE,
        {"securityGroupId": "sg-1", "ipProtocol": "-1", "cidrIpv4": "10.0.0.0/8", "cidrIpv6": "::/0"},
        "cidrIpv4",
        "only one of",
    ),
    ("aws:ecr/repository:Repository", {"imageTagMutability": "SOMETIMES"}, "imageTagMutability", "IMMUTABLE"),
    (
        "aws:ecr/repository:Repository",
        {"encryptionConfigurations": [{"encryptionType": "ROT13"}]},
        "encryptionConfigurations[0].encryptionType",
        "encryption_configuration.0.encryption_type",
    ),
]


@pytest.mark.parametrize(("token", "inputs", "path", "reason"), MISTAKES)
def test_a_mistake_is_refused_at_its_place(token: str, inputs: dict[str, Any], path: str, reason: str) -> None:
    told = {failure.property: failure.reason for failure in check(token, inputs).failures}
    assert reason in told[path]


def test_all_mistakes_of_a_resource_are_told_at_once() -> None:
    told = check(ROLE, {"maxSessionDuration": 1, "colour": 1, "tags": 1}).failures
    assert {failure.property for failure in told} == {"maxSessionDuration", "colour", "tags", "assumeRolePolicy"}


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (BUCKET, {"bucket": UNKNOWN, "tags": UNKNOWN}),
        (VERSIONING, {"bucket": UNKNOWN, "versioningConfiguration": {"status": UNKNOWN}}),
        (ROLE, {"assumeRolePolicy": UNKNOWN}),
        (RULE, {"securityGroupId": UNKNOWN, "ipProtocol": "-1", "referencedSecurityGroupId": UNKNOWN}),
    ],
)
def test_what_is_not_known_yet_is_no_mistake(token: str, inputs: dict[str, Any]) -> None:
    assert check(token, inputs).failures == ()


def test_a_type_that_no_table_has_is_refused() -> None:
    with pytest.raises(ProviderError, match=r"aws:lambda/function:Function: the stand-in plugin does not know it"):
        check("aws:lambda/function:Function", {})


def test_defaults_are_filled_in_and_noted() -> None:
    filled = check("aws:kms/key:Key", {}).inputs
    assert filled["__defaults"] == ["customerMasterKeySpec", "isEnabled", "keyUsage"]
    assert filled["keyUsage"] == "ENCRYPT_DECRYPT"


def test_an_automatic_name_is_the_logical_one_with_seven_hex_digits() -> None:
    filled = check(BUCKET, {}).inputs
    assert filled["__defaults"] == ["bucket"]
    head, _, tail = filled["bucket"].rpartition("-")
    assert head == "thing"
    assert len(tail) == 7
    assert int(tail, 16) >= 0


def test_an_automatic_name_stays_and_a_given_one_does_not_become_automatic() -> None:
    first = check(BUCKET, {}).inputs
    other = provider().check(Subject(BUCKET, "thing"), first, {}, b"another seed", None)
    assert other.inputs["bucket"] == first["bucket"]
    given = check(BUCKET, {"bucket": "mine"}).inputs
    assert check(BUCKET, {}, olds=given).inputs["bucket"] != "mine"


def test_the_engine_may_propose_the_name() -> None:
    proposed = provider().check(Subject(ROLE, "r"), {}, {"assumeRolePolicy": TRUST}, SEED, "as-proposed")
    assert proposed.inputs["name"] == "as-proposed"


def test_an_automatic_name_that_is_too_long_is_refused() -> None:
    told = check(ROLE, {"assumeRolePolicy": TRUST}, name="r" * 60).failures
    assert [failure.property for failure in told] == ["name"]


def test_default_tags_are_laid_below_the_resources_own() -> None:
    subject = Subject(BUCKET, "b")
    mine = provider(owner="ml", zone="a").check(subject, {}, {"tags": {"zone": "b"}}, SEED, None)
    assert mine.inputs["tags"] == {"owner": "ml", "zone": "b"}
    untagged = provider(owner="ml").check(Subject(VERSIONING, "v"), {}, {"bucket": "b"}, SEED, None)
    assert "tags" not in untagged.inputs


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"regoin": "eu-central-1"}, "regoin"),
        ({"allowedAccountIds": '{"a": 1}'}, "allowedAccountIds"),
        ({"endpoints": "no json"}, "endpoints"),
        ({"assumeRoles": "[]"}, "assumeRoles"),
    ],
)
def test_settings_that_are_wrong_or_cannot_be_honoured_are_refused(config: dict[str, Any], path: str) -> None:
    assert [failure.property for failure in AwsProvider().check_config(config)] == [path]


def test_settings_travel_as_json_text() -> None:
    config = {
        "region": "eu-central-1",
        "allowedAccountIds": '["123456789012"]',
        "defaultTags": '{"tags": {"a": "b"}}',
        "endpoints": '[{"cloudwatchlogs": "http://127.0.0.1:1", "s3": ""}]',
        "s3UsePathStyle": "true",
    }
    assert AwsProvider().check_config(config) == ()
    types = {"allowedAccountIds": "list", "defaultTags": "object", "endpoints": "list", "s3UsePathStyle": "bool"}
    found = Settings.read(config, types)
    assert (found.allowed, found.default_tags) == (("123456789012",), {"a": "b"})
    assert found.endpoints == {"logs": "http://127.0.0.1:1"}
    assert found.path_style
