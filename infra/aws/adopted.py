"""A VPC that is already there: its parts are looked up and checked to belong together, never changed."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2

from infra.aws.network import https_out, job_group
from infra.aws.site import Site


@dataclass(frozen=True, slots=True)
class AdoptedArgs:
    """Ids of the VPC, of the subnets and, when jobs have groups already, of their security groups."""

    site: Site
    vpc: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    endpoints: tuple[tuple[str, str], ...] = ()


class AdoptedNetwork(pulumi.ComponentResource):
    """The same outputs as a network of our own; with no security group named, jobs get one of ours."""

    vpc: pulumi.Output[str]
    subnets: list[pulumi.Output[str]]
    security_groups: list[pulumi.Output[str]]
    endpoints: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: AdoptedArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:aws:AdoptedNetwork", name, None, opts)
        site, ask = args.site, args.site.ask(self)
        self.vpc = ec2.get_vpc_output(id=args.vpc, opts=ask).id
        self.subnets = [ec2.get_subnet_output(id=subnet, vpc_id=args.vpc, opts=ask).id for subnet in args.subnets]
        self.security_groups = [
            ec2.get_security_group_output(id=group, vpc_id=args.vpc, opts=ask).id for group in args.security_groups
        ]
        if not self.security_groups:
            jobs = job_group(site, self, self.vpc)
            https_out(site, self, "out", jobs, cidr="0.0.0.0/0")  # what it reaches, its routes decide
            self.security_groups = [jobs.id]
        self.endpoints = {
            service: ec2.get_vpc_endpoint_output(id=endpoint, vpc_id=args.vpc, opts=ask).id
            for service, endpoint in args.endpoints
        }
        self.register_outputs({"vpc": self.vpc, "subnets": self.subnets, "securityGroups": self.security_groups})
