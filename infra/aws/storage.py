"""The zone's buckets: data, output and checkpoints under our key, and apart from them the access logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pulumi
from pulumi_aws import s3

from dispatcher.contract import CODE_DAYS, CODE_FOLDER
from infra.aws import policies_resource
from infra.aws.bucket import Bucket, BucketArgs
from infra.aws.place import Place
from infra.aws.policies import text
from infra.aws.site import Site
from infra.lookup import found

USES = ("data", "output", "checkpoints")


def names(place: Place, existing: Mapping[str, str | None]) -> dict[str, str]:
    """The names of the zone's buckets by use, known before anything is built."""
    return {use: existing.get(use) or place.physical("s3", use) for use in (*USES, "logs")}


def _policy(bucket: str, key: str) -> str:
    return text(policies_resource.data_bucket(bucket, key))


@dataclass(frozen=True, slots=True)
class StorageArgs:
    """`existing` maps uses to buckets to adopt; `retention_days` is how long access logs and checkpoints stay."""

    site: Site
    key: pulumi.Output[str]
    retention_days: int
    existing: Mapping[str, str | None]


class Storage(pulumi.ComponentResource):
    """Bucket names by use. An adopted bucket is looked up and left as it is, its logging included.

    `logs` is None when every other bucket is adopted and none was named: then nothing here writes access logs.
    """

    data: pulumi.Output[str]
    output: pulumi.Output[str]
    checkpoints: pulumi.Output[str]
    logs: pulumi.Output[str] | None

    def __init__(self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:aws:Storage", name, None, opts)
        site, place = args.site, args.site.place
        named = names(place, args.existing)
        own = [use for use in USES if not args.existing.get(use)]
        self.logs, delivery = self._logs(args, named["logs"], [named[use] for use in own])
        expire = {"checkpoints": {"": args.retention_days}, "data": {f"{CODE_FOLDER}/": CODE_DAYS}}
        by_use: dict[str, pulumi.Output[str]] = {}
        for use in USES:
            if use not in own:
                by_use[use] = self._adopted(site, use, named[use])
                continue
            arn = place.bucket_arn(named[use])
            made = Bucket(
                site.name("storage", use),
                BucketArgs(
                    site,
                    use,
                    named[use],
                    policy=args.key.apply(partial(_policy, arn)),
                    key=args.key,
                    expire=expire.get(use, {}),
                    logs_to=self.logs,
                    after=delivery,
                ),
                pulumi.ResourceOptions(parent=self),
            )
            by_use[use] = made.bucket
        self.data, self.output, self.checkpoints = (by_use[use] for use in USES)
        self.register_outputs(
            {"data": self.data, "output": self.output, "checkpoints": self.checkpoints, "logs": self.logs}
        )

    def _logs(
        self, args: StorageArgs, name: str, sources: list[str]
    ) -> tuple[pulumi.Output[str] | None, list[pulumi.Resource]]:
        """The bucket of access logs: SSE-S3, because log delivery writes with no key of ours."""
        site, place = args.site, args.site.place
        if args.existing.get("logs"):
            return self._adopted(site, "logs", name), []
        if not sources:
            return None, []
        arns = [place.bucket_arn(source) for source in sources]
        policy = policies_resource.access_log_bucket(place, place.bucket_arn(name), arns)
        made = Bucket(
            site.name("storage", "logs"),
            BucketArgs(site, "logs", name, policy=text(policy), expire={"": args.retention_days}),
            pulumi.ResourceOptions(parent=self),
        )
        return made.bucket, [made.ready]

    def _adopted(self, site: Site, use: str, name: str) -> pulumi.Output[str]:
        setting = site.setting(f"existing.buckets.{use}")
        bucket = found(setting, f"bucket {name}", lambda: s3.get_bucket(bucket=name, opts=site.ask(self)))
        return pulumi.Output.from_input(bucket.bucket)
