"""A zone in which everything is somebody else's: used as it is, never changed, never removed."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud import Cloud
from localcloud.place import TENANT
from tests.engine.census import census
from tests.engine.clients import SUBSCRIBED, azure
from tests.engine.ground import Ground, zones
from tests.engine.project import Outcome, stack_settings

pytestmark = pytest.mark.engine

REGION = "westeurope"
GROUP = f"{SUBSCRIBED}/resourceGroups/theirs"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/theirs"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/theirs"
REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/theirs"
LOGS = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/theirs"
INSIGHTS = f"{GROUP}/providers/Microsoft.Insights/components/theirs"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/theirs"
VNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/theirs"
USES = ("data", "output", "checkpoints")
NAMESPACES = (
    *("Compute", "ContainerRegistry", "Insights", "KeyVault", "MachineLearningServices", "ManagedIdentity"),
    *("DocumentDB", "Network", "Notebooks", "OperationalInsights", "Search", "Storage"),
)

# Kinds of which an adopting zone builds none: they are the owner's.
ADOPTED = {
    "azure-native:containerregistry:Registry",
    "azure-native:keyvault:Key",
    "azure-native:keyvault:Vault",
    "azure-native:machinelearningservices:Workspace",
    "azure-native:network:Subnet",
    "azure-native:network:VirtualNetwork",
    "azure-native:operationalinsights:Workspace",
    "azure-native:storage:BlobContainer",
    "azure-native:storage:StorageAccount",
}


def _made(cloud: Cloud) -> None:
    """What somebody else has: a resource group with everything that a zone can adopt."""
    for namespace in NAMESPACES:
        named = f"{SUBSCRIBED}/providers/Microsoft.{namespace}"
        azure(cloud, f"{named}/register", method="POST")
        azure(cloud, named)
    near = {"location": REGION}
    azure(cloud, GROUP, body=near)
    account = {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}}
    azure(cloud, STORAGE, body={**near, **account})
    for use in USES:
        azure(cloud, f"{STORAGE}/blobServices/default/containers/theirs-{use}", body={"properties": {}})
    vault = {
        "tenantId": TENANT,
        "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": True,
        "enablePurgeProtection": True,
    }
    azure(cloud, VAULT, body={**near, "properties": vault})
    for use in ("data", "registry", "logs"):
        azure(cloud, f"{VAULT}/keys/{use}", body={"properties": {"kty": "RSA", "keySize": 3072}})
    azure(cloud, REGISTRY, body={**near, "sku": {"name": "Premium"}, "properties": {}})
    azure(cloud, LOGS, body={**near, "properties": {"sku": {"name": "PerGB2018"}}})
    insights = {"Application_Type": "web", "WorkspaceResourceId": LOGS}
    azure(cloud, INSIGHTS, body={**near, "kind": "web", "properties": insights})
    parts = {
        "storageAccount": STORAGE,
        "keyVault": VAULT,
        "containerRegistry": REGISTRY,
        "applicationInsights": INSIGHTS,
    }
    system = {"type": "SystemAssigned"}
    azure(cloud, WORKSPACE, body={**near, "identity": system, "properties": parts})
    azure(cloud, VNET, body={**near, "properties": {"addressSpace": {"addressPrefixes": ["10.80.0.0/16"]}}})
    for number, use in enumerate(("endpoints", "jobs")):
        subnet = {"properties": {"addressPrefix": f"10.80.{number}.0/24"}}
        azure(cloud, f"{VNET}/subnets/{use}", body=subnet)


def _network(vnet: str = VNET, **changes: Any) -> dict[str, Any]:
    there = {
        "mode": "existing",
        "vnet": vnet,
        "endpointsSubnet": f"{vnet}/subnets/endpoints",
        "jobsSubnet": f"{vnet}/subnets/jobs",
    }
    return {**there, **changes}


def _documents(cloud: Cloud) -> dict[str, Any]:
    """What was set on each of their things."""
    found = {id: azure(cloud, id) for id in (STORAGE, VAULT, REGISTRY, LOGS, WORKSPACE)}
    found |= {f"{VAULT}/keys/{use}": azure(cloud, f"{VAULT}/keys/{use}") for use in ("data", "registry", "logs")}
    for document in found.values():
        document["properties"].pop("privateEndpointConnections", None)  # who asks for one is told there
    return found


def test_a_zone_of_existing_things_changes_none_of_them_and_leaves_them_behind(own: Ground) -> None:
    (zone,) = stack_settings("local", "azure")["launchway:zones"]
    _made(own.cloud)
    adopting = {
        **zone,
        "accountScope": "existing",
        "audit": "existing",
        "existing": {
            "storage": STORAGE,
            "buckets": {use: f"theirs-{use}" for use in USES},
            "vault": VAULT,
            "keys": {use: f"{VAULT}/keys/{use}" for use in ("data", "registry", "logs")},
            "registry": REGISTRY,
            "workspace": WORKSPACE,
            "logAnalytics": LOGS,
        },
        "network": _network(),
    }
    theirs, set_on_them = census(own.cloud, "azure", REGION), _documents(own.cloud)
    project = own.project("adopted", {**stack_settings("local", "azure"), "launchway:zones": [adopting]})
    up = project.up()
    assert {kind for kind, _ in up.steps} & ADOPTED == set()
    assert _documents(own.cloud) == set_on_them
    assert project.preview("--expect-no-changes").changes == {}
    assert project.refresh("--expect-no-changes").changes == {}

    (found,) = zones(project).values()
    assert {use: getattr(found.buckets, use).name for use in USES} == adopting["existing"]["buckets"]
    assert found.keys.data == "https://theirs.vault.azure.net/keys/data"
    assert found.secrets.store == "https://theirs.vault.azure.net"
    assert (found.registry.id, found.registry.url) == (REGISTRY, "theirs.azurecr.io")
    assert (found.resource_group, found.workspace) == ("theirs", "theirs")
    assert (found.network.mode, found.network.ids.vnet) == ("existing", VNET)
    assert found.network.ids.subnets == (f"{VNET}/subnets/jobs",)

    project.destroy()
    assert census(own.cloud, "azure", REGION) == theirs
    assert _documents(own.cloud) == set_on_them


GONE = "nobodymadethis"


def _gone(id: str) -> str:
    return f"{id.rpartition('/')[0]}/{GONE}"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("existing.storage", {"existing": {"storage": _gone(STORAGE)}}),
        ("existing.buckets.data", {"existing": {"storage": STORAGE, "buckets": {"data": GONE}}}),
        ("existing.vault", {"existing": {"vault": _gone(VAULT)}}),
        ("existing.keys.data", {"existing": {"keys": {"data": f"{VAULT}/keys/{GONE}"}}}),
        ("existing.registry", {"existing": {"registry": _gone(REGISTRY)}}),
        ("existing.logAnalytics", {"existing": {"logAnalytics": _gone(LOGS)}}),
        ("existing.workspace", {"existing": {"workspace": _gone(WORKSPACE)}, "network": _network()}),
        ("network.vnet", {"network": _network(_gone(VNET))}),
        ("network.endpointsSubnet", {"network": _network(endpointsSubnet=f"{VNET}/subnets/{GONE}")}),
        ("network.jobsSubnet", {"network": _network(jobsSubnet=f"{VNET}/subnets/{GONE}")}),
    ],
)
def test_an_adopted_thing_that_is_not_there_is_told_in_one_line_with_its_setting_before_anything_is_made(
    theirs: Ground, path: str, wanted: dict[str, Any]
) -> None:
    outcome = _preview(theirs, wanted)
    assert "Traceback" not in outcome.output
    (line,) = [line for line in outcome.message.splitlines() if GONE in line]
    assert line.startswith(f"launchway:zones[0].{path}: ")
    assert line.endswith("; correct the setting or remove it")


def test_a_storage_account_in_another_region_is_refused_with_its_setting(theirs: Ground) -> None:
    elsewhere = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/elsewhere"
    account = {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}, "location": "eastus"}
    azure(theirs.cloud, elsewhere, body=account)
    outcome = _preview(theirs, {"existing": {"storage": elsewhere}})
    (line,) = [line for line in outcome.message.splitlines() if "eastus" in line]
    assert line.startswith("launchway:zones[0].existing.storage: ")


def test_a_vault_with_access_policies_is_refused_with_its_setting(theirs: Ground) -> None:
    policies = f"{GROUP}/providers/Microsoft.KeyVault/vaults/policies"
    properties = {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"}, "accessPolicies": []}
    azure(theirs.cloud, policies, body={"location": REGION, "properties": properties})
    outcome = _preview(theirs, {"existing": {"vault": policies}})
    (line,) = [line for line in outcome.message.splitlines() if "access policies" in line]
    assert line.startswith("launchway:zones[0].existing.vault: ")


def test_a_network_that_resolves_a_name_already_takes_the_zone_that_is_there(own: Ground) -> None:
    (zone,) = stack_settings("local", "azure")["launchway:zones"]
    _made(own.cloud)
    name = "privatelink.azurecr.io"
    central = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/{name}"
    azure(own.cloud, central, body={"location": "global"})
    link = {"virtualNetwork": {"id": VNET}, "registrationEnabled": False}
    azure(own.cloud, f"{central}/virtualNetworkLinks/hub", body={"location": "global", "properties": link})

    def adopting(**network: Any) -> dict[str, Any]:
        return {**stack_settings("local", "azure"), "launchway:zones": [{**zone, "network": _network(**network)}]}

    project = own.project("hub", adopting())
    refused = project.up(check=False)
    assert refused.code != 0
    assert "overlapping namespaces" in refused.message
    assert "launchway:zones[0].network.dnsZones" in refused.output
    project.configure(adopting(dnsZones={name: central}))
    assert project.up().code == 0


@pytest.fixture(scope="module")
def theirs(shared: Ground) -> Ground:
    """The cloud with what somebody else has."""
    _made(shared.cloud)
    return shared


def _preview(ground: Ground, wanted: dict[str, Any]) -> Outcome:
    """A preview of a zone that adopts what is wanted, which must fail and make nothing."""
    (zone,) = stack_settings("local", "azure")["launchway:zones"]
    before = census(ground.cloud, "azure", REGION)
    settings = {**stack_settings("local", "azure"), "launchway:zones": [{**zone, **wanted}]}
    outcome = ground.project("adopted", settings).preview(check=False)
    assert outcome.code != 0
    assert census(ground.cloud, "azure", REGION) == before
    return outcome
