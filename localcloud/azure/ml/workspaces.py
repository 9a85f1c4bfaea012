"""Workspaces, clusters, datastores and outbound rules: what they need, and what the service adds to them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from localcloud.azure import clouds
from localcloud.azure.arm import keyvault
from localcloud.azure.arm.containerregistry import REGISTRIES
from localcloud.azure.arm.kinds import Put
from localcloud.azure.arm.managed import carried
from localcloud.azure.arm.monitor import COMPONENTS
from localcloud.azure.arm.storage import ACCOUNTS, add_container, container
from localcloud.azure.arm.store import Resource, Resources, written
from localcloud.azure.errors import bad, conflict, missing
from localcloud.azure.ml import encryption, machines
from localcloud.azure.plane import Request
from localcloud.azure.state import SUBSCRIPTION, TENANT, State
from localcloud.place import AZURE

WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
COMPUTES = f"{WORKSPACES}/computes"
DATASTORES = f"{WORKSPACES}/datastores"
RULES = f"{WORKSPACES}/outboundRules"
KEPT = 14 * 86_400.0
"""Seconds that a deleted workspace can be recovered, and its name is taken."""

_NEEDS = {
    "storageAccount": ACCOUNTS,
    "keyVault": keyvault.VAULTS,
    "applicationInsights": COMPONENTS,
    "containerRegistry": REGISTRIES,
}
# What a workspace names its own containers and datastores. Source:
# learn.microsoft.com/azure/machine-learning/concept-data (default datastores).
_OWN = {"workspaceblobstore": "azureml-blobstore-{id}", "workspaceartifactstore": "azureml"}


@dataclass
class DeletedWorkspaces:
    """When workspaces were deleted, by id in lower case."""

    state: State
    by_key: dict[str, float] = field(default_factory=dict)

    def holds(self, key: str) -> bool:
        gone = self.by_key.get(key)
        return gone is not None and self.state.clock() - gone < KEPT


def workspace_of(state: State, id: str) -> Resource:
    """The workspace that an id is in. Raises AzureError."""
    words = id.split("/")
    at = [word.lower() for word in words].index("workspaces")
    return state.store(Resources).get("/".join(words[: at + 2]), WORKSPACES)


def check_workspace(put: Put) -> None:
    """What a workspace is made of has to be there."""
    if put.old is None and put.state.store(DeletedWorkspaces).holds(put.target.key):
        raise conflict(
            "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete", "Conflict"
        )
    properties = put.body.setdefault("properties", {})
    for name, kind in _NEEDS.items():
        id = properties.get(name)
        if id is None and name in ("storageAccount", "keyVault") and properties.get("hubResourceId") is None:
            raise _invalid(f"Missing dependent resources in workspace json: {name}")
        if id is not None and getattr(put.state.store(Resources).find(id), "kind", "") != kind:
            raise _invalid(f"The {name} {id} is not found.")
    users = [id.lower() for id in carried(put.body)]
    primary = properties.get("primaryUserAssignedIdentity")
    if primary and primary.lower() not in users:
        raise _invalid("The primary user-assigned identity is not among the identities of the workspace.")
    if len(users) > 1 and not primary:
        raise _invalid(
            "PrimaryUserAssignedIdentity has to be set when there are several user-assigned identities."
        )
    encryption.require(put)
    _require_network_stays(put, properties)


def _require_network_stays(put: Put, properties: dict[str, Any]) -> None:
    """A managed network can be made stricter, and never be given up."""
    new = (properties.get("managedNetwork") or {}).get("isolationMode", "Disabled")
    old = ((put.old.properties if put.old else {}).get("managedNetwork") or {}).get("isolationMode", "Disabled")
    if old != "Disabled" and new not in (old, "AllowOnlyApprovedOutbound"):
        raise _invalid(f"Changing the managed network isolation mode from {old} to {new} is not allowed.")


def _invalid(message: str) -> Exception:
    return bad(message, "ValidationError")


def made_workspace(state: State, resource: Resource) -> None:
    """Its own id and addresses; a container and a datastore for what the service keeps."""
    own: str = resource.kept.setdefault("id", str(uuid.uuid4()))
    region, properties = resource.location, resource.properties
    properties.setdefault("friendlyName", resource.name)
    properties |= {
        "workspaceId": own,
        "discoveryUrl": f"{state.url}{AZURE}/ml/{region}/discovery",
        "mlFlowTrackingUri": f"azureml://{region}.{clouds.of(region).tracking}/mlflow/v1.0{resource.id}",
        "provisioningState": "Succeeded",
        "storageHnsEnabled": False,
        "tenantId": TENANT,
    }
    network = properties.setdefault("managedNetwork", {"isolationMode": "Disabled"})
    if network.get("isolationMode") != "Disabled":
        provisioned = properties.get("provisionNetworkNow") or (network.get("status") or {}).get("status")
        network["status"] = {"status": "Active" if provisioned else "Inactive", "sparkReady": False}
    account = properties.get("storageAccount")
    if account and (of := state.store(Resources).find(account)) is not None:
        for name, pattern in _OWN.items():
            _own_store(state, resource, of, name, pattern.format(id=own))


def _own_store(state: State, workspace: Resource, account: Resource, name: str, place: str) -> None:
    if container(state, account.name, place) is None:
        add_container(state, account, place)
    id = f"{workspace.id}/datastores/{name}"
    if state.store(Resources).find(id) is None:
        properties = {
            "datastoreType": "AzureBlob",
            "accountName": account.name,
            "containerName": place,
            "credentials": {"credentialsType": "None"},
            "endpoint": clouds.of(account.location).storage,
            "protocol": "https",
            "isDefault": name == "workspaceblobstore",
            "serviceDataAccessAuthIdentity": "None",
            "subscriptionId": SUBSCRIPTION,
            "resourceGroup": account.id.split("/")[4],
        }
        state.store(Resources).add(id, DATASTORES, name, {"properties": properties})


def leave_workspace(state: State, resource: Resource) -> None:
    """A deleted workspace can be recovered, so its name stays taken."""
    state.store(DeletedWorkspaces).by_key[resource.id.lower()] = state.clock()


def removed_workspace(state: State, request: Request, resource: Resource) -> None:
    """`forceToPurge=true` leaves nothing to recover."""
    if request.query.get("forceToPurge", "").lower() == "true":
        state.store(DeletedWorkspaces).by_key.pop(resource.id.lower(), None)


def check_compute(put: Put) -> None:
    """Clusters have a VM size, room for their nodes and at most one sort of identity."""
    wanted = put.body.get("properties") or {}
    if wanted.get("computeType") != "AmlCompute":
        raise bad(f"localcloud has no compute of type {wanted.get('computeType')}.", "NotImplemented")
    inner = wanted.get("properties") or {}
    if not inner.get("vmSize"):
        raise _invalid("The VM size of the compute is required.")
    machines.require(inner["vmSize"])
    # LowPriority passes still, and has Spot VMs since 2026-03-31 (MicrosoftDocs/azure-ai-docs#806).
    if inner.get("vmPriority", "Dedicated") not in ("Dedicated", "LowPriority"):
        raise _invalid(f"VM priority {inner['vmPriority']} is not one of Dedicated, LowPriority.")
    scale = inner.get("scaleSettings") or {}
    if int(scale.get("minNodeCount", 0)) > int(scale.get("maxNodeCount", 0)):
        raise _invalid("MinNodeCount cannot be greater than MaxNodeCount.")
    old = (put.old.properties.get("properties") or {}) if put.old else {}
    for name in ("vmSize", "vmPriority", "enableNodePublicIp", "subnet"):
        if put.old is not None and old.get(name) != inner.get(name):
            raise bad(f"Compute property {name} cannot be changed after its creation.", "InvalidPropertyChange")


def made_compute(state: State, resource: Resource) -> None:
    """What a cluster says of itself: all its nodes are there when a job wants them."""
    properties = resource.properties
    properties |= {
        "computeLocation": properties.get("computeLocation") or resource.location,
        "provisioningState": "Succeeded",
        "createdOn": written(resource.created),
        "modifiedOn": written(resource.changed),
        "isAttachedCompute": False,
        "provisioningErrors": None,
    }
    properties.setdefault("properties", {}).update(
        {
            "allocationState": "Steady",
            "currentNodeCount": 0,
            "targetNodeCount": 0,
            "nodeStateCounts": {"idleNodeCount": 0, "runningNodeCount": 0, "preparingNodeCount": 0},
        }
    )


def check_datastore(put: Put) -> None:
    """An account and a container that are there, unless the caller asked not to look."""
    wanted = put.body["properties"]
    if wanted.get("datastoreType") != "AzureBlob":
        raise bad(f"localcloud has no datastore of type {wanted.get('datastoreType')}.", "NotImplemented")
    if put.request.query.get("skipValidation", "").lower() == "true":
        return
    account, name = str(wanted.get("accountName")), str(wanted.get("containerName"))
    if container(put.state, account, name) is None:
        raise missing(f"{account}/{name}")


def made_datastore(state: State, resource: Resource) -> None:
    resource.properties.setdefault("isDefault", False)


def check_rule(put: Put) -> None:
    """Rules by name are for networks that let out only what is approved."""
    network = workspace_of(put.state, put.target.id).properties.get("managedNetwork") or {}
    mode = network.get("isolationMode", "Disabled")
    if mode == "Disabled" or (put.body["properties"]["type"] == "FQDN" and mode != "AllowOnlyApprovedOutbound"):
        raise _invalid(
            f"Outbound rules of type {put.body['properties']['type']} cannot be set with isolation mode {mode}."
        )


def made_rule(state: State, resource: Resource) -> None:
    resource.properties["status"] = "Active"
