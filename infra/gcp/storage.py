"""The zone's buckets: data, output, checkpoints and staging, all under our key.

Who reads them is told by the project's Data Access audit logs, not by buckets of usage logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp import storage

from dispatcher.contract import CODE_DAYS, CODE_FOLDER
from infra.gcp.bucket import Bucket, BucketArgs
from infra.gcp.keys import Key
from infra.gcp.place import Place
from infra.gcp.site import Site
from infra.lookup import found

USES = ("data", "output", "checkpoints", "staging")
PASSING = ("checkpoints", "staging")  # what only matters for a time: it expires, and is gone when it is deleted


def names(place: Place, existing: Mapping[str, str | None]) -> dict[str, str]:
    """The names of the zone's buckets by use, known before anything is built."""
    return {use: existing.get(use) or place.physical("gcs", use) for use in USES}


@dataclass(frozen=True, slots=True)
class StorageArgs:
    """`existing` maps uses to buckets to adopt; `retention_days` is how long checkpoints and staging stay."""

    site: Site
    key: Key
    retention_days: int
    existing: Mapping[str, str | None]


class Storage(pulumi.ComponentResource):
    """Bucket names by use. An adopted bucket is looked up and left as it is, its encryption included."""

    data: pulumi.Output[str]
    output: pulumi.Output[str]
    checkpoints: pulumi.Output[str]
    staging: pulumi.Output[str]

    def __init__(self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:Storage", name, None, opts)
        site = args.site
        expire = {use: {"": args.retention_days} for use in PASSING}
        expire["data"] = {f"{CODE_FOLDER}/": CODE_DAYS}
        by_use: dict[str, pulumi.Output[str]] = {}
        for use, named in names(site.place, args.existing).items():
            if args.existing.get(use):
                by_use[use] = self._adopted(site, use, named)
                continue
            made = Bucket(
                site.name("storage", use),
                BucketArgs(
                    site,
                    named,
                    args.key,
                    expire=expire.get(use, {}),
                    soft_delete_days=0 if use in PASSING else 7,
                ),
                pulumi.ResourceOptions(parent=self),
            )
            by_use[use] = made.bucket
        self.data, self.output, self.checkpoints, self.staging = (by_use[use] for use in USES)
        self.register_outputs({**by_use})

    def _adopted(self, site: Site, use: str, name: str) -> pulumi.Output[str]:
        setting = site.setting(f"existing.buckets.{use}")
        bucket = found(setting, f"bucket {name}", lambda: storage.get_bucket(name=name, opts=site.ask(self)))
        if bucket.location.lower() != site.place.region:
            raise pulumi.RunError(
                f"{setting}: bucket {name} is in {bucket.location.lower()}, and the zone in {site.place.region}; "
                "name one in the zone's region, or remove the setting"
            )
        return pulumi.Output.from_input(bucket.name)
