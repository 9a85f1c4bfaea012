"""Buckets, keys and the registry, as the cloud reports them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.engine.security.aws.view import View, actions, conditions, holds, requires, statements, values


def public_access_is_blocked(view: View) -> Iterator[str]:
    """All four switches of every bucket."""
    for bucket in view.buckets:
        try:
            answer = view.client("s3").get_public_access_block(Bucket=bucket)
        except Exception as error:
            if "NoSuchPublicAccessBlockConfiguration" not in str(error):
                raise
            yield f"{bucket} has no public access block"
            continue
        for switch in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"):
            if not answer["PublicAccessBlockConfiguration"].get(switch):
                yield f"{bucket}: {switch} is off"


def versions_are_kept(view: View) -> Iterator[str]:
    """Versioning of every bucket."""
    for bucket in view.buckets:
        if view.client("s3").get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
            yield f"{bucket} keeps no versions"


def acls_are_disabled(view: View) -> Iterator[str]:
    """The bucket's owner owns every object, so that no ACL counts."""
    for bucket in view.buckets:
        try:
            controls = view.client("s3").get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
        except Exception as error:
            if "OwnershipControlsNotFoundError" not in str(error):
                raise
            yield f"{bucket} has no ownership controls"
            continue
        if controls["Rules"] != [{"ObjectOwnership": "BucketOwnerEnforced"}]:
            yield f"{bucket}: {controls['Rules']}"


def data_is_encrypted_with_the_zones_key(view: View) -> Iterator[str]:
    """SSE-KMS with the data key and a bucket key as the default of every data bucket."""
    for bucket in view.data_buckets:
        rule = _encryption(view, bucket)
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        if default.get("SSEAlgorithm") != "aws:kms" or default.get("KMSMasterKeyID") != view.zone.keys.data:
            yield f"{bucket}: default encryption is {default}"
        if not rule.get("BucketKeyEnabled"):
            yield f"{bucket} asks KMS for every object"


def logs_can_be_delivered_encrypted(view: View) -> Iterator[str]:
    """SSE-S3 for buckets that the logging service writes to: it cannot use a customer key."""
    for bucket in view.log_buckets:
        default = _encryption(view, bucket).get("ApplyServerSideEncryptionByDefault", {})
        if default.get("SSEAlgorithm") != "AES256":
            yield f"{bucket}: default encryption is {default}"


def plain_http_is_denied(view: View) -> Iterator[str]:
    """A statement that denies everything to everyone without TLS."""
    for bucket in view.buckets:
        denials = [s for s in view.bucket_policy(bucket) if s["Effect"] == "Deny" and actions(s) == ["s3:*"]]
        arn = f"arn:{view.zone.partition}:s3:::{bucket}"
        if not any(
            requires(denial, "aws:SecureTransport", "false")
            and {arn, f"{arn}/*"} <= set(values(denial["Resource"]))
            and denial["Principal"] in ("*", {"AWS": "*"})
            for denial in denials
        ):
            yield f"{bucket} answers over plain HTTP"


def only_uploads_under_the_zones_key_pass(view: View) -> Iterator[str]:
    """Any other key is refused; an upload that names none gets the default encryption, so it passes."""
    kind, key = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
    ours = view.zone.keys.data
    uploads: dict[str, tuple[dict[str, str], bool]] = {
        "without a word about encryption": ({}, True),
        "under the zone's key": ({kind: "aws:kms", key: ours}, True),
        "under another key": ({kind: "aws:kms", key: view.zone.keys.logs}, False),
        "under AWS's own key": ({kind: "aws:kms"}, False),
        "under S3's own key": ({kind: "AES256"}, False),
    }
    for bucket in view.data_buckets:
        puts = [s for s in view.bucket_policy(bucket) if s["Effect"] == "Deny" and "s3:putobject" in actions(s)]
        for what, (headers, passes) in uploads.items():
            if passes == any(holds(statement, headers) for statement in puts):
                yield f"{bucket} {'refuses' if passes else 'takes'} an upload {what}"


def nobody_is_granted_publicly(view: View) -> Iterator[str]:
    """No Allow for everyone without a condition, in any bucket or key policy."""
    kms = view.client("kms")
    documents = {bucket: view.bucket_policy(bucket) for bucket in view.buckets}
    documents |= {
        key: statements(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]) for key in view.keys
    }
    for what, found in documents.items():
        for statement in found:
            everyone = statement["Principal"] in ("*", {"AWS": "*"})
            if statement["Effect"] == "Allow" and everyone and not statement.get("Condition"):
                yield f"{what} allows everyone {statement['Action']}"


def broken_uploads_are_cleaned_up(view: View) -> Iterator[str]:
    """A lifecycle rule that ends incomplete multipart uploads, on every bucket."""
    for bucket in view.buckets:
        try:
            rules = view.client("s3").get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        except Exception as error:
            if "NoSuchLifecycleConfiguration" not in str(error):
                raise
            rules = []
        if not any(rule["Status"] == "Enabled" and "AbortIncompleteMultipartUpload" in rule for rule in rules):
            yield f"{bucket} keeps the parts of broken uploads for ever"


def code_goes_and_data_stays(view: View) -> Iterator[str]:
    """Of the bucket of data, what lies in the folder of code goes after a time, and nothing else ever does."""
    bucket = view.zone.buckets.data.name
    rules = view.client("s3").get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    going = [
        rule["Filter"].get("Prefix") for rule in rules if rule["Status"] == "Enabled" and "Expiration" in rule
    ]
    if going != ["code/"]:
        yield f"{bucket} deletes {going}"


def access_is_logged_elsewhere(view: View) -> Iterator[str]:
    """Every data bucket's access log goes to a bucket that is not itself."""
    for bucket in view.data_buckets:
        logging = view.client("s3").get_bucket_logging(Bucket=bucket).get("LoggingEnabled")
        if not logging or logging["TargetBucket"] not in view.log_buckets:
            yield f"{bucket} logs its access to {logging}"


def _secrets(view: View) -> list[dict[str, Any]]:
    """The secrets of the zone."""
    found = view.client("secretsmanager").list_secrets()["SecretList"]
    return [one for one in found if one["Name"].startswith(f"{view.zone.secrets.store}/")]


def secrets_are_encrypted_with_the_zones_key(view: View) -> Iterator[str]:
    """A secret under AWS's own key of the account opens for whoever may read it, jobs of other zones too."""
    for secret in _secrets(view):
        if secret.get("KmsKeyId") != view.zone.keys.data:
            yield f"{secret['Name']} is encrypted with {secret.get('KmsKeyId')}"


def secrets_are_read_by_jobs_alone(view: View) -> Iterator[str]:
    """A secret's own policy refuses everybody else, whatever IAM allows them."""
    others = {"ArnNotEquals": {"aws:PrincipalArn": view.zone.identities.execution}}
    for secret in _secrets(view):
        policy = view.client("secretsmanager").get_resource_policy(SecretId=secret["ARN"]).get("ResourcePolicy")
        refused = [
            statement
            for statement in (json.loads(policy)["Statement"] if policy else ())
            if (statement["Effect"], statement["Principal"], statement["Condition"]) == ("Deny", "*", others)
            and "secretsmanager:getsecretvalue" in actions(statement)
        ]
        if not refused:
            yield f"{secret['Name']} is read by whoever IAM lets"


def keys_rotate(view: View) -> Iterator[str]:
    """Rotation of every customer-managed key."""
    for key in view.all_keys:
        if not view.client("kms").get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]:
            yield f"{key} never rotates"


def keys_are_apart(view: View) -> Iterator[str]:
    """Data, registry and logs do not share a key: who may read logs may not read data."""
    if len(view.keys) != 3:
        yield f"only {len(view.keys)} keys: {view.keys}"


def services_use_keys_only_for_this_account(view: View) -> Iterator[str]:
    """A service in a key policy is bound to what it encrypts or to the account it acts for."""
    bound = ("kms:encryptioncontext", "aws:sourcearn", "aws:sourceaccount")
    for key in view.all_keys:
        policy = view.client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        for statement in statements(policy):
            service = isinstance(statement["Principal"], dict) and statement["Principal"].get("Service")
            if service and not any(name.startswith(bound) for _, name, _ in conditions(statement)):
                yield f"{key} lets {service} use it for anyone"


def _repository(view: View) -> dict[str, Any]:
    name = view.zone.registry.id.split("repository/", 1)[1]
    found: dict[str, Any] = view.client("ecr").describe_repositories(repositoryNames=[name])["repositories"][0]
    return found


def image_tags_are_immutable(view: View) -> Iterator[str]:
    """A tag that was pushed once always means the same image."""
    if (mode := _repository(view)["imageTagMutability"]) != "IMMUTABLE":
        yield f"tags are {mode}"


def images_are_scanned_on_push(view: View) -> Iterator[str]:
    """Basic scanning of every image."""
    if _repository(view)["imageScanningConfiguration"] != {"scanOnPush": True}:
        yield "images are not scanned"


def images_are_encrypted_with_the_registrys_key(view: View) -> Iterator[str]:
    """A key of its own for the registry."""
    if (found := _repository(view)["encryptionConfiguration"]) != {
        "encryptionType": "KMS",
        "kmsKey": view.zone.keys.registry,
    }:
        yield f"images are encrypted with {found}"


def _encryption(view: View, bucket: str) -> dict[str, Any]:
    try:
        answer = view.client("s3").get_bucket_encryption(Bucket=bucket)
    except Exception as error:
        if "ServerSideEncryptionConfigurationNotFoundError" not in str(error):
            raise
        return {}
    rule: dict[str, Any] = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    return rule
