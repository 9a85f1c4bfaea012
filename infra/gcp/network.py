"""The zone's network: a VPC that reaches Google's APIs through one private address, and its names and rules."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal

import pulumi

from infra.gcp.site import Site

Bundle = Literal["all-apis", "vpc-sc"]


@dataclass(frozen=True, slots=True)
class NetworkArgs:
    """A VPC to build in `cidr`.

    `bundle` is what the private endpoint of Google's APIs answers: `vpc-sc` only what perimeters cover.
    `nat` gives the VPC a way out. `attachment` builds the network attachment that jobs get an interface
    through, which `vertex_agent` (an IAM member) resolves the VPC's names for. `peering` is the range, outside
    of `cidr`, that is reserved for peering with Google's own network of training jobs.
    """

    site: Site
    cidr: ipaddress.IPv4Network
    bundle: Bundle
    nat: bool
    attachment: bool
    vertex_agent: pulumi.Output[str]
    peering: ipaddress.IPv4Network | None = None


class Network(pulumi.ComponentResource):
    """What jobs and agents are placed by. `network` and `subnetwork` are full names (`projects/P/...`).

    `attachment` is the full name of the network attachment; `reserved_ranges` are names of ranges that jobs in
    the peered network may use; `endpoints` maps the bundle to its address; `addresses` are those the VPC
    leaves by.
    """

    network: pulumi.Output[str]
    subnetwork: pulumi.Output[str]
    attachment: pulumi.Output[str] | None
    reserved_ranges: list[pulumi.Output[str]]
    endpoints: dict[str, pulumi.Output[str]]
    addresses: list[pulumi.Output[str]]
