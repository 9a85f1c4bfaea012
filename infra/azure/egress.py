"""The way out of a private network: a NAT gateway with one public address, for subnets that name it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import network

from infra.azure.diagnostics import Watched
from infra.azure.group import Group
from infra.azure.site import Site

IDLE_MINUTES = 10


@dataclass(frozen=True, slots=True)
class EgressArgs:
    """Where the NAT gateway is built."""

    site: Site
    group: Group


class Egress(pulumi.ComponentResource):
    """The gateway's resource id, which subnets name, and its public addresses, for other people's allow-lists."""

    gateway: pulumi.Output[str]
    addresses: list[pulumi.Output[str]]
    watched: dict[str, Watched]

    def __init__(self, name: str, args: EgressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Egress", name, None, opts)
        site, place = args.site, args.site.place
        address = network.PublicIPAddress(
            name,
            resource_group_name=args.group.name,
            public_ip_address_name=place.physical("network", "nat"),
            location=place.region,
            tags=dict(site.tags),
            sku={"name": "Standard", "tier": "Regional"},
            public_ip_allocation_method="Static",
            public_ip_address_version="IPv4",
            idle_timeout_in_minutes=IDLE_MINUTES,
            opts=site.child(self),
        )
        gateway = network.NatGateway(
            name,
            resource_group_name=args.group.name,
            nat_gateway_name=place.physical("network", "nat"),
            location=place.region,
            tags=dict(site.tags),
            sku={"name": "Standard"},
            public_ip_addresses=[{"id": address.id}],
            idle_timeout_in_minutes=IDLE_MINUTES,
            opts=site.child(self),
        )
        self.gateway = gateway.id
        self.addresses = [address.ip_address.apply(lambda told: told or "")]
        self.watched = {"nat-address": Watched("Microsoft.Network/publicIPAddresses", address.id)}
        self.register_outputs({"addresses": self.addresses})
