"""The way out of a private network: public subnets, an internet gateway, NAT gateways and the routes to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2

from infra.aws.site import Site


@dataclass(frozen=True, slots=True)
class EgressArgs:
    """`blocks` and `zones` give each NAT gateway's public subnet; `tables` are the private subnets' route tables.

    With fewer gateways than tables, they take turns.
    """

    site: Site
    vpc: pulumi.Output[str]
    blocks: Sequence[str]
    zones: Sequence[pulumi.Output[str]]
    tables: Sequence[pulumi.Output[str]]


class Egress(pulumi.ComponentResource):
    """NAT gateways' public addresses, for other people's allow-lists."""

    addresses: list[pulumi.Output[str]]

    def __init__(self, name: str, args: EgressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:aws:Egress", name, None, opts)
        site = args.site
        out = ec2.InternetGateway(name, vpc_id=args.vpc, tags={"Name": name}, opts=site.child(self))
        table = ec2.RouteTable(
            f"{name}-public", vpc_id=args.vpc, tags={"Name": f"{name}-public"}, opts=site.child(self)
        )
        default = ec2.Route(
            f"{name}-public",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=out.id,
            opts=site.child(self),
        )
        gateways: list[ec2.NatGateway] = []
        self.addresses = []
        for index, (block, zone) in enumerate(zip(args.blocks, args.zones, strict=True)):
            logical = f"{name}-public-{index}"
            subnet = ec2.Subnet(
                logical,
                vpc_id=args.vpc,
                availability_zone=zone,
                cidr_block=block,
                map_public_ip_on_launch=False,
                tags={"Name": logical},
                opts=site.child(self),
            )
            ec2.RouteTableAssociation(logical, subnet_id=subnet.id, route_table_id=table.id, opts=site.child(self))
            address = ec2.Eip(logical, domain="vpc", tags={"Name": logical}, opts=site.child(self, after=[out]))
            gateway = ec2.NatGateway(
                logical,
                allocation_id=address.allocation_id,
                subnet_id=subnet.id,
                tags={"Name": logical},
                opts=site.child(self, after=[default]),
            )
            gateways.append(gateway)
            self.addresses.append(address.public_ip)
        for index, private in enumerate(args.tables):
            ec2.Route(
                f"{name}-{index}",
                route_table_id=private,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=gateways[index % len(gateways)].id,
                opts=site.child(self),
            )
        self.register_outputs({"addresses": self.addresses})
