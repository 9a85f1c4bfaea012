"""One S3 bucket with everything that makes it safe: ownership, no public access, versions, encryption, policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import s3

from infra.aws.site import Site

ABANDONED_UPLOAD_DAYS = 7
OLD_VERSION_DAYS = 30


@dataclass(frozen=True, slots=True)
class BucketArgs:
    """`key`: the KMS key's ARN, None for SSE-S3 (targets of log delivery). `policy`: the whole document.

    `expire` removes current objects too: days by the beginning of their names, an empty one is every object.
    `logs_to` is a bucket's name that takes the access logs under
    `<use>/`; the bucket's policy must be there first, so its resource is in `after`.
    """

    site: Site
    use: str
    name: str
    policy: pulumi.Input[str]
    key: pulumi.Output[str] | None = None
    expire: Mapping[str, int] = field(default_factory=dict)
    logs_to: pulumi.Output[str] | None = None
    after: Sequence[pulumi.Resource] = ()


class Bucket(pulumi.ComponentResource):
    """A bucket: its `bucket` name, and `ready`, the policy that whoever delivers into it must wait for."""

    bucket: pulumi.Output[str]
    ready: pulumi.Resource

    def __init__(self, name: str, args: BucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:aws:Bucket", name, None, opts)
        site = args.site
        made = s3.Bucket(
            name,
            bucket=args.name,
            force_destroy=site.place.disposable,
            opts=site.child(self, keep=True),
        )
        self.bucket = made.bucket
        s3.BucketOwnershipControls(
            name, bucket=made.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=site.child(self)
        )
        private = s3.BucketPublicAccessBlock(
            name,
            bucket=made.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=site.child(self),
        )
        versions = s3.BucketVersioning(
            name, bucket=made.id, versioning_configuration={"status": "Enabled"}, opts=site.child(self)
        )
        s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=made.id,
            rules=[_encryption(args.key)],
            opts=site.child(self),
        )
        # S3 answers 409 to policies that meet a change of the public access block.
        self.ready = s3.BucketPolicy(
            name, bucket=made.id, policy=args.policy, opts=site.child(self, after=[private])
        )
        s3.BucketLifecycleConfiguration(
            name, bucket=made.id, rules=_rules(args.expire), opts=site.child(self, after=[versions])
        )
        if args.logs_to is not None:
            s3.BucketLogging(
                name,
                bucket=made.id,
                target_bucket=args.logs_to,
                target_prefix=f"{args.use}/",
                opts=site.child(self, after=args.after),
            )
        self.register_outputs({"bucket": self.bucket})


def _encryption(
    key: pulumi.Output[str] | None,
) -> s3.BucketServerSideEncryptionConfigurationRuleArgsDict:
    """SSE-KMS with our key and a bucket key, which saves most calls to KMS; SSE-S3 without one."""
    if key is None:
        return {
            "apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"},
            "bucket_key_enabled": False,
        }
    default: s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgsDict = {
        "sse_algorithm": "aws:kms",
        "kms_master_key_id": key,
    }
    return {"apply_server_side_encryption_by_default": default, "bucket_key_enabled": True}


def _rules(expire: Mapping[str, int]) -> list[s3.BucketLifecycleConfigurationRuleArgsDict]:
    """Old versions and abandoned uploads always go; current objects only where a bucket keeps them for a time."""
    tidy: s3.BucketLifecycleConfigurationRuleArgsDict = {
        "id": "tidy",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "noncurrent_version_expiration": {"noncurrent_days": OLD_VERSION_DAYS},
        "abort_incomplete_multipart_upload": {"days_after_initiation": ABANDONED_UPLOAD_DAYS},
    }
    expired: list[s3.BucketLifecycleConfigurationRuleArgsDict] = [
        {
            "id": "-".join(["expire", *prefix.split("/")]).rstrip("-"),
            "status": "Enabled",
            "filter": {"prefix": prefix},
            "expiration": {"days": days},
        }
        for prefix, days in expire.items()
    ]
    return [tidy, *expired]
