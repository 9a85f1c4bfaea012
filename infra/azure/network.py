"""The zone's network: subnets for private endpoints, agents and jobs, each with rules of its own."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import pulumi
import yaml
from pulumi_azure_native import network

from infra.azure.diagnostics import Watched
from infra.azure.egress import Egress, EgressArgs
from infra.azure.group import Group
from infra.azure.site import Site

BLOCK_BITS = 2  # four blocks: endpoints, agents, jobs, one to spare
SUBNETS = ("endpoints", "agents", "jobs")
FIRST, STEP, LAST = 100, 100, 4_096  # priorities of rules; LAST is the lowest there is
NSG, VNET = "Microsoft.Network/networkSecurityGroups", "Microsoft.Network/virtualNetworks"


@functools.cache
def traffic() -> Mapping[str, Mapping[str, list[dict[str, Any]]]]:
    """What each subnet lets through, `inbound` and `outbound`, from data/traffic.yaml."""
    data = yaml.safe_load(resources.files("infra.azure").joinpath("data/traffic.yaml").read_text())
    subnets: Mapping[str, Mapping[str, list[dict[str, Any]]]] = data["subnets"]
    return subnets


def block(cidr: ipaddress.IPv4Network, use: str) -> str:
    """The range of a subnet."""
    return str(list(cidr.subnets(BLOCK_BITS))[SUBNETS.index(use)])


def rules(use: str, region: str, internet: bool) -> list[network.SecurityRuleArgsDict]:
    """The rules of a subnet: what data/traffic.yaml says, and then nothing."""
    made: list[network.SecurityRuleArgsDict] = []
    for way in ("inbound", "outbound"):
        let = [rule for rule in traffic()[use][way] if rule.get("when") != "internet" or internet]
        for index, rule in enumerate(let):
            made.append(
                {
                    "name": f"{way}-{rule['name']}",
                    "description": f"Lets through: {rule['name']}",
                    "access": "Allow",
                    "direction": way.capitalize(),
                    "priority": FIRST + index * STEP,
                    "protocol": rule["protocol"],
                    "source_address_prefix": rule.get("from", "VirtualNetwork"),
                    "source_port_range": "*",
                    "destination_address_prefix": rule.get("to", "VirtualNetwork").format(region=region),
                    "destination_port_ranges": rule["ports"],
                }
            )
        made.append(
            {
                "name": f"{way}-nothing-else",
                "description": "What no other rule lets through",
                "access": "Deny",
                "direction": way.capitalize(),
                "priority": LAST,
                "protocol": "*",
                "source_address_prefix": "*",
                "source_port_range": "*",
                "destination_address_prefix": "*",
                "destination_port_range": "*",
            }
        )
    return made


@dataclass(frozen=True, slots=True)
class NetworkArgs:
    """A virtual network to build in `cidr`.

    `nat` gives agents and jobs a way out; their rules let them use it for Azure's own services alone unless
    `internet`. `jobs` builds the subnet for clusters, whose nodes have no public address and need `nat`.
    """

    site: Site
    group: Group
    cidr: ipaddress.IPv4Network
    nat: bool = False
    internet: bool = False
    jobs: bool = False


class Network(pulumi.ComponentResource):
    """Resource ids of the network and its subnets. It leaves by `addresses`; `watched` is what records."""

    vnet: pulumi.Output[str]
    endpoints_subnet: pulumi.Output[str]
    agents_subnet: pulumi.Output[str]
    jobs_subnet: pulumi.Output[str] | None
    addresses: list[pulumi.Output[str]]
    ready: tuple[pulumi.Resource, ...]
    watched: Mapping[str, Watched]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Network", name, None, opts)
        site, place = args.site, args.site.place
        made = network.VirtualNetwork(
            site.name("network", "vnet"),
            resource_group_name=args.group.name,
            virtual_network_name=place.physical("network", "vnet"),
            location=place.region,
            tags=dict(site.tags),
            address_space={"address_prefixes": [str(args.cidr)]},
            enable_ddos_protection=False,  # nothing in it is reached from the internet
            enable_vm_protection=False,
            opts=site.child(self),  # its subnets are resources of their own
        )
        watched = {"vnet": Watched(VNET, made.id)}
        out = None
        self.addresses = []
        if args.nat:
            under = pulumi.ResourceOptions(parent=self)
            egress = Egress(site.name("network", "egress"), EgressArgs(site, args.group), under)
            out, self.addresses = egress.gateway, egress.addresses
            watched |= egress.watched
        subnets: dict[str, network.Subnet] = {}
        for use in SUBNETS if args.jobs else SUBNETS[:-1]:
            guard = self._guard(args, use)
            watched[f"{use}-rules"] = Watched(NSG, guard.id)
            # One after the other: Azure refuses two changes of a network at once.
            subnets[use] = self._subnet(args, use, made, guard, out, list(subnets.values())[-1:])
        self.vnet = made.id
        self.endpoints_subnet, self.agents_subnet = subnets["endpoints"].id, subnets["agents"].id
        self.jobs_subnet = subnets["jobs"].id if args.jobs else None
        self.ready, self.watched = tuple(subnets.values()), watched
        self.register_outputs({"vnet": self.vnet, "addresses": self.addresses})

    def _guard(self, args: NetworkArgs, use: str) -> network.NetworkSecurityGroup:
        site, place = args.site, args.site.place
        return network.NetworkSecurityGroup(
            site.name("network", use),
            resource_group_name=args.group.name,
            network_security_group_name=place.physical("network", use),
            location=place.region,
            tags=dict(site.tags),
            flush_connection=True,  # a rule that goes takes the connections along that it let through
            security_rules=rules(use, place.region, args.internet),
            opts=site.child(self),
        )

    def _subnet(
        self,
        args: NetworkArgs,
        use: str,
        within: network.VirtualNetwork,
        guard: network.NetworkSecurityGroup,
        out: pulumi.Output[str] | None,
        before: list[network.Subnet],
    ) -> network.Subnet:
        return network.Subnet(
            args.site.name("network", use),
            resource_group_name=args.group.name,
            virtual_network_name=within.name,
            subnet_name=use,
            address_prefix=block(args.cidr, use),
            network_security_group={"id": guard.id},
            nat_gateway={"id": out} if out is not None and use != "endpoints" else None,
            default_outbound_access=False,  # no way out that nobody asked for
            private_endpoint_network_policies="NetworkSecurityGroupEnabled",
            private_link_service_network_policies="Enabled",
            service_endpoints=[],
            opts=args.site.child(self, after=before),
        )
