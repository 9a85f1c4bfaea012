"""The zone's buckets: data, output, checkpoints and staging, all under our key.

Who reads them is recorded by the project's Data Access audit logs, not by usage-log buckets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.gcp.keys import Key
from infra.gcp.place import Place
from infra.gcp.site import Site

USES = ("data", "output", "checkpoints", "staging")


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
