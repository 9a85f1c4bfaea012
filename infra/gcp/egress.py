"""The way out of a private network: a route to the internet, and NAT for machines without public addresses."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute

from infra.gcp.site import Site


@dataclass(frozen=True, slots=True)
class EgressArgs:
    """`network` is the VPC's full name, `subnetworks` those of the subnetworks that may leave."""

    site: Site
    network: pulumi.Output[str]
    subnetworks: tuple[pulumi.Output[str], ...]


class Egress(pulumi.ComponentResource):
    """The NAT's public addresses, for other people's allow-lists."""

    addresses: list[pulumi.Output[str]]

    def __init__(self, name: str, args: EgressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:Egress", name, None, opts)
        site, place = args.site, args.site.place
        address = compute.Address(
            name,
            name=place.physical("gce", "nat"),
            project=place.project,
            region=place.region,
            description=f"{place.name}: what the network leaves by",
            address_type="EXTERNAL",
            network_tier="PREMIUM",
            opts=site.child(self),
        )
        router = compute.Router(
            name,
            name=place.physical("gce", "router"),
            project=place.project,
            region=place.region,
            description=f"{place.name}: carries the NAT",
            network=args.network,
            opts=site.child(self),
        )
        nat = compute.RouterNat(
            name,
            name=place.physical("gce", "nat"),
            project=place.project,
            region=place.region,
            router=router.name,
            nat_ip_allocate_option="MANUAL_ONLY",
            nat_ips=[address.self_link],
            source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
            subnetworks=[
                {"name": subnetwork, "source_ip_ranges_to_nats": ["ALL_IP_RANGES"]}
                for subnetwork in args.subnetworks
            ],
            log_config={"enable": True, "filter": "ALL"},
            opts=site.child(self),
        )
        compute.Route(
            name,
            name=place.physical("gce", "internet"),
            project=place.project,
            network=args.network,
            description=f"{place.name}: to the internet, by NAT",
            dest_range="0.0.0.0/0",
            next_hop_gateway="default-internet-gateway",
            priority=1_000,
            opts=site.child(self, after=[nat]),
        )
        self.addresses = [address.address]
        self.register_outputs({"addresses": self.addresses})
