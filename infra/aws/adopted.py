"""A VPC that is already there: its parts are looked up and checked to belong together, never changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pulumi
from pulumi_aws import ec2

from infra.aws.network import https_out, job_group
from infra.aws.site import Site
from infra.lookup import found


class HasId(Protocol):
    """What every lookup of EC2 answers."""

    @property
    def id(self) -> str: ...


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

        def known(path: str, id: str, look: Callable[[str], HasId]) -> pulumi.Output[str]:
            thing = id if id == args.vpc else f"{id} in {args.vpc}"
            return pulumi.Output.from_input(found(site.setting(f"network.{path}"), thing, lambda: look(id)).id)

        def subnet(id: str) -> HasId:
            return ec2.get_subnet(id=id, vpc_id=args.vpc, opts=ask)

        def group(id: str) -> HasId:
            return ec2.get_security_group(id=id, vpc_id=args.vpc, opts=ask)

        def endpoint(id: str) -> HasId:
            return ec2.get_vpc_endpoint(id=id, vpc_id=args.vpc, opts=ask)

        self.vpc = known("vpc", args.vpc, lambda id: ec2.get_vpc(id=id, opts=ask))
        self.subnets = [known(f"subnets[{index}]", id, subnet) for index, id in enumerate(args.subnets)]
        self.security_groups = [
            known(f"securityGroups[{index}]", id, group) for index, id in enumerate(args.security_groups)
        ]
        if not self.security_groups:
            jobs = job_group(site, self, self.vpc)
            https_out(site, self, "out", jobs, cidr="0.0.0.0/0")  # what it reaches, its routes decide
            self.security_groups = [jobs.id]
        self.endpoints = {service: known(f"endpoints.{service}", id, endpoint) for service, id in args.endpoints}
        self.register_outputs({"vpc": self.vpc, "subnets": self.subnets, "securityGroups": self.security_groups})
