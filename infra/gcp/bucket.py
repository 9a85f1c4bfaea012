"""One bucket with everything that makes it safe: no ACLs, no public access, versions, our key, bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_gcp import storage

from infra.gcp.keys import Key, encrypted
from infra.gcp.site import Site

ABANDONED_UPLOAD_DAYS = 7
OLD_VERSION_DAYS = 30
DAY = 86_400  # seconds


@dataclass(frozen=True, slots=True)
class BucketArgs:
    """`name` is the physical name.

    `expire` removes current objects too: days by the beginning of their names, an empty one is every object.

    `soft_delete_days`: how long what was deleted for good can be restored, 0 (not at all) or 7 to 90.
    """

    site: Site
    name: str
    key: Key
    expire: Mapping[str, int] = field(default_factory=dict)
    soft_delete_days: int = 7


class Bucket(pulumi.ComponentResource):
    """A bucket: its `bucket` name."""

    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: BucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:Bucket", name, None, opts)
        site, place = args.site, args.site.place
        kept = 0 if place.disposable else args.soft_delete_days * DAY
        made = storage.Bucket(
            name,
            name=args.name,
            project=place.project,
            location=place.region.upper(),  # as the API tells it
            storage_class="STANDARD",
            force_destroy=place.disposable,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            encryption={
                "default_kms_key_name": args.key.name,
                # An object under a key that is not a customer's is refused, whatever its upload asks for.
                "google_managed_encryption_enforcement_config": {"restriction_mode": "FullyRestricted"},
                "customer_supplied_encryption_enforcement_config": {"restriction_mode": "FullyRestricted"},
                "customer_managed_encryption_enforcement_config": {"restriction_mode": "NotRestricted"},
            },
            versioning={"enabled": True},
            soft_delete_policy={"retention_duration_seconds": kept},
            lifecycle_rules=_rules(args.expire),
            requester_pays=False,
            default_event_based_hold=False,
            enable_object_retention=False,  # a lock nobody can lift contradicts the right to erasure
            deletion_policy=place.deletion_policy,
            opts=encrypted(site, self, args.key, name),
        )
        self.bucket = made.name
        self.register_outputs({"bucket": self.bucket})


def _rules(expire: Mapping[str, int]) -> list[storage.BucketLifecycleRuleArgsDict]:
    """Old versions and abandoned uploads always go; current objects only where a bucket keeps them for a time."""
    tidy: list[storage.BucketLifecycleRuleArgsDict] = [
        {
            "action": {"type": "Delete"},
            "condition": {"days_since_noncurrent_time": OLD_VERSION_DAYS, "with_state": "ARCHIVED"},
        },
        {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": ABANDONED_UPLOAD_DAYS}},
    ]
    return [*tidy, *(_expired(prefix, days) for prefix, days in expire.items())]


def _expired(prefix: str, days: int) -> storage.BucketLifecycleRuleArgsDict:
    condition: storage.BucketLifecycleRuleConditionArgsDict = {"age": days, "with_state": "LIVE"}
    if prefix:
        condition["matches_prefixes"] = [prefix]
    return {"action": {"type": "Delete"}, "condition": condition}
