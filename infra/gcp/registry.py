"""The zone's container registry: tags never move, every push is scanned, images are encrypted with our key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from infra.gcp.keys import Key
from infra.gcp.site import Site


@dataclass(frozen=True, slots=True)
class RegistryArgs:
    """`pullers` are the members who pull images for jobs: service agents, never the job's account.

    `existing` is the name of a repository to adopt (`projects/P/locations/L/repositories/R`).
    """

    site: Site
    key: Key
    pullers: Sequence[tuple[str, pulumi.Output[str]]]
    existing: str | None = None


class Registry(pulumi.ComponentResource):
    """One Docker repository: its `url` (what an image reference starts with) and `id` (its full name)."""

    url: pulumi.Output[str]
    id: pulumi.Output[str]
    place: tuple[str, str, str]  # project, location and repository id, known before it is built
