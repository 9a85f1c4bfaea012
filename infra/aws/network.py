"""The zone's network: a VPC whose jobs reach AWS through endpoints instead of the internet, and its groups."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, get_availability_zones_output, vpc

from infra.aws import policies_endpoint
from infra.aws.egress import Egress, EgressArgs
from infra.aws.policies import text
from infra.aws.site import Site

SUBNET_BITS = 3  # eight blocks: up to seven private subnets, the last block for public ones
DEFAULT_ZONES = 2


def private_block(cidr: ipaddress.IPv4Network, index: int) -> str:
    """The range of the private subnet number `index`; adding a zone later moves none of the others."""
    return str(list(cidr.subnets(SUBNET_BITS))[index])


def public_block(cidr: ipaddress.IPv4Network, index: int) -> str:
    """The range (/28) of the public subnet number `index`, in the last block."""
    last = list(cidr.subnets(SUBNET_BITS))[-1]
    return str(list(last.subnets(new_prefix=28))[index])


@dataclass(frozen=True, slots=True)
class NetworkArgs:
    """A VPC to build. `zones` are availability zones by name; none means the region's first two.

    `services` are the short names of interface endpoints to build, `nat_gateways` how many, 0 to one per zone.
    """

    site: Site
    cidr: ipaddress.IPv4Network
    zones: tuple[str, ...]
    nat_gateways: int
    services: tuple[str, ...]


class Network(pulumi.ComponentResource):
    """The ids jobs are placed by, and of endpoints by short service name (`s3`, `ecr.api`)."""

    vpc: pulumi.Output[str]
    subnets: list[pulumi.Output[str]]
    security_group: pulumi.Output[str]
    endpoints: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:aws:Network", name, None, opts)
        site = args.site
        made = ec2.Vpc(
            site.name("network", "vpc"),
            cidr_block=str(args.cidr),
            enable_dns_support=True,
            enable_dns_hostnames=True,  # private names of interface endpoints need both
            tags={"Name": site.name("network")},
            opts=site.child(self),
        )
        # The group every VPC comes with: adopted and emptied, so that nothing left in it can talk.
        ec2.DefaultSecurityGroup(
            site.name("network", "default"), vpc_id=made.id, ingress=[], egress=[], opts=site.child(self)
        )
        self.vpc = made.id
        private = self._private(args, made)
        self.subnets = [subnet.id for subnet, _ in private]
        tables = [table for _, table in private]
        if args.nat_gateways:
            publics = [public_block(args.cidr, index) for index in range(args.nat_gateways)]
            zones = [subnet.availability_zone for subnet, _ in private]
            Egress(
                site.name("network", "egress"),
                EgressArgs(site, made.id, publics, zones[: args.nat_gateways], [table.id for table in tables]),
                pulumi.ResourceOptions(parent=self),
            )
        jobs = job_group(site, self, made.id)
        self.security_group = jobs.id
        gateway = self._gateway(args, made, tables)
        self.endpoints = {"s3": gateway.id, **self._endpoints(args, made)}
        if args.nat_gateways:
            https_out(site, self, "internet", jobs, cidr="0.0.0.0/0")
        else:
            https_out(site, self, "endpoints", jobs, cidr=str(args.cidr))
            https_out(site, self, "s3", jobs, prefix_list=gateway.prefix_list_id)
        self.register_outputs(
            {
                "vpc": self.vpc,
                "subnets": self.subnets,
                "securityGroup": self.security_group,
                "endpoints": self.endpoints,
            }
        )

    def _private(self, args: NetworkArgs, made: ec2.Vpc) -> list[tuple[ec2.Subnet, ec2.RouteTable]]:
        """One subnet and one route table per availability zone."""
        site = args.site
        found: list[tuple[ec2.Subnet, ec2.RouteTable]] = []
        for index, zone in enumerate(_zones(site, self, args.zones)):
            logical = site.name("network", f"private-{index}")
            subnet = ec2.Subnet(
                logical,
                vpc_id=made.id,
                availability_zone=zone,
                cidr_block=private_block(args.cidr, index),
                map_public_ip_on_launch=False,
                tags={"Name": logical},
                opts=site.child(self),
            )
            table = ec2.RouteTable(logical, vpc_id=made.id, tags={"Name": logical}, opts=site.child(self))
            ec2.RouteTableAssociation(logical, subnet_id=subnet.id, route_table_id=table.id, opts=site.child(self))
            found.append((subnet, table))
        return found

    def _gateway(self, args: NetworkArgs, made: ec2.Vpc, tables: Sequence[ec2.RouteTable]) -> ec2.VpcEndpoint:
        """The S3 gateway, which jobs read and write their buckets through; it costs nothing."""
        site, place = args.site, args.site.place
        return ec2.VpcEndpoint(
            site.name("network", "s3"),
            vpc_id=made.id,
            service_name=f"{site.region.endpoint_prefix}.{place.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            policy=text(policies_endpoint.s3_gateway(place)),
            tags={"Name": site.name("network", "s3")},
            opts=site.child(self),
        )

    def _endpoints(self, args: NetworkArgs, made: ec2.Vpc) -> dict[str, pulumi.Output[str]]:
        """The interface endpoints, by the hour; an agent inside the VPC and jobs without a way out need them."""
        site, place = args.site, args.site.place
        found: dict[str, pulumi.Output[str]] = {}
        if not args.services:
            return found
        group = _endpoint_group(site, self, made.id, str(args.cidr))
        for service in args.services:
            logical = site.name("network", service.replace(".", "-"))
            endpoint = ec2.VpcEndpoint(
                logical,
                vpc_id=made.id,
                service_name=f"{site.region.endpoint_prefix}.{place.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=self.subnets,
                security_group_ids=[group.id],
                policy=text(policies_endpoint.interface(place, service)),
                tags={"Name": logical},
                opts=site.child(self),
            )
            found[service] = endpoint.id
        return found


def _zones(site: Site, parent: pulumi.Resource, named: tuple[str, ...]) -> list[pulumi.Input[str]]:
    """The availability zones: as named, else the first of the region by name that every account may use."""
    if named:
        return list(named)
    found = get_availability_zones_output(
        state="available",
        filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
        opts=site.ask(parent),
    ).names.apply(sorted)
    return [found[index] for index in range(DEFAULT_ZONES)]


def job_group(site: Site, parent: pulumi.Resource, vpc_id: pulumi.Input[str]) -> ec2.SecurityGroup:
    """The security group of jobs: any traffic among themselves; where else they reach is added to it.

    The self-reference in both directions is what distributed jobs, EFA and inter-container encryption
    (UDP 500 and ESP) ask for.
    """
    group = ec2.SecurityGroup(
        site.name("network", "jobs"),
        name=site.name("network", "jobs"),
        description="Training jobs: all traffic among themselves",
        vpc_id=vpc_id,
        tags={"Name": site.name("network", "jobs")},
        opts=site.child(parent),
    )
    vpc.SecurityGroupIngressRule(
        site.name("network", "jobs-among"),
        security_group_id=group.id,
        referenced_security_group_id=group.id,
        ip_protocol="-1",
        description="From the other nodes of a job",
        opts=site.child(parent),
    )
    vpc.SecurityGroupEgressRule(
        site.name("network", "jobs-among"),
        security_group_id=group.id,
        referenced_security_group_id=group.id,
        ip_protocol="-1",
        description="To the other nodes of a job",
        opts=site.child(parent),
    )
    return group


def https_out(
    site: Site,
    parent: pulumi.Resource,
    use: str,
    group: ec2.SecurityGroup,
    *,
    cidr: str | None = None,
    prefix_list: pulumi.Input[str] | None = None,
) -> None:
    """Let `group` open HTTPS connections to a range or a prefix list; everything jobs call speaks HTTPS."""
    vpc.SecurityGroupEgressRule(
        site.name("network", f"jobs-{use}"),
        security_group_id=group.id,
        ip_protocol="tcp",
        from_port=443,
        to_port=443,
        cidr_ipv4=cidr,
        prefix_list_id=prefix_list,
        description="HTTPS out",
        opts=site.child(parent),
    )


def _endpoint_group(
    site: Site, parent: pulumi.Resource, vpc_id: pulumi.Input[str], cidr: str
) -> ec2.SecurityGroup:
    """The security group of the interface endpoints: HTTPS from inside the VPC, nothing out."""
    logical = site.name("network", "endpoints")
    group = ec2.SecurityGroup(
        logical,
        name=logical,
        description="Interface endpoints: HTTPS from the VPC",
        vpc_id=vpc_id,
        tags={"Name": logical},
        opts=site.child(parent),
    )
    vpc.SecurityGroupIngressRule(
        logical,
        security_group_id=group.id,
        ip_protocol="tcp",
        from_port=443,
        to_port=443,
        cidr_ipv4=cidr,
        description="HTTPS from the VPC",
        opts=site.child(parent),
    )
    return group
