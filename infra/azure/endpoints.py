"""Private endpoints: an address in the zone's own network for each service, and the names that lead there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import network, privatedns

from infra.azure.dns import dns_zones
from infra.azure.group import Group
from infra.azure.site import Site

EVERYWHERE = "global"  # the location of a private DNS zone
LINKED = re.compile(r"(?i)overlapping namespaces")


def explained(site: Site, name: str, zone: str) -> pulumi.ResourceHookBinding:
    """A hook of the link `name` that says what to do in a network which resolves `zone` already."""

    def explain(args: pulumi.ErrorHookArgs) -> bool:
        if LINKED.search(args.errors[0]):
            pulumi.log.warn(
                f"{name}: the network has a private DNS zone {zone} already, and takes one of each name; name "
                f"that one by its id in {site.setting('network.dnsZones')}"
            )
        return False

    return pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(f"{name}-linked", explain)])


@dataclass(frozen=True, slots=True)
class EndpointsArgs:
    """`targets` are resource ids by group id (`amlworkspace`, `blob`, `file`, `vault`, `registry`).

    The endpoints lie in `subnet`; names are resolved in `vnet` (resource ids). `dns_zones` are ids of zones that
    somebody keeps for everybody, by name, with their links: the rest is built here and linked.
    """

    site: Site
    group: Group
    subnet: pulumi.Output[str]
    vnet: pulumi.Output[str]
    targets: Mapping[str, pulumi.Output[str]]
    dns_zones: Mapping[str, str]


class Endpoints(pulumi.ComponentResource):
    """`ids` are the endpoints' resource ids by group id; what talks through them waits for `ready`."""

    ids: Mapping[str, pulumi.Output[str]]
    ready: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: EndpointsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Endpoints", name, None, opts)
        known = dns_zones(args.site.place.environment)
        built: dict[str, network.PrivateEndpoint] = {}
        ready: list[pulumi.Resource] = []
        before: list[pulumi.Resource] = []
        for group, target in args.targets.items():
            zones = {zone: self._zone(args, zone) for zone in known[group]}
            built[group] = self._endpoint(args, group, target, before)
            names = self._names(args, group, built[group], zones)
            ready.append(names)
            before = [built[group]]  # one after the other: Azure refuses two at once on one account or subnet
        self.ids = {group: made.id for group, made in built.items()}
        self.ready = tuple(ready)
        self.register_outputs({"ids": self.ids})

    def _zone(self, args: EndpointsArgs, zone: str) -> pulumi.Output[str]:
        """The id of the private DNS zone: one that is kept centrally, or our own with a link to the network."""
        if zone in args.dns_zones:
            return pulumi.Output.from_input(args.dns_zones[zone])
        site = args.site
        use = zone.removeprefix("privatelink.").replace(".", "-")
        made = privatedns.PrivateZone(
            site.name("endpoints", use),
            resource_group_name=args.group.name,
            private_zone_name=zone,
            location=EVERYWHERE,
            tags=dict(site.tags),
            opts=site.child(self),
        )
        privatedns.VirtualNetworkLink(
            site.name("endpoints", use),
            resource_group_name=args.group.name,
            private_zone_name=made.name,
            virtual_network_link_name=site.place.physical("network", "link"),
            location=EVERYWHERE,
            tags=dict(site.tags),
            virtual_network={"id": args.vnet},
            registration_enabled=False,
            # A name that is not in the zone, such as another tenant's registry, is asked for outside.
            resolution_policy="NxDomainRedirect",
            opts=site.child(self, hooks=explained(site, site.name("endpoints", use), zone)),
        )
        return made.id

    def _endpoint(
        self, args: EndpointsArgs, group: str, target: pulumi.Output[str], before: list[pulumi.Resource]
    ) -> network.PrivateEndpoint:
        site, place = args.site, args.site.place
        named = place.physical("network", group)
        return network.PrivateEndpoint(
            site.name("endpoints", group),
            resource_group_name=args.group.name,
            private_endpoint_name=named,
            location=place.region,
            tags=dict(site.tags),
            subnet={"id": args.subnet},
            custom_network_interface_name=place.physical("network", f"{group}-nic"),
            private_link_service_connections=[
                {"name": named, "private_link_service_id": target, "group_ids": [group]}
            ],
            opts=site.child(self, after=before),
        )

    def _names(
        self,
        args: EndpointsArgs,
        group: str,
        endpoint: network.PrivateEndpoint,
        zones: Mapping[str, pulumi.Output[str]],
    ) -> network.PrivateDnsZoneGroup:
        """Keep the endpoint's names in its zones, whatever address it gets."""
        return network.PrivateDnsZoneGroup(
            args.site.name("endpoints", group),
            resource_group_name=args.group.name,
            private_endpoint_name=endpoint.name,
            private_dns_zone_group_name="default",
            private_dns_zone_configs=[
                {"name": zone.replace(".", "-"), "private_dns_zone_id": id} for zone, id in zones.items()
            ],
            opts=args.site.child(self),
        )
