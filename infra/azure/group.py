"""The resource group that holds everything of one place, and the suffix that is new with every new group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import resources

from infra.azure.site import Site
from infra.naming import digest


@dataclass(frozen=True, slots=True)
class Group:
    """`name` and `id` of a resource group.

    `generation` is new whenever the place is built anew, for names that Azure keeps after deletion: of vaults, of
    workspaces of Azure ML, of Log Analytics.
    """

    name: pulumi.Output[str]
    id: pulumi.Output[str]
    generation: pulumi.Output[str]


def build(site: Site, parent: pulumi.Resource, after: Sequence[pulumi.Resource] = ()) -> Group:
    """Build the resource group of `site` under `parent`: its name ends in digits that the engine makes up."""
    made = resources.ResourceGroup(
        site.name("group"),
        location=site.place.region,
        tags=dict(site.tags),
        opts=site.child(parent, after=after, keep=True),
    )
    return Group(made.name, made.id, made.name.apply(digest))
