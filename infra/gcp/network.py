"""The zone's network: a VPC that reaches Google's APIs through one private address, with no other way out.

What runs in it is the dispatcher's agent. A job runs in Google's own network: it gets an interface here (network
attachment) or a peering, for what else is in the VPC; its own calls of Google's APIs take Google's way.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute, dns, servicenetworking

from infra.gcp.egress import Egress, EgressArgs
from infra.gcp.private_access import Bundle, PrivateAccess, PrivateAccessArgs
from infra.gcp.site import Site

BLOCK_BITS = 2  # four blocks: agents, interfaces of jobs, one to spare, the endpoint's address
PEERING_SERVICE = "servicenetworking.googleapis.com"
ALL = "0.0.0.0/0"


def agents_block(cidr: ipaddress.IPv4Network) -> str:
    """The range of the subnetwork for the dispatcher's agents."""
    return str(next(iter(cidr.subnets(BLOCK_BITS))))


def jobs_block(cidr: ipaddress.IPv4Network) -> str:
    """The range of the subnetwork in which jobs get their interfaces."""
    return str(list(cidr.subnets(BLOCK_BITS))[1])


def endpoint_address(cidr: ipaddress.IPv4Network) -> str:
    """The endpoint's address: in no subnetwork, as Google demands, but in the zone's own range."""
    return str(cidr.broadcast_address - 1)


@dataclass(frozen=True, slots=True)
class NetworkArgs:
    """A VPC to build in `cidr`.

    `bundle` is what the private endpoint of Google's APIs answers: all of them, or (`vpc-sc`) only what a
    perimeter covers; None builds none. `rule` names the endpoint: 1 to 20 letters and digits. `nat` gives the
    VPC a way out. `attachment` builds the network attachment that jobs get an interface through. `peering` is the
    range, outside of `cidr`, that Google's network of training jobs takes addresses from when it is peered with
    the VPC; with `cut_off`, that network loses its own way to the internet.
    """

    site: Site
    cidr: ipaddress.IPv4Network
    bundle: Bundle | None
    rule: str | None = None
    nat: bool = False
    attachment: bool = False
    peering: ipaddress.IPv4Network | None = None
    cut_off: bool = False


class Network(pulumi.ComponentResource):
    """What jobs and agents are placed by. `network`, `subnetwork`, `attachment` are full names (`projects/P/...`).

    `reserved_ranges` are the names of ranges that peered jobs may use; `endpoints` maps the bundle to its
    address; `addresses` are those the VPC leaves by; `watched` are the names of subnetworks with flow logs.
    """

    network: pulumi.Output[str]
    subnetwork: pulumi.Output[str]
    attachment: pulumi.Output[str] | None
    reserved_ranges: list[pulumi.Output[str]]
    endpoints: dict[str, pulumi.Output[str]]
    addresses: list[pulumi.Output[str]]
    watched: tuple[str, ...]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:Network", name, None, opts)
        site, place = args.site, args.site.place
        made = compute.Network(
            site.name("network", "vpc"),
            name=place.physical("gce", "vpc"),
            project=place.project,
            description=f"{place.name}: agents and interfaces of training jobs",
            auto_create_subnetworks=False,
            delete_default_routes_on_create=True,  # no way out that nobody asked for
            routing_mode="REGIONAL",
            opts=site.child(self),
        )
        agents = self._subnetwork(site, made, "agents", agents_block(args.cidr))
        subnetworks = [agents]
        self.attachment = None
        if args.attachment:
            jobs = self._subnetwork(site, made, "jobs", jobs_block(args.cidr))
            subnetworks.append(jobs)
            self.attachment = self._attach(args, jobs)
        self.network, self.subnetwork = made.id, agents.id
        self.watched = tuple(place.physical("gce", use) for use in ("agents", "jobs")[: len(subnetworks)])
        self._close(site, made)
        self.endpoints = {}
        if args.bundle:
            access = PrivateAccess(
                site.name("network", "apis"),
                PrivateAccessArgs(site, made.id, endpoint_address(args.cidr), args.bundle, args.rule),
                pulumi.ResourceOptions(parent=self),
            )
            self.endpoints = {args.bundle: access.address}
            allow_https(site, self, made.id, "apis", f"{endpoint_address(args.cidr)}/32")
        self.addresses = []
        if args.nat:
            ways = EgressArgs(site, made.id, tuple(subnetwork.id for subnetwork in subnetworks))
            out = Egress(site.name("network", "egress"), ways, pulumi.ResourceOptions(parent=self))
            self.addresses = out.addresses
            allow_https(site, self, made.id, "internet", ALL)
        self.reserved_ranges = [self._peer(args, made, args.peering)] if args.peering else []
        dns.Policy(
            site.name("network", "dns"),
            name=place.physical("gce", "dns"),
            project=place.project,
            description=f"{place.name}: records every name that is asked for",
            enable_logging=True,
            enable_inbound_forwarding=False,
            networks=[{"network_url": made.id}],
            opts=site.child(self),
        )
        self.register_outputs(
            {
                "network": self.network,
                "subnetwork": self.subnetwork,
                "attachment": self.attachment,
                "reservedRanges": self.reserved_ranges,
                "endpoints": self.endpoints,
                "addresses": self.addresses,
            }
        )

    def _subnetwork(self, site: Site, made: compute.Network, use: str, block: str) -> compute.Subnetwork:
        """A subnetwork whose every flow is recorded, and whose machines need no public address for Google."""
        return compute.Subnetwork(
            site.name("network", use),
            name=site.place.physical("gce", use),
            project=site.place.project,
            region=site.place.region,
            network=made.id,
            ip_cidr_range=block,
            private_ip_google_access=True,
            purpose="PRIVATE",
            stack_type="IPV4_ONLY",
            log_config={
                "aggregation_interval": "INTERVAL_5_SEC",
                "flow_sampling": 1.0,
                "metadata": "INCLUDE_ALL_METADATA",
            },
            opts=site.child(self),
        )

    def _close(self, site: Site, made: compute.Network) -> None:
        """Refuse, and record, what no other rule allows: a VPC would let everything out by itself."""
        for direction, ranges in (("EGRESS", "destination_ranges"), ("INGRESS", "source_ranges")):
            use = f"deny-{direction.lower()}"
            everywhere = {ranges: [ALL]}
            compute.Firewall(
                site.name("network", use),
                name=site.place.physical("gce", use),
                project=site.place.project,
                network=made.id,
                description="What no rule allows, recorded",
                direction=direction,
                priority=65_534,
                denies=[{"protocol": "all"}],
                disabled=False,
                log_config={"metadata": "INCLUDE_ALL_METADATA"},
                destination_ranges=everywhere.get("destination_ranges"),
                source_ranges=everywhere.get("source_ranges"),
                opts=site.child(self),
            )

    def _attach(self, args: NetworkArgs, jobs: compute.Subnetwork) -> pulumi.Output[str]:
        """The attachment that jobs get an interface through.

        Vertex AI puts the project it runs a job in on the accept list itself: what it adds is not ours to undo.
        """
        site, place = args.site, args.site.place
        options = site.child(self)
        options.ignore_changes = ["producerAcceptLists"]
        made = compute.NetworkAttachment(
            site.name("network", "jobs"),
            name=place.physical("gce", "jobs"),
            project=place.project,
            region=place.region,
            description=f"{place.name}: interfaces of training jobs",
            connection_preference="ACCEPT_MANUAL",
            subnetworks=[jobs.id],
            opts=options,
        )
        return made.id

    def _peer(self, args: NetworkArgs, made: compute.Network, block: ipaddress.IPv4Network) -> pulumi.Output[str]:
        """Reserve a range for Google's network of training jobs, and peer it with ours."""
        site, place = args.site, args.site.place
        reserved = compute.GlobalAddress(
            site.name("network", "peering"),
            name=place.physical("gce", "peering"),
            project=place.project,
            description=f"{place.name}: addresses of training jobs in Google's network",
            purpose="VPC_PEERING",
            address_type="INTERNAL",
            address=str(block.network_address),
            prefix_length=block.prefixlen,
            network=made.id,
            opts=site.child(self),
        )
        peered = servicenetworking.Connection(
            site.name("network", "peering"),
            network=made.id,
            service=PEERING_SERVICE,
            reserved_peering_ranges=[reserved.name],
            opts=site.child(self),
        )
        if args.cut_off:
            servicenetworking.VpcServiceControls(
                site.name("network", "peering"),
                project=place.project,
                network=made.name,
                service=PEERING_SERVICE,
                enabled=True,  # the default route of Google's side goes
                opts=site.child(self, after=[peered]),
            )
        return pulumi.Output.all(reserved.name, peered.peering).apply(lambda found: str(found[0]))


def allow_https(site: Site, parent: pulumi.Resource, network: pulumi.Output[str], use: str, cidr: str) -> None:
    """Let machines of the VPC open HTTPS connections to a range; everything an agent calls speaks HTTPS."""
    compute.Firewall(
        site.name("network", f"allow-{use}"),
        name=site.place.physical("gce", f"allow-{use}"),
        project=site.place.project,
        network=network,
        description=f"HTTPS to {cidr}",
        direction="EGRESS",
        priority=1_000,
        allows=[{"protocol": "tcp", "ports": ["443"]}],
        disabled=False,
        destination_ranges=[cidr],
        log_config={"metadata": "INCLUDE_ALL_METADATA"},
        opts=site.child(parent),
    )
