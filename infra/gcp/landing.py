"""Wire the parts of a Google Cloud zone together and tell the result as the contract's own types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pulumi

from dispatcher import contract
from infra import compute
from infra.gcp import federation, idle
from infra.gcp.account import Account
from infra.gcp.adopted import AdoptedArgs, AdoptedNetwork
from infra.gcp.audit import FlowLogs, FlowLogsArgs
from infra.gcp.identity import Identity, IdentityArgs
from infra.gcp.keys import Keys, KeysArgs
from infra.gcp.network import Network, NetworkArgs
from infra.gcp.registry import Registry, RegistryArgs
from infra.gcp.secrets import Secrets, SecretsArgs
from infra.gcp.settings import Zone
from infra.gcp.site import Site
from infra.gcp.sites import site_of_zone
from infra.gcp.storage import Storage, StorageArgs
from infra.settings import Environment


@dataclass(frozen=True, slots=True)
class JobNetwork:
    """What jobs and agents are placed by, as full names; empty when jobs run in Google's network only.

    `watched` are subnetworks whose flows are recorded.
    """

    network: pulumi.Output[str] | None = None
    subnetwork: pulumi.Output[str] | None = None
    attachment: pulumi.Output[str] | None = None
    reserved_ranges: list[pulumi.Output[str]] = field(default_factory=list)
    endpoints: dict[str, pulumi.Output[str]] = field(default_factory=dict)
    watched: tuple[str, ...] = ()


def build(
    environment: Environment, zone: Zone, account: Account, parent: pulumi.Resource
) -> pulumi.Output[contract.GcpZone]:
    """Build one zone under `parent` and return it as the contract tells it."""
    site, existing = site_of_zone(environment, zone), zone.existing
    # The APIs answer before anything is asked of them; grants to service agents travel with each key.
    under = pulumi.ResourceOptions(parent=parent, depends_on=list(account.ready))
    idle.PRICES.tell(zone.name, idle.lines(zone), parent)
    adopted_keys = (existing.keys.data, existing.keys.registry, existing.keys.logs)
    keys = Keys(site.name("keys"), KeysArgs(site, account.agents, *adopted_keys), under)
    repository = RegistryArgs(site, keys.registry, account.agents, existing.registry)
    registry = Registry(site.name("registry"), repository, under)
    buckets = Storage(
        site.name("storage"),
        StorageArgs(site, keys.data, zone.retention_days, existing.buckets.model_dump()),
        under,
    )
    network = _network(site, zone, account, under)
    identity = Identity(site.name("identity"), _identity(site, zone, account, registry, buckets), under)
    account.admit(zone.name, identity.agent)
    if zone.secrets:
        Secrets(site.name("secrets"), SecretsArgs(site, zone.secrets, keys.data), under)
    if network.watched:
        watch = FlowLogsArgs(site, identity.generation, network.watched, keys.logs, zone.retention_days)
        FlowLogs(site.name("audit"), watch, under)
    return _contract(zone, site, account, keys, registry, buckets, network, identity)


def _network(site: Site, zone: Zone, account: Account, under: pulumi.ResourceOptions) -> JobNetwork:
    """The network of the zone's mode."""
    wanted = zone.network
    if wanted.mode == "public":
        return JobNetwork()
    if wanted.mode == "existing":
        found = AdoptedNetwork(site.name("network"), AdoptedArgs(site, wanted), under)
        return JobNetwork(
            found.network, found.subnetwork, found.attachment, found.reserved_ranges, found.endpoints
        )
    # Inside an enforced perimeter, what it does not cover should not be reachable by the private address either.
    bundle = wanted.endpoint or ("vpc-sc" if account.perimeter is not None else "all-apis")
    args = NetworkArgs(
        site,
        wanted.cidr,
        None if bundle == "none" else bundle,
        wanted.endpoint_rule,
        nat=wanted.egress == "nat",
        attachment=zone.jobs == "psc-interface",
        peering=wanted.peering_range if zone.jobs == "peering" else None,
        cut_off=zone.jobs == "peering" and wanted.egress == "none",
    )
    built = Network(site.name("network"), args, under)
    return JobNetwork(
        built.network,
        built.subnetwork,
        built.attachment,
        built.reserved_ranges,
        built.endpoints,
        built.watched,
    )


def _identity(site: Site, zone: Zone, account: Account, registry: Registry, buckets: Storage) -> IdentityArgs:
    """What the two service accounts may touch, and who may be the agent."""
    federated: list[pulumi.Output[str]] = []
    if zone.federation and account.federation is not None:
        subjects, own = zone.federation.subjects, account.own_federation
        for index in range(1 if own else len(subjects)):

            def member(provider: str, index: int = index) -> str:
                return federation.members(provider, zone.name, subjects, own)[index]

            federated.append(account.federation.apply(member))
    return IdentityArgs(
        site,
        account.number,
        {
            "data": buckets.data,
            "output": buckets.output,
            "checkpoints": buckets.checkpoints,
            "staging": buckets.staging,
        },
        registry.repository,
        account.agents["aiplatform"],
        zone.principals,
        federated,
        zone.image_push,
        attachment=zone.jobs == "psc-interface",
    )


def _egress(zone: Zone, account: Account) -> contract.Egress:
    """Whether jobs reach the internet: what the zone says, else what follows from a perimeter.

    Without one they do, by Google's own gateways, whatever network they are attached to.
    """
    return zone.network.egress or ("none" if account.perimeter is not None else "nat")


def _contract(
    zone: Zone,
    site: Site,
    account: Account,
    keys: Keys,
    registry: Registry,
    buckets: Storage,
    network: JobNetwork,
    identity: Identity,
) -> pulumi.Output[contract.GcpZone]:
    """Everything the dispatcher needs to know of the zone, once the cloud has told the names."""

    def told(found: dict[str, Any]) -> contract.GcpZone:
        bucket = {use: contract.Bucket(name, f"gs://{name}") for use, name in found["buckets"].items()}
        ids = contract.GcpNetworkIds(
            found["network"], found["subnetwork"], found["attachment"], tuple(found["ranges"])
        )
        egress = _egress(zone, account)
        return contract.GcpZone(
            cloud="gcp",
            region=zone.region,
            project=zone.project,
            project_number=found["number"],
            registry=contract.Registry(found["url"], found["repository"]),
            buckets=contract.Buckets(**bucket),
            keys=contract.Keys(**found["keys"]),
            identities=contract.Identities(found["execution"], found["agent"], found["federation"]),
            secrets=contract.Secrets(site.place.name),
            network=contract.GcpNetwork(zone.network.mode, egress, ids, found["endpoints"], found["perimeter"]),
            limits=compute.limits(zone),
            controls=compute.controls(zone),
            compute=compute.offered(zone),
            actions=contract.Actions(identity.agent_actions, identity.execution_actions),
            image_projects=zone.image_projects,
        )

    return pulumi.Output.all(
        number=account.number,
        url=registry.url,
        repository=registry.id,
        buckets=pulumi.Output.all(
            data=buckets.data, output=buckets.output, checkpoints=buckets.checkpoints, staging=buckets.staging
        ),
        keys=pulumi.Output.all(data=keys.data.name, registry=keys.registry.name, logs=keys.logs.name),
        network=network.network,
        subnetwork=network.subnetwork,
        attachment=network.attachment,
        ranges=pulumi.Output.all(*network.reserved_ranges),
        endpoints=network.endpoints,  # all(**{}) would be a list
        perimeter=account.perimeter,
        execution=identity.execution,
        agent=identity.agent,
        federation=account.federation,
    ).apply(told)
