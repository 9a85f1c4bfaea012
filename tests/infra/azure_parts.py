"""The parts of a zone on Azure, declared without an engine, with outputs shaped as the provider's."""

from __future__ import annotations

import functools
import ipaddress
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_azure_native as azure

from infra.azure.access import Roles, RolesArgs, Submitter, WorkspaceRoles, WorkspaceRolesArgs
from infra.azure.audit import LONGEST_DAYS, Archive, ArchiveArgs, Audit, AuditArgs
from infra.azure.diagnostics import SUBSCRIPTION, Diagnostics, DiagnosticsArgs, Watched
from infra.azure.endpoints import Endpoints, EndpointsArgs
from infra.azure.group import Group
from infra.azure.identity import Identity, IdentityArgs
from infra.azure.keys import Keys, KeysArgs
from infra.azure.network import Network, NetworkArgs
from infra.azure.place import Place
from infra.azure.registry import Registry, RegistryArgs
from infra.azure.site import Deployer, Site
from infra.azure.storage import Storage, StorageArgs
from infra.base import Federation
from tests.infra.recorded import Record, record

S, TENANT = "11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555"
PLACE = Place("azure-weu", S, "westeurope", "1a2b3c4d", False)
DISPOSABLE = replace(PLACE, disposable=True)
GOVERNMENT = replace(PLACE, region="usgovvirginia", environment="usgovernment")
CIDR = ipaddress.IPv4Network("10.128.0.0/16")
AT = f"/subscriptions/{S}/resourceGroups/zone/providers"
WORKSPACE = f"{AT}/Microsoft.MachineLearningServices/workspaces/azure-weu"
TAGS = {"owner": "ml-platform", "zone": "azure-weu"}
# Where things that somebody else built are.
THEIRS = f"/subscriptions/{S}/resourceGroups/shared/providers"
THEIR_KEY = f"{THEIRS}/Microsoft.KeyVault/vaults/acme/keys/training"
THEIR_VAULT = f"{THEIRS}/Microsoft.KeyVault/vaults/acme"
THEIR_ACCOUNT = f"{THEIRS}/Microsoft.Storage/storageAccounts/acmetraining"
THEIR_REGISTRY = f"{THEIRS}/Microsoft.ContainerRegistry/registries/acme"
THEIR_LOGS = f"{THEIRS}/Microsoft.OperationalInsights/workspaces/acme"
ASKED: dict[str, Any] = {
    "azure-native:keyvault:getKey": {
        "id": THEIR_KEY,
        "kty": "RSA-HSM",
        "keyUri": "https://acme.vault.azure.net/keys/training",
        "keyUriWithVersion": "https://acme.vault.azure.net/keys/training/0a1b",
    },
    "azure-native:keyvault:getVault": {
        "id": THEIR_VAULT,
        "properties": {
            "enableRbacAuthorization": True,
            "enablePurgeProtection": True,
            "vaultUri": "https://acme.vault.azure.net/",
        },
    },
    "azure-native:storage:getStorageAccount": {
        "id": THEIR_ACCOUNT,
        "name": "acmetraining",
        "location": "westeurope",
        "primaryEndpoints": {"blob": "https://acmetraining.blob.core.windows.net/"},
    },
    "azure-native:storage:getBlobContainer": {"name": "data"},
    "azure-native:containerregistry:getRegistry": {
        "id": THEIR_REGISTRY,
        "loginServer": "acme.azurecr.io",
        "sku": {"name": "Premium"},
    },
    "azure-native:operationalinsights:getWorkspace": {"id": THEIR_LOGS},
}

# Where the name of a resource is among its inputs, and its type; a child's parent comes before it.
_NAMED = {
    "keyvault:Vault": ("Microsoft.KeyVault/vaults", "vaultName"),
    "keyvault:Key": ("Microsoft.KeyVault/vaults/keys", "vaultName", "keyName"),
    "storage:StorageAccount": ("Microsoft.Storage/storageAccounts", "accountName"),
    "storage:BlobContainer": (
        "Microsoft.Storage/storageAccounts/containers",
        "accountName",
        "containerName",
    ),
    "containerregistry:Registry": ("Microsoft.ContainerRegistry/registries", "registryName"),
    "managedidentity:UserAssignedIdentity": (
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "resourceName",
    ),
    "operationalinsights:Workspace": ("Microsoft.OperationalInsights/workspaces", "workspaceName"),
    "applicationinsights:Component": ("Microsoft.Insights/components", "resourceName"),
    "network:VirtualNetwork": ("Microsoft.Network/virtualNetworks", "virtualNetworkName"),
    "network:Subnet": ("Microsoft.Network/virtualNetworks/subnets", "virtualNetworkName", "subnetName"),
    "network:NetworkSecurityGroup": ("Microsoft.Network/networkSecurityGroups", "networkSecurityGroupName"),
    "network:PrivateEndpoint": ("Microsoft.Network/privateEndpoints", "privateEndpointName"),
    "network:NatGateway": ("Microsoft.Network/natGateways", "natGatewayName"),
    "network:PublicIPAddress": ("Microsoft.Network/publicIPAddresses", "publicIpAddressName"),
    "privatedns:PrivateZone": ("Microsoft.Network/privateDnsZones", "privateZoneName"),
}


def made(type: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs that the parts read from each other."""
    kind = type.removeprefix("azure-native:")
    outputs: dict[str, Any] = {}
    if kind in _NAMED:
        (namespace, *types), parts = _NAMED[kind][0].split("/"), _NAMED[kind][1:]
        names = [inputs[part] for part in parts]
        path = "/".join(f"{one}/{name}" for one, name in zip(types, names, strict=True))
        outputs = {"id": f"{AT}/{namespace}/{path}", "name": names[-1]}
    match kind:
        case "managedidentity:UserAssignedIdentity":
            use = inputs["resourceName"].split("-")[2]
            outputs |= {"clientId": f"client-{use}", "principalId": f"principal-{use}"}
        case "keyvault:Vault":
            uri = f"https://{inputs['vaultName']}.vault.azure.net/"
            outputs["properties"] = {**inputs["properties"], "vaultUri": uri}
        case "keyvault:Key":
            uri = f"https://{inputs['vaultName']}.vault.azure.net/keys/{inputs['keyName']}"
            outputs |= {"keyUri": uri, "keyUriWithVersion": f"{uri}/0123"}
        case "storage:StorageAccount":
            blob = f"https://{inputs['accountName']}.blob.core.windows.net/"
            attached: dict[str, Any] = {
                id: {} for id in inputs["identity"]["userAssignedIdentities"]
            }  # a list goes in, a map comes out
            outputs["identity"] = {"type": "UserAssigned", "userAssignedIdentities": attached}
            outputs["primaryEndpoints"] = {"blob": blob}
        case "containerregistry:Registry":
            outputs["loginServer"] = f"{inputs['registryName']}.azurecr.io"
        case "network:PublicIPAddress":
            outputs["ipAddress"] = "203.0.113.7"
    return outputs


# Every part of a zone switched on.
EVERYTHING: dict[str, Any] = {
    "nat": True,
    "internet": True,
    "jobs": True,
    "image_push": True,
    "retention_days": 2_192,
    "subjects": ("repo:acme/train:ref:refs/heads/main", "repo:acme/train:environment:prod"),
}


@dataclass(frozen=True)
class Choices:
    """What a zone chooses of its parts; the default is a durable, private zone without a way out."""

    place: Place = PLACE
    generation: str = "9f8e7d6c"
    private: bool = True
    retention_days: int = 90
    subjects: tuple[str, ...] = ()
    submitters: tuple[Submitter, ...] = (("Group", "33333333-2222-4333-8444-555555555555"),)
    image_push: bool = False
    managed: bool = True
    jobs: bool = False
    nat: bool = False
    internet: bool = False
    dns_zones: tuple[tuple[str, str], ...] = ()
    existing_key: str | None = None
    existing_vault: str | None = None
    existing_account: str | None = None
    existing_containers: tuple[tuple[str, str | None], ...] = ()
    existing_registry: str | None = None
    existing_logs: str | None = None


def zone(asked: dict[str, Any] | None = None, **choices: Any) -> Record:
    """Declare every part of a zone, wired as a landing wires them; `asked` are other answers to lookups."""
    chosen = replace(Choices(), **choices)
    return record(lambda: _declare(chosen), made, ASKED | asked) if asked else _zone(chosen)


@functools.cache
def _zone(chosen: Choices) -> Record:
    """Declared once for all tests that choose the same: a record is only read."""
    return record(lambda: _declare(chosen), made, ASKED)


def _declare(chosen: Choices) -> None:
    pinned = azure.Provider("azure-weu", subscription_id=S)
    signed_in = Deployer(TENANT, "77777777-2222-4333-8444-555555555555", "User", "")
    site = Site(chosen.place, pinned, "launchway:zones[0]", TAGS, signed_in)
    told = pulumi.Output.from_input
    group = Group(told("zone"), told(AT.rpartition("/")[0]), told(chosen.generation))
    federation = Federation(issuer="token.example.com", subjects=chosen.subjects) if chosen.subjects else None
    identity = Identity(site.name("identity"), IdentityArgs(site, group, federation))
    audit = Audit(
        site.name("audit"),
        AuditArgs(site, group, chosen.retention_days, chosen.private, chosen.existing_logs),
    )
    keys = Keys(
        site.name("keys"),
        KeysArgs(
            site,
            group,
            identity.encryption,
            identity.workspace,
            chosen.private,
            told("principal-cosmos"),
            chosen.existing_vault,
            data=chosen.existing_key,
        ),
    )
    held = Storage(
        site.name("storage"),
        StorageArgs(
            site,
            group,
            keys.data,
            identity.encryption,
            chosen.private,
            chosen.retention_days,
            chosen.existing_account,
            dict(chosen.existing_containers),
        ),
    )
    images = Registry(
        site.name("registry"),
        RegistryArgs(site, group, keys.registry, identity.encryption, chosen.private, chosen.existing_registry),
    )
    archive = None
    if chosen.retention_days > LONGEST_DAYS:
        kept = ArchiveArgs(site, group, keys.logs, identity.encryption, chosen.private, chosen.retention_days)
        archive = Archive(site.name("audit", "archive"), kept)
    endpoints, of_network = _inside(chosen, site, group, keys, held, images)
    when = {"managedNetwork": chosen.managed, "private": chosen.private, "imagePush": chosen.image_push}
    on = frozenset(setting for setting, here in when.items() if here)
    Roles(
        site.name("roles"),
        RolesArgs(
            site,
            group,
            identity,
            held.account,
            {"data": held.data, "output": held.output, "checkpoints": held.checkpoints},
            keys.vault,
            images.id,
            audit.insights,
            endpoints,
            chosen.submitters,
            on,
        ),
    )
    of_workspace = WorkspaceRolesArgs(site, identity, told(WORKSPACE), chosen.submitters, on)
    WorkspaceRoles(site.name("roles", "workspace"), of_workspace)
    targets = {
        **audit.watched,
        **keys.watched,
        **held.watched,
        **images.watched,
        **of_network,
        **(archive.watched if archive else {}),
        "workspace": Watched("Microsoft.MachineLearningServices/workspaces", WORKSPACE),
        "activity": Watched(SUBSCRIPTION, chosen.place.scope),
    }
    records = DiagnosticsArgs(site, audit.log_analytics, targets, archive.account if archive else None)
    Diagnostics(site.name("diagnostics"), records)


def _inside(
    chosen: Choices, site: Site, group: Group, keys: Keys, held: Storage, images: Registry
) -> tuple[dict[str, pulumi.Output[str]], dict[str, Watched]]:
    """The network with its endpoints: those of the storage account, and what there records."""
    if not chosen.private:
        return {}, {}
    network = Network(
        site.name("network"),
        NetworkArgs(site, group, CIDR, nat=chosen.nat, internet=chosen.internet, jobs=chosen.jobs),
    )
    targets = {
        "blob": held.account,
        "file": held.account,
        "vault": keys.vault,
        "registry": images.id,
        "amlworkspace": pulumi.Output.from_input(WORKSPACE),
    }
    made = Endpoints(
        site.name("endpoints"),
        EndpointsArgs(site, group, network.endpoints_subnet, network.vnet, targets, dict(chosen.dns_zones)),
    )
    return {use: made.ids[use] for use in ("blob", "file")}, dict(network.watched)
