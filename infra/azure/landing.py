"""Wire the parts of an Azure zone together and tell the result as the contract's own types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pulumi

from dispatcher import contract
from infra import compute as offered
from infra.azure import directory, group, idle
from infra.azure.access import Roles, RolesArgs, Submitter, WorkspaceRoles, WorkspaceRolesArgs
from infra.azure.account import Account
from infra.azure.adopted import AdoptedArgs, AdoptedNetwork
from infra.azure.audit import LONGEST_DAYS, Archive, ArchiveArgs, Audit, AuditArgs
from infra.azure.compute import Compute, ComputeArgs
from infra.azure.datastores import Datastores, DatastoresArgs
from infra.azure.diagnostics import Diagnostics, DiagnosticsArgs, Watched
from infra.azure.endpoints import Endpoints, EndpointsArgs
from infra.azure.identity import Identity, IdentityArgs
from infra.azure.keys import Keys, KeysArgs
from infra.azure.network import Network, NetworkArgs
from infra.azure.registry import Registry, RegistryArgs
from infra.azure.settings import Zone
from infra.azure.site import Site
from infra.azure.sites import site_of_zone
from infra.azure.storage import USES, Storage, StorageArgs
from infra.azure.workspace import Workspace, WorkspaceArgs
from infra.settings import Environment


@dataclass(frozen=True, slots=True)
class JobNetwork:
    """Where endpoints, agents and jobs are, as resource ids; empty when there is no network of the zone's own.

    `endpoints` are private ones by group id; what talks through them waits for `ready`.
    """

    vnet: pulumi.Output[str] | None = None
    endpoints_subnet: pulumi.Output[str] | None = None
    agents_subnet: pulumi.Output[str] | None = None
    jobs_subnet: pulumi.Output[str] | None = None
    ready: tuple[pulumi.Resource, ...] = ()
    watched: Mapping[str, Watched] = field(default_factory=dict)
    endpoints: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a zone is made of before its workspace, and who is given rights to it."""

    home: group.Group
    identity: Identity
    audit: Audit
    keys: Keys
    storage: Storage
    registry: Registry

    @property
    def containers(self) -> dict[str, pulumi.Output[str]]:
        """Names of the containers by use."""
        return {use: getattr(self.storage, use) for use in USES}


def build(
    environment: Environment, zone: Zone, account: Account, parent: pulumi.Resource
) -> pulumi.Output[contract.AzureZone]:
    """Build one zone under `parent` and return it as the contract tells it."""
    site, under = site_of_zone(environment, zone, account.deployer), pulumi.ResourceOptions(parent=parent)
    idle.PRICES.tell(zone.name, idle.lines(zone), parent)
    cosmos = None if zone.existing.workspace else directory.cosmos(site, parent, zone.cosmos_principal)
    parts = _parts(site, zone, group.build(site, parent), cosmos, under)
    network = _network(site, zone, parts, under)
    network = _joined(site, zone, parts, network, "endpoints", _targets(parts), under)
    submitters: list[Submitter] = [("Group", id) for id in zone.submitters]
    submitters = submitters or [(account.deployer.kind, account.deployer.object_id)]
    on = {"private": zone.private, "managedNetwork": zone.managed, "imagePush": zone.image_push}
    when = frozenset(setting for setting, value in on.items() if value)
    roles = Roles(site.name("roles"), _roles(site, parts, network, submitters, when), under)
    wanted = _workspace(site, zone, parts, network, (*roles.ready, *parts.storage.ready, *network.ready))
    workspace = Workspace(site.name("workspace"), wanted, under)
    network = _joined(site, zone, parts, network, "workspace-endpoint", {"amlworkspace": workspace.id}, under)
    rights = WorkspaceRolesArgs(site, parts.identity, workspace.id, submitters, when)
    access = WorkspaceRoles(site.name("access"), rights, under)
    stores = DatastoresArgs(site, workspace, parts.storage.account_name, parts.containers)
    Datastores(site.name("datastores"), stores, under)
    if zone.private:  # without a network, jobs run on machines of no cluster
        ready = (*network.ready, *access.ready)
        clusters = ComputeArgs(site, workspace, parts.identity.execution, zone.compute, network.jobs_subnet, ready)
        Compute(site.name("compute"), clusters, under)
    _record(site, zone, parts, {**network.watched, **workspace.watched}, under)
    return _contract(zone, parts, network, workspace, roles)


def _parts(
    site: Site, zone: Zone, home: group.Group, cosmos: pulumi.Output[str] | None, under: pulumi.ResourceOptions
) -> Parts:
    """Everything that the workspace is made of. Identities come first: keys and stores are theirs to use."""
    existing = zone.existing
    audience = zone.federation.audience if zone.federation else None
    identity = Identity(site.name("identity"), IdentityArgs(site, home, zone.federation, audience), under)
    records = AuditArgs(site, home, zone.retention_days, zone.private, existing.log_analytics)
    audit = Audit(site.name("audit"), records, under)
    adopted_keys = (existing.keys.data, existing.keys.registry, existing.keys.logs)
    users = (identity.encryption, identity.workspace)
    wanted = KeysArgs(site, home, *users, zone.private, cosmos, existing.vault, *adopted_keys)
    keys = Keys(site.name("keys"), wanted, under)
    containers = StorageArgs(
        site,
        home,
        keys.data,
        identity.encryption,
        zone.private,
        zone.retention_days,
        existing.storage,
        existing.buckets.model_dump(),
    )
    storage = Storage(site.name("storage"), containers, under)
    images = RegistryArgs(site, home, keys.registry, identity.encryption, zone.private, existing.registry)
    return Parts(home, identity, audit, keys, storage, Registry(site.name("registry"), images, under))


def _network(site: Site, zone: Zone, parts: Parts, under: pulumi.ResourceOptions) -> JobNetwork:
    """The network of the zone's mode."""
    wanted = zone.network
    if wanted.mode == "public":
        return JobNetwork()
    if wanted.mode == "existing":
        found = AdoptedNetwork(site.name("network"), AdoptedArgs(site, wanted), under)
        return JobNetwork(found.vnet, found.endpoints_subnet, None, found.jobs_subnet)
    internet = zone.egress == "nat"
    args = NetworkArgs(site, parts.home, wanted.cidr, zone.gateway, internet, jobs=not zone.managed)
    built = Network(site.name("network"), args, under)
    return JobNetwork(
        built.vnet,
        built.endpoints_subnet,
        built.agents_subnet,
        built.jobs_subnet,
        ready=built.ready,
        watched=built.watched,
    )


def _targets(parts: Parts) -> dict[str, pulumi.Output[str]]:
    """What gets a private endpoint before the workspace is there, by group id."""
    account = parts.storage.account
    return {"blob": account, "file": account, "vault": parts.keys.vault, "registry": parts.registry.id}


def _joined(
    site: Site,
    zone: Zone,
    parts: Parts,
    network: JobNetwork,
    concern: str,
    targets: Mapping[str, pulumi.Output[str]],
    under: pulumi.ResourceOptions,
) -> JobNetwork:
    """The network with private endpoints of `targets` in it, when there is one."""
    if network.vnet is None or network.endpoints_subnet is None:
        return network
    args = EndpointsArgs(site, parts.home, network.endpoints_subnet, network.vnet, targets, zone.network.dns_zones)
    made = Endpoints(site.name(concern), args, under)
    return replace(network, ready=(*network.ready, *made.ready), endpoints={**network.endpoints, **made.ids})


def _roles(
    site: Site, parts: Parts, network: JobNetwork, submitters: Sequence[Submitter], when: frozenset[str]
) -> RolesArgs:
    """What the identities may touch besides the workspace."""
    return RolesArgs(
        site,
        parts.home,
        parts.identity,
        parts.storage.account,
        parts.containers,
        parts.keys.vault,
        parts.registry.id,
        parts.audit.insights,
        {use: network.endpoints[use] for use in ("blob", "file") if use in network.endpoints},
        submitters,
        when,
    )


def _workspace(
    site: Site, zone: Zone, parts: Parts, network: JobNetwork, ready: Sequence[pulumi.Resource]
) -> WorkspaceArgs:
    assert parts.audit.insights is not None
    return WorkspaceArgs(
        site,
        parts.home,
        parts.identity.workspace,
        parts.identity.execution,
        parts.keys.logs,
        parts.storage.account,
        parts.keys.vault,
        parts.registry.id,
        parts.audit.insights,
        private=zone.private,
        egress=zone.egress if zone.managed else None,
        fqdns=zone.network.fqdns,
        image_build=zone.compute[0].name if zone.private and zone.compute else None,
        jobs_subnet=network.jobs_subnet,
        ready=(*parts.keys.logs.ready, *ready),
        existing=zone.existing.workspace,
    )


def _record(
    site: Site, zone: Zone, parts: Parts, watched: Mapping[str, Watched], under: pulumi.ResourceOptions
) -> None:
    """Keep what everything in the zone tells; beyond what Log Analytics keeps, in an archive."""
    told = {**parts.audit.watched, **parts.keys.watched, **parts.storage.watched, **parts.registry.watched}
    archive = None
    if zone.retention_days > LONGEST_DAYS:
        args = ArchiveArgs(
            site, parts.home, parts.keys.logs, parts.identity.encryption, zone.private, zone.retention_days
        )
        kept = Archive(site.name("archive"), args, under)
        archive, told = kept.account, {**told, **kept.watched}
    records = DiagnosticsArgs(site, parts.audit.log_analytics, {**told, **watched}, archive)
    Diagnostics(site.name("diagnostics"), records, under)


def _contract(
    zone: Zone, parts: Parts, network: JobNetwork, workspace: Workspace, roles: Roles
) -> pulumi.Output[contract.AzureZone]:
    """Everything the dispatcher needs to know of the zone, once the cloud has told the names."""
    keys, identity, registry = parts.keys, parts.identity, parts.registry

    def told(found: dict[str, Any]) -> contract.AzureZone:
        bucket = {
            use: contract.Bucket(name, f"{found['blobs']}/{name}") for use, name in found["containers"].items()
        }
        subnets = tuple(filter(None, (found["agents_subnet"], found["jobs_subnet"])))
        return contract.AzureZone(
            cloud="azure",
            region=zone.region,
            subscription=zone.subscription,
            resource_group=found["group"],
            workspace=found["workspace"],
            azure_cloud=zone.environment,
            registry=contract.Registry(found["url"], found["registry"]),
            buckets=contract.Buckets(**bucket),
            keys=contract.Keys(**found["keys"]),
            identities=contract.Identities(**found["identities"]),
            secrets=contract.Secrets(found["vault"]),
            network=contract.AzureNetwork(
                zone.network.mode,
                zone.egress,
                contract.AzureNetworkIds(found["vnet"], subnets, zone.managed),
                found["endpoints"],
            ),
            limits=offered.limits(zone),
            controls=offered.controls(zone),
            compute=offered.offered(zone),
            actions=contract.Actions(roles.agent_actions, roles.execution_actions),
        )

    return pulumi.Output.all(
        group=workspace.group,
        workspace=workspace.name,
        url=registry.url,
        registry=registry.id,
        blobs=parts.storage.blob_endpoint,
        containers=parts.containers,
        keys={"data": keys.data.uri, "registry": keys.registry.uri, "logs": keys.logs.uri},
        identities={
            "execution": identity.execution.id,
            "agent": identity.agent.id,
            "federation": identity.federation,
            "execution_client_id": identity.execution.client_id,
            "agent_client_id": identity.agent.client_id,
        },
        vault=keys.vault_uri,
        vnet=network.vnet,
        agents_subnet=network.agents_subnet,
        jobs_subnet=network.jobs_subnet,
        endpoints=network.endpoints,
    ).apply(told)
