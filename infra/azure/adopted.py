"""A network that is already there: its parts are looked up and checked to belong together, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import network

from infra.azure.diagnostics import Watched
from infra.azure.resource_id import parse
from infra.azure.settings import Network
from infra.azure.site import Site
from infra.lookup import found


@dataclass(frozen=True, slots=True)
class AdoptedArgs:
    """`named` is what the zone's settings say of the network: resource ids of its parts."""

    site: Site
    named: Network


class AdoptedNetwork(pulumi.ComponentResource):
    """The same outputs as a network of our own, as far as they are named.

    Whoever owns the network keeps its rules, its way out and its records.
    """

    vnet: pulumi.Output[str]
    endpoints_subnet: pulumi.Output[str]
    agents_subnet: pulumi.Output[str] | None
    jobs_subnet: pulumi.Output[str] | None
    ready: tuple[pulumi.Resource, ...]
    watched: Mapping[str, Watched]

    def __init__(self, name: str, args: AdoptedArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:AdoptedNetwork", name, None, opts)
        site, named = args.site, args.named
        assert named.vnet is not None
        assert named.endpoints_subnet is not None
        of, setting = parse(named.vnet), site.setting("network.vnet")
        known = found(
            setting,
            f"virtual network {named.vnet}",
            lambda: network.get_virtual_network(
                resource_group_name=of.group, virtual_network_name=of.name, opts=site.ask(self)
            ),
        )
        if known.location != site.place.region:
            raise pulumi.RunError(
                f"{setting}: virtual network {of.name} is in {known.location}, and the zone in "
                f"{site.place.region}; endpoints and nodes take addresses of their own region: name one there"
            )
        self.vnet = pulumi.Output.from_input(known.id or named.vnet)
        self.endpoints_subnet = self._subnet(site, "endpointsSubnet", named.endpoints_subnet)
        self.jobs_subnet = self._subnet(site, "jobsSubnet", named.jobs_subnet) if named.jobs_subnet else None
        self.agents_subnet, self.ready, self.watched = None, (), {}
        self.register_outputs({"vnet": self.vnet})

    def _subnet(self, site: Site, setting: str, id: str) -> pulumi.Output[str]:
        of = parse(id)
        known = found(
            site.setting(f"network.{setting}"),
            f"subnet {id}",
            lambda: network.get_subnet(
                resource_group_name=of.group,
                virtual_network_name=of.names[0],
                subnet_name=of.name,
                opts=site.ask(self),
            ),
        )
        return pulumi.Output.from_input(known.id or id)
