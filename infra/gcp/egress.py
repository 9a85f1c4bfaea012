"""The way out of a private network: a route to the internet, and NAT for addresses that have no public ones."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra.gcp.site import Site


@dataclass(frozen=True, slots=True)
class EgressArgs:
    """`network` is the VPC's full name, `subnetworks` the subnetworks that may leave by NAT."""

    site: Site
    network: pulumi.Output[str]
    subnetworks: tuple[pulumi.Output[str], ...]


class Egress(pulumi.ComponentResource):
    """The NAT's public addresses, for other people's allow-lists."""

    addresses: list[pulumi.Output[str]]
