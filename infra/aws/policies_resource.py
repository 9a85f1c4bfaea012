"""Policies of resources: buckets and keys. No linter reads these, so tests take them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.aws.place import Place
from infra.aws.policies import Document, Statement, document

CLOUDTRAIL = "cloudtrail.amazonaws.com"
ACCESS_LOGS = "logging.s3.amazonaws.com"
KEY_ID = "s3:x-amz-server-side-encryption-aws-kms-key-id"
ALGORITHM = "s3:x-amz-server-side-encryption"
CUSTOMER_ALGORITHM = "s3:x-amz-server-side-encryption-customer-algorithm"


def _deny(sid: str, actions: str, resources: list[str], condition: dict[str, Any]) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": resources,
        "Condition": condition,
    }


def _service(sid: str, service: str, actions: list[str], resource: str, condition: dict[str, Any]) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": actions,
        "Resource": resource,
        "Condition": condition,
    }


def tls_only(bucket: str) -> Statement:
    """No request to this bucket (ARN) without TLS."""
    return _deny("TlsOnly", "s3:*", [bucket, f"{bucket}/*"], {"Bool": {"aws:SecureTransport": "false"}})


def data_bucket(bucket: str, key: str) -> Document:
    """TLS only, and no object under another key than the zone's.

    An upload without encryption headers gets the bucket's default encryption, so it must pass: each Deny asks
    first whether its header is there (`Null: false`), because a negated operator holds for an absent key.
    `aws:kms` without a key means AWS's own key of the account (aws/s3), not the bucket's default (PutObject,
    SSEKMSKeyId); a key of the customer's own (SSE-C) is one that nobody else can read with.
    """
    refused = {
        "OnlyThisKey": {"Null": {KEY_ID: "false"}, "ArnNotEquals": {KEY_ID: key}},
        "OnlyKms": {"Null": {ALGORITHM: "false"}, "StringNotEquals": {ALGORITHM: "aws:kms"}},
        "KmsNamesItsKey": {"Null": {KEY_ID: "true"}, "StringEquals": {ALGORITHM: "aws:kms"}},
        "NoCustomerKeys": {"Null": {CUSTOMER_ALGORITHM: "false"}},
    }
    denials = [_deny(sid, "s3:PutObject", [f"{bucket}/*"], condition) for sid, condition in refused.items()]
    return document([tls_only(bucket), *denials])


def secret(execution: str) -> Document:
    """A value that nobody reads but the jobs of the zone (`execution`, a role's ARN), whatever IAM allows them.

    Whoever may put a value in still may. A session of a role has the role's ARN as its PrincipalArn.
    """
    others = {"ArnNotEquals": {"aws:PrincipalArn": execution}}
    return document([_deny("OnlyJobsRead", "secretsmanager:GetSecretValue", ["*"], others)])


def access_log_bucket(place: Place, bucket: str, sources: Sequence[str]) -> Document:
    """TLS only; S3 may deliver the access logs of `sources` (bucket ARNs of this account) and nothing else."""
    condition = {
        "ArnLike": {"aws:SourceArn": list(sources)},
        "StringEquals": {"aws:SourceAccount": place.account},
    }
    deliver = _service("AccessLogs", ACCESS_LOGS, ["s3:PutObject"], f"{bucket}/*", condition)
    return document([deliver, tls_only(bucket)])


def trail_bucket(place: Place, bucket: str, trail: str) -> Document:
    """TLS only; CloudTrail may deliver this trail's files (AWS's own form of the policy, with SourceArn)."""
    source = {"aws:SourceArn": trail}
    put = {"StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}}
    files = f"{bucket}/AWSLogs/{place.account}/*"
    return document(
        [
            tls_only(bucket),
            _service("TrailAcl", CLOUDTRAIL, ["s3:GetBucketAcl"], bucket, {"StringEquals": source}),
            _service("TrailFiles", CLOUDTRAIL, ["s3:PutObject"], files, put),
        ]
    )


def _owner(place: Place) -> Statement:
    """The account's own IAM decides who uses the key; without this a key can be locked for good."""
    return {
        "Sid": "AccountIam",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{place.partition}:iam::{place.account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }


def key(place: Place) -> Document:
    """A key that only identities of the account use, through IAM."""
    return document([_owner(place)])


def _log_groups(place: Place, dns_suffix: str, groups: Sequence[str]) -> list[Statement]:
    """CloudWatch Logs of this region, for the named log groups only (their ARN is the encryption context)."""
    service = f"logs.{place.region}.{dns_suffix}"
    use = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*"]
    context = {"kms:EncryptionContext:aws:logs:arn": [place.log_group_arn(group) for group in groups]}
    account = {"StringEquals": {"aws:SourceAccount": place.account}}
    return [
        _service("LogGroups", service, use, "*", {"ArnLike": context}),
        # DescribeKey carries no encryption context.
        _service("LogGroupsDescribe", service, ["kms:DescribeKey"], "*", account),
    ]


def logs_key(place: Place, dns_suffix: str, groups: Sequence[str]) -> Document:
    """A key for log groups; `groups` are names or patterns of names."""
    return document([_owner(place), *_log_groups(place, dns_suffix, groups)])


def audit_key(place: Place, dns_suffix: str, groups: Sequence[str], trail: str | None) -> Document:
    """A key for log groups and, with `trail` (ARN), for that trail's files."""
    statements = [_owner(place), *(_log_groups(place, dns_suffix, groups) if groups else [])]
    if trail:
        source = {"StringEquals": {"aws:SourceArn": trail}}
        context = {"kms:EncryptionContext:aws:cloudtrail:arn": place.arn("cloudtrail", "trail/*", region="*")}
        encrypt = {**source, "StringLike": context}
        statements += [
            _service("TrailEncrypt", CLOUDTRAIL, ["kms:GenerateDataKey*"], "*", encrypt),
            _service("TrailDescribe", CLOUDTRAIL, ["kms:DescribeKey"], "*", source),
        ]
    return document(statements)
