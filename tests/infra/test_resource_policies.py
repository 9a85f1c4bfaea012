"""Bucket, key and endpoint policies, asked as requests: no linter reads them and moto ignores conditions."""

from __future__ import annotations

from typing import Any

import pytest

from infra.aws import policies_endpoint, policies_resource
from infra.aws.settings import INTERFACE_SERVICES
from tests.infra.documents import KEY, PLACE, decision

BUCKET = PLACE.bucket_arn("aws-euc1-data-1a2b3c4d")
OBJECT = f"{BUCKET}/a"
ALGORITHM = "s3:x-amz-server-side-encryption"
KEY_ID = "s3:x-amz-server-side-encryption-aws-kms-key-id"
TRAIL = PLACE.arn("cloudtrail", "trail/main")
TLS = {"aws:SecureTransport": "true"}
OURS = {"aws:PrincipalAccount": PLACE.account, "aws:ResourceAccount": PLACE.account}


def on_data(action: str, resource: str = OBJECT, **context: Any) -> str:
    return decision(
        policies_resource.data_bucket(BUCKET, KEY)["Statement"], action, resource, **{**TLS, **context}
    )


def test_an_upload_that_relies_on_the_default_encryption_is_not_denied() -> None:
    assert on_data("s3:PutObject") != "deny"


def test_an_upload_that_names_our_key_is_not_denied() -> None:
    assert on_data("s3:PutObject", **{ALGORITHM: "aws:kms", KEY_ID: KEY}) != "deny"


def test_an_upload_under_another_key_is_denied() -> None:
    assert on_data("s3:PutObject", **{ALGORITHM: "aws:kms", KEY_ID: KEY.replace("1000", "2000")}) == "deny"


@pytest.mark.parametrize("algorithm", ["AES256", "aws:kms:dsse"])
def test_an_upload_with_another_encryption_is_denied(algorithm: str) -> None:
    assert on_data("s3:PutObject", **{ALGORITHM: algorithm}) == "deny"


def test_an_upload_under_awss_own_key_of_the_account_is_denied() -> None:
    assert on_data("s3:PutObject", **{ALGORITHM: "aws:kms"}) == "deny"


def test_an_upload_under_a_key_that_only_the_caller_has_is_denied() -> None:
    assert on_data("s3:PutObject", **{f"{ALGORITHM}-customer-algorithm": "AES256"}) == "deny"


@pytest.mark.parametrize(
    ("action", "resource"), [("s3:GetObject", OBJECT), ("s3:PutObject", OBJECT), ("s3:ListBucket", BUCKET)]
)
def test_nothing_goes_without_tls(action: str, resource: str) -> None:
    plain = {"aws:SecureTransport": "false"}
    documents = (
        policies_resource.data_bucket(BUCKET, KEY),
        policies_resource.access_log_bucket(PLACE, BUCKET, []),
        policies_resource.trail_bucket(PLACE, BUCKET, TRAIL),
    )
    for document in documents:
        assert decision(document["Statement"], action, resource, **plain) == "deny"


def test_access_logs_come_from_our_buckets_only() -> None:
    source = PLACE.bucket_arn("aws-euc1-data-1a2b3c4d")
    statements = policies_resource.access_log_bucket(PLACE, BUCKET, [source])["Statement"]
    ours = {**TLS, "aws:SourceArn": source, "aws:SourceAccount": PLACE.account}
    assert decision(statements, "s3:PutObject", OBJECT, **ours) == "allow"
    assert decision(statements, "s3:PutObject", OBJECT, **{**ours, "aws:SourceAccount": "2" * 12}) == "none"
    assert decision(statements, "s3:PutObject", OBJECT, **{**ours, "aws:SourceArn": "arn:aws:s3:::x"}) == "none"
    assert decision(statements, "s3:PutObject", OBJECT, **TLS) == "none"


def test_log_delivery_names_no_key_and_is_not_asked_for_one() -> None:
    for document in (
        policies_resource.access_log_bucket(PLACE, BUCKET, [BUCKET]),
        policies_resource.trail_bucket(PLACE, BUCKET, TRAIL),
    ):
        assert [s["Sid"] for s in document["Statement"] if s["Effect"] == "Deny"] == ["TlsOnly"]


def test_the_trail_delivers_its_own_files_only() -> None:
    statements = policies_resource.trail_bucket(PLACE, BUCKET, TRAIL)["Statement"]
    files = f"{BUCKET}/AWSLogs/{PLACE.account}/CloudTrail/x"
    ours = {**TLS, "aws:SourceArn": TRAIL, "s3:x-amz-acl": "bucket-owner-full-control"}
    assert decision(statements, "s3:PutObject", files, **ours) == "allow"
    assert decision(statements, "s3:PutObject", files, **{**ours, "aws:SourceArn": TRAIL + "2"}) == "none"
    assert decision(statements, "s3:PutObject", f"{BUCKET}/elsewhere", **ours) == "none"
    assert decision(statements, "s3:GetBucketAcl", BUCKET, **ours) == "allow"


def keys() -> list[dict[str, Any]]:
    suffix = "amazonaws.com"
    return [
        policies_resource.key(PLACE),
        policies_resource.logs_key(PLACE, suffix, ["/launchway/g"]),
        policies_resource.audit_key(PLACE, suffix, ["/aws/sagemaker/TrainingJobs"], TRAIL),
        policies_resource.audit_key(PLACE, suffix, [], TRAIL),
    ]


def test_no_key_trusts_everyone_and_every_service_is_conditioned() -> None:
    for document in keys():
        for statement in document["Statement"]:
            assert statement["Principal"] != "*"
            assert statement["Principal"] != {"AWS": "*"}
            if "Service" in statement["Principal"]:
                assert statement["Condition"]


def test_the_account_keeps_hold_of_every_key() -> None:
    for document in keys():
        assert document["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{PLACE.account}:root"}


def test_log_groups_are_encrypted_in_their_own_name_only() -> None:
    statements = policies_resource.logs_key(PLACE, "amazonaws.com", ["/launchway/g"])["Statement"][1:]
    context = "kms:EncryptionContext:aws:logs:arn"
    assert statements[0]["Principal"] == {"Service": "logs.eu-central-1.amazonaws.com"}
    ours = {context: PLACE.log_group_arn("/launchway/g")}
    assert decision(statements, "kms:GenerateDataKey", "*", **ours) == "allow"
    assert decision(statements, "kms:GenerateDataKey", "*", **{context: PLACE.log_group_arn("/other")}) == "none"
    assert decision(statements, "kms:GenerateDataKey", "*") == "none"


def test_the_trail_encrypts_in_its_own_name_only() -> None:
    statements = policies_resource.audit_key(PLACE, "amazonaws.com", [], TRAIL)["Statement"][1:]
    ours = {"aws:SourceArn": TRAIL, "kms:EncryptionContext:aws:cloudtrail:arn": TRAIL}
    assert decision(statements, "kms:GenerateDataKey", "*", **ours) == "allow"
    assert decision(statements, "kms:GenerateDataKey", "*", **{**ours, "aws:SourceArn": TRAIL + "2"}) == "none"


@pytest.mark.parametrize("service", INTERFACE_SERVICES)
def test_every_interface_endpoint_is_bound_to_the_account(service: str) -> None:
    for statement in policies_endpoint.interface(PLACE, service)["Statement"]:
        bound = statement["Condition"]["StringEquals"]
        assert set(bound.values()) == {PLACE.account}
        assert "*" not in statement["Action"]
        tokens = statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
        assert ("aws:PrincipalAccount" in bound) != tokens


def test_the_services_of_the_settings_are_those_with_a_policy() -> None:
    assert set(INTERFACE_SERVICES) == set(policies_endpoint.SERVICES)


def test_a_stranger_gets_nothing_through_an_endpoint() -> None:
    statements = policies_endpoint.interface(PLACE, "sagemaker.api")["Statement"]
    assert decision(statements, "sagemaker:CreateTrainingJob", "x", **OURS) == "allow"
    stranger = {**OURS, "aws:PrincipalAccount": "2" * 12}
    assert decision(statements, "sagemaker:CreateTrainingJob", "x", **stranger) == "none"
    elsewhere = {**OURS, "aws:ResourceAccount": "2" * 12}
    assert decision(statements, "sagemaker:CreateTrainingJob", "x", **elsewhere) == "none"


def test_the_s3_gateway_serves_our_buckets_and_the_layers_of_images() -> None:
    statements = policies_endpoint.s3_gateway(PLACE)["Statement"]
    assert decision(statements, "s3:GetObject", OBJECT, **OURS) == "allow"
    assert (
        decision(statements, "s3:PutObject", "arn:aws:s3:::exfil/x", **{**OURS, "aws:ResourceAccount": "2" * 12})
        == "none"
    )
    layers = "arn:aws:s3:::prod-eu-central-1-starport-layer-bucket/sha256"
    assert decision(statements, "s3:GetObject", layers) == "allow"
    assert decision(statements, "s3:PutObject", layers) == "none"
