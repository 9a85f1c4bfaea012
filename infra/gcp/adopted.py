"""A network that is already there: its parts are looked up and checked to belong together, never changed."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute, organizations

from infra.gcp.settings import Network
from infra.gcp.site import Site
from infra.lookup import found


@dataclass(frozen=True, slots=True)
class AdoptedArgs:
    """`named` is what the zone's settings say of the network: full names of its parts."""

    site: Site
    named: Network


class AdoptedNetwork(pulumi.ComponentResource):
    """The same outputs as a network of our own, as far as they are named.

    A network of another project is told by that project's number, which jobs in peered networks need.
    """

    network: pulumi.Output[str]
    subnetwork: pulumi.Output[str] | None
    attachment: pulumi.Output[str] | None
    reserved_ranges: list[pulumi.Output[str]]
    endpoints: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: AdoptedArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:gcp:AdoptedNetwork", name, None, opts)
        site, ask, named = args.site, args.site.ask(self), args.named
        owner, short = _parts(named.network or "")
        known = found(
            site.setting("network.network"),
            f"network {named.network}",
            lambda: compute.get_network(project=owner, name=short, opts=ask),
        )
        self.network = pulumi.Output.from_input(self._told(args, owner, known.id))
        self.subnetwork = self.attachment = None
        if named.subnetwork:
            self.subnetwork = self._subnetwork(args, named.subnetwork, known.id)
        if named.network_attachment:
            self.attachment = self._attachment(args, named.network_attachment)
        self.reserved_ranges = [
            self._range(args, owner, index, label) for index, label in enumerate(named.reserved_ranges)
        ]
        self.endpoints = {bundle: pulumi.Output.from_input(address) for bundle, address in named.endpoints.items()}
        self.register_outputs({"network": self.network, "subnetwork": self.subnetwork})

    def _told(self, args: AdoptedArgs, owner: str, network: str) -> str:
        if owner == args.site.place.project:
            return network
        host = found(
            args.site.setting("network.network"),
            f"project {owner}",
            lambda: organizations.get_project(project_id=owner, opts=args.site.ask(self)),
        )
        return network.replace(f"projects/{owner}/", f"projects/{host.number}/", 1)

    def _subnetwork(self, args: AdoptedArgs, named: str, network: str) -> pulumi.Output[str]:
        setting, (owner, short) = args.site.setting("network.subnetwork"), _parts(named)
        known = found(
            setting,
            f"subnetwork {named}",
            lambda: compute.get_subnetwork(
                project=owner, region=args.site.place.region, name=short, opts=args.site.ask(self)
            ),
        )
        if not known.network.endswith(network):
            raise pulumi.RunError(f"{setting}: {named} is in {known.network}, not in {network}; name one of these")
        return pulumi.Output.from_input(known.id)

    def _attachment(self, args: AdoptedArgs, named: str) -> pulumi.Output[str]:
        owner, short = _parts(named)
        known = found(
            args.site.setting("network.networkAttachment"),
            f"network attachment {named}",
            lambda: compute.get_network_attachment(
                project=owner, region=args.site.place.region, name=short, opts=args.site.ask(self)
            ),
        )
        return pulumi.Output.from_input(known.id)

    def _range(self, args: AdoptedArgs, owner: str, index: int, label: str) -> pulumi.Output[str]:
        known = found(
            args.site.setting(f"network.reservedRanges[{index}]"),
            f"range {label} of project {owner}",
            lambda: compute.get_global_address(project=owner, name=label, opts=args.site.ask(self)),
        )
        return pulumi.Output.from_input(known.name)


def _parts(name: str) -> tuple[str, str]:
    """The project and the short name out of a full name."""
    parts = name.split("/")
    return parts[1], parts[-1]
