"""Google's APIs on one private address of the VPC, and the names that lead there."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import pulumi
import yaml
from pulumi_gcp import compute, dns

from infra.gcp.place import Place
from infra.gcp.site import Site

Bundle = Literal["all-apis", "vpc-sc"]
RULE_LENGTH = 20  # letters and digits: the rule's name becomes part of a DNS name
TTL = 300  # seconds


@functools.cache
def domains() -> tuple[str, ...]:
    """The domains whose names lead to the endpoint, from data/private_access.yaml."""
    data = yaml.safe_load(resources.files("infra.gcp").joinpath("data/private_access.yaml").read_text())
    return tuple(data["domains"])


def rule_name(place: Place) -> str:
    """A name for the endpoint: the zone's, as far as 20 letters and digits go, and the stack's suffix."""
    return f"{place.name.replace('-', '')[: RULE_LENGTH - len(place.suffix)]}{place.suffix}"


@dataclass(frozen=True, slots=True)
class PrivateAccessArgs:
    """`network` is the VPC's full name, `address` one in none of its subnetworks; `rule` names the endpoint."""

    site: Site
    network: pulumi.Output[str]
    address: str
    bundle: Bundle
    rule: str | None = None


class PrivateAccess(pulumi.ComponentResource):
    """The endpoint's `address`, which every name under `domains` resolves to inside the VPC."""

    address: pulumi.Output[str]

    def __init__(self, name: str, args: PrivateAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:PrivateAccess", name, None, opts)
        site, place = args.site, args.site.place
        reserved = compute.GlobalAddress(
            name,
            name=place.physical("gce", "apis"),
            project=place.project,
            description=f"{place.name}: Google's APIs",
            purpose="PRIVATE_SERVICE_CONNECT",
            address_type="INTERNAL",
            address=args.address,
            network=args.network,
            opts=site.child(self),
        )
        compute.GlobalForwardingRule(
            name,
            name=args.rule or rule_name(place),  # a name of the engine's has a hyphen, which is refused
            project=place.project,
            target=args.bundle,
            load_balancing_scheme="",  # an endpoint of Google's APIs balances nothing; absent means EXTERNAL
            network=args.network,
            ip_address=reserved.id,
            opts=site.child(self),
        )
        for domain in domains():
            self._names(args, domain)
        self.address = reserved.address
        self.register_outputs({"address": self.address})

    def _names(self, args: PrivateAccessArgs, domain: str) -> None:
        """A private zone in which the domain, and every name under it, is the endpoint."""
        site, place = args.site, args.site.place
        use = domain.replace(".", "-")
        zone = dns.ManagedZone(
            site.name("network", use),
            name=place.physical("gce", use),
            project=place.project,
            dns_name=f"{domain}.",
            description=f"{place.name}: {domain} through the private endpoint",
            visibility="private",
            private_visibility_config={"networks": [{"network_url": args.network}]},
            force_destroy=True,  # holds nothing but the two records below
            opts=site.child(self),
        )
        for part, kind, data in (("", "A", args.address), ("*.", "CNAME", f"{domain}.")):
            dns.RecordSet(
                site.name("network", f"{use}-{kind.lower()}"),
                project=place.project,
                managed_zone=zone.name,
                name=f"{part}{domain}.",
                type=kind,
                ttl=TTL,
                rrdatas=[data],
                opts=site.child(self),
            )
