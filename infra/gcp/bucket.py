"""One bucket with everything that makes it safe: no ACLs, no public access, versions, our key, bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra.gcp.keys import Key
from infra.gcp.site import Site


@dataclass(frozen=True, slots=True)
class BucketArgs:
    """`name` is the physical name; `expire_days` removes current objects too."""

    site: Site
    use: str
    name: str
    key: Key
    expire_days: int | None = None


class Bucket(pulumi.ComponentResource):
    """A bucket: its `bucket` name."""

    bucket: pulumi.Output[str]
