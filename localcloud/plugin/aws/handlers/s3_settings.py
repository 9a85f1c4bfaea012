"""What hangs on an S3 bucket: ownership, public access, versioning, encryption, policy, logging."""

from __future__ import annotations

from typing import Any

from localcloud.plugin.aws.resource import asked, document, given
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Resource
from localcloud.plugin.values import Properties

GONE = "NoSuchBucket"
FLAGS = {
    "blockPublicAcls": "BlockPublicAcls",
    "blockPublicPolicy": "BlockPublicPolicy",
    "ignorePublicAcls": "IgnorePublicAcls",
    "restrictPublicBuckets": "RestrictPublicBuckets",
}


def put_ownership(aws: Aws, inputs: Properties) -> str:
    rules = [{"ObjectOwnership": inputs["rule"]["objectOwnership"]}]
    aws.client("s3").put_bucket_ownership_controls(Bucket=inputs["bucket"], OwnershipControls={"Rules": rules})
    return str(inputs["bucket"])


def read_ownership(aws: Aws, id: str, known: Properties) -> Properties | None:
    client = aws.client("s3")
    answer = asked(lambda: client.get_bucket_ownership_controls(Bucket=id), GONE, "OwnershipControlsNotFoundError")
    if answer is None:
        return None
    return {"bucket": id, "rule": {"objectOwnership": answer["OwnershipControls"]["Rules"][0]["ObjectOwnership"]}}


def delete_ownership(aws: Aws, id: str, state: Properties) -> None:
    asked(
        lambda: aws.client("s3").delete_bucket_ownership_controls(Bucket=id),
        GONE,
        "OwnershipControlsNotFoundError",
    )


def put_access_block(aws: Aws, inputs: Properties) -> str:
    flags = {theirs: bool(inputs.get(ours)) for ours, theirs in FLAGS.items()}
    aws.client("s3").put_public_access_block(Bucket=inputs["bucket"], PublicAccessBlockConfiguration=flags)
    return str(inputs["bucket"])


def read_access_block(aws: Aws, id: str, known: Properties) -> Properties | None:
    client = aws.client("s3")
    answer = asked(lambda: client.get_public_access_block(Bucket=id), GONE, "NoSuchPublicAccessBlockConfiguration")
    if answer is None:
        return None
    flags = answer["PublicAccessBlockConfiguration"]
    return {"bucket": id} | {ours: bool(flags.get(theirs)) for ours, theirs in FLAGS.items()}


def delete_access_block(aws: Aws, id: str, state: Properties) -> None:
    if not state.get("skipDestroy"):
        asked(lambda: aws.client("s3").delete_public_access_block(Bucket=id), GONE)


def put_versioning(aws: Aws, inputs: Properties) -> str:
    wanted = inputs["versioningConfiguration"]
    if wanted["status"] != "Disabled":  # the state of a bucket that never had versioning; S3 takes it from nobody
        configuration = given(Status=wanted["status"], MFADelete=wanted.get("mfaDelete"))
        arguments = given(MFA=inputs.get("mfa"))
        aws.client("s3").put_bucket_versioning(
            Bucket=inputs["bucket"], VersioningConfiguration=configuration, **arguments
        )
    return str(inputs["bucket"])


def read_versioning(aws: Aws, id: str, known: Properties) -> Properties | None:
    answer = asked(lambda: aws.client("s3").get_bucket_versioning(Bucket=id), GONE)
    if answer is None:
        return None
    if not answer.get("Status") and (known.get("versioningConfiguration") or {}).get("status") != "Disabled":
        return None
    status = {"mfaDelete": answer.get("MFADelete", "Disabled"), "status": answer.get("Status", "Disabled")}
    return {
        "bucket": id,
        "expectedBucketOwner": known.get("expectedBucketOwner") or "",
        "versioningConfiguration": status,
    }


def delete_versioning(aws: Aws, id: str, state: Properties) -> None:
    if state["versioningConfiguration"]["status"] == "Enabled":
        wanted = {"Status": "Suspended"}
        asked(lambda: aws.client("s3").put_bucket_versioning(Bucket=id, VersioningConfiguration=wanted), GONE)


def put_encryption(aws: Aws, inputs: Properties) -> str:
    rules: list[dict[str, Any]] = []
    for rule in inputs["rules"]:
        default = rule.get("applyServerSideEncryptionByDefault")
        entry = given(BucketKeyEnabled=rule.get("bucketKeyEnabled"))
        if default:
            entry["ApplyServerSideEncryptionByDefault"] = given(
                SSEAlgorithm=default["sseAlgorithm"], KMSMasterKeyID=default.get("kmsMasterKeyId")
            )
        if rule.get("blockedEncryptionTypes"):
            entry["BlockedEncryptionTypes"] = {"EncryptionType": rule["blockedEncryptionTypes"]}
        rules.append(entry)
    aws.client("s3").put_bucket_encryption(
        Bucket=inputs["bucket"], ServerSideEncryptionConfiguration={"Rules": rules}
    )
    return str(inputs["bucket"])


def read_encryption(aws: Aws, id: str, known: Properties) -> Properties | None:
    missing = (GONE, "ServerSideEncryptionConfigurationNotFoundError")
    answer = asked(lambda: aws.client("s3").get_bucket_encryption(Bucket=id), *missing)
    if answer is None:
        return None
    kept = (known.get("rules") or [{}])[0]  # moto keeps no blocked types
    rules = []
    for rule in answer["ServerSideEncryptionConfiguration"]["Rules"]:
        default = rule.get("ApplyServerSideEncryptionByDefault")
        blocked = rule.get("BlockedEncryptionTypes", {}).get("EncryptionType")
        rules.append(
            {
                "applyServerSideEncryptionByDefault": default
                and {"kmsMasterKeyId": default.get("KMSMasterKeyID", ""), "sseAlgorithm": default["SSEAlgorithm"]},
                "blockedEncryptionTypes": blocked or kept.get("blockedEncryptionTypes") or [],
                "bucketKeyEnabled": bool(rule.get("BucketKeyEnabled")),
            }
        )
    return {"bucket": id, "expectedBucketOwner": known.get("expectedBucketOwner") or "", "rules": rules}


def delete_encryption(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("s3").delete_bucket_encryption(Bucket=id), GONE)


def put_policy(aws: Aws, inputs: Properties) -> str:
    aws.client("s3").put_bucket_policy(Bucket=inputs["bucket"], Policy=inputs["policy"])
    return str(inputs["bucket"])


def read_policy(aws: Aws, id: str, known: Properties) -> Properties | None:
    answer = asked(lambda: aws.client("s3").get_bucket_policy(Bucket=id), GONE, "NoSuchBucketPolicy")
    return None if answer is None else {"bucket": id, "policy": document(answer["Policy"])}


def delete_policy(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("s3").delete_bucket_policy(Bucket=id), GONE)


def put_logging(aws: Aws, inputs: Properties) -> str:
    enabled: dict[str, Any] = {"TargetBucket": inputs["targetBucket"], "TargetPrefix": inputs["targetPrefix"]}
    if grants := inputs.get("targetGrants"):
        enabled["TargetGrants"] = [_grant(one) for one in grants]
    if form := inputs.get("targetObjectKeyFormat"):
        partitioned = form.get("partitionedPrefix")
        source = {"PartitionDateSource": partitioned["partitionDateSource"]} if partitioned else None
        enabled["TargetObjectKeyFormat"] = {"PartitionedPrefix": source} if source else {"SimplePrefix": {}}
    aws.client("s3").put_bucket_logging(Bucket=inputs["bucket"], BucketLoggingStatus={"LoggingEnabled": enabled})
    return str(inputs["bucket"])


def _grant(grant: Properties) -> dict[str, Any]:
    who = grant["grantee"]
    grantee = given(Type=who["type"], ID=who.get("id"), URI=who.get("uri"), EmailAddress=who.get("emailAddress"))
    return {"Grantee": grantee, "Permission": grant["permission"]}


def read_logging(aws: Aws, id: str, known: Properties) -> Properties | None:
    answer = asked(lambda: aws.client("s3").get_bucket_logging(Bucket=id), GONE)
    enabled = (answer or {}).get("LoggingEnabled")
    if not enabled:
        return None
    return {
        "bucket": id,
        "expectedBucketOwner": known.get("expectedBucketOwner") or "",
        "targetBucket": enabled["TargetBucket"],
        "targetPrefix": enabled.get("TargetPrefix", ""),
    }


def delete_logging(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("s3").put_bucket_logging(Bucket=id, BucketLoggingStatus={}), GONE)


def _setting(label: str, put: Any, read: Any, delete: Any) -> Resource[Aws]:
    """A setting is put whole, at creation and at every update."""

    def update(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
        put(aws, new)

    return Resource(label, put, read, update, delete)


RESOURCES = {
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _setting(
        "S3 Bucket Ownership Controls", put_ownership, read_ownership, delete_ownership
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _setting(
        "S3 Bucket Public Access Block", put_access_block, read_access_block, delete_access_block
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _setting(
        "S3 Bucket Versioning", put_versioning, read_versioning, delete_versioning
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _setting(
        "S3 Bucket Server-side Encryption Configuration", put_encryption, read_encryption, delete_encryption
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _setting("S3 Bucket Policy", put_policy, read_policy, delete_policy),
    "aws:s3/bucketLogging:BucketLogging": _setting("S3 Bucket Logging", put_logging, read_logging, delete_logging),
}
