"""One zone as seen from outside: its contract, and what Azure Resource Manager answers about what is there."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dispatcher.contract import AzureZone
from localcloud import Cloud
from tests.engine.clients import azure, azure_listed

Thing = Mapping[str, Any]

# Built-in roles that a zone may use, and those that nobody of a zone may hold anywhere
# (learn.microsoft.com/azure/role-based-access-control/built-in-roles).
BUILT_IN = {
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
    "b556d68e-0be0-4f35-a333-ad7ee1ce17ea": "Azure AI Enterprise Network Connection Approver",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
    "e147488a-f6f5-4113-8e2d-b22465e65bf6": "Key Vault Crypto Service Encryption User",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
}


@dataclass(frozen=True)
class Held:
    """A role held on `scope` (a resource id): its name, its actions when it is our own, its condition."""

    scope: str
    role: str
    actions: tuple[str, ...]
    condition: str


@dataclass(frozen=True)
class View:
    """A zone of a stack that is up on `cloud`, in whose subscription nothing else of a user lives."""

    cloud: Cloud
    zone: AzureZone

    @property
    def subscription(self) -> str:
        """`/subscriptions/<id>`."""
        return f"/subscriptions/{self.zone.subscription}"

    @property
    def private(self) -> bool:
        """Whether everything of the zone is reached by private endpoints only."""
        return self.zone.network.mode != "public"

    def get(self, id: str, **query: str) -> Thing:
        """One answer of Resource Manager."""
        return azure(self.cloud, id, query)

    def every(self, id: str, **query: str) -> list[Thing]:
        """Everything that a list holds."""
        return azure_listed(self.cloud, id, query)

    @functools.cached_property
    def resources(self) -> list[Thing]:
        """Every resource of the subscription, with no more than what every type has."""
        return self.every(f"{self.subscription}/resources")

    @functools.cached_property
    def _whole(self) -> Mapping[str, list[Thing]]:
        found: dict[str, list[Thing]] = {}
        for one in self.resources:
            found.setdefault(one["type"].lower(), []).append(self.get(one["id"]))
        return found

    def of(self, kind: str) -> list[Thing]:
        """Every resource of a type, whole."""
        return self._whole.get(kind.lower(), [])

    @property
    def accounts(self) -> list[Thing]:
        """Every storage account."""
        return self.of("Microsoft.Storage/storageAccounts")

    @functools.cached_property
    def containers(self) -> list[Thing]:
        """Every container of every storage account."""
        return [
            one
            for account in self.accounts
            for one in self.every(f"{account['id']}/blobServices/default/containers")
        ]

    @property
    def vaults(self) -> list[Thing]:
        """Every key vault."""
        return self.of("Microsoft.KeyVault/vaults")

    @functools.cached_property
    def keys(self) -> list[Thing]:
        """Every key of every vault."""
        listed = [one for vault in self.vaults for one in self.every(f"{vault['id']}/keys")]
        return [self.get(one["id"]) for one in listed]

    @functools.cached_property
    def registry(self) -> Thing:
        """The registry of the contract."""
        return self.get(self.zone.registry.id)

    @functools.cached_property
    def workspace(self) -> Thing:
        """The Azure ML workspace of the contract."""
        group = f"{self.subscription}/resourceGroups/{self.zone.resource_group}"
        return self.get(f"{group}/providers/Microsoft.MachineLearningServices/workspaces/{self.zone.workspace}")

    @functools.cached_property
    def clusters(self) -> list[Thing]:
        """Every cluster of the workspace."""
        return self.every(f"{self.workspace['id']}/computes")

    @property
    def logs(self) -> list[Thing]:
        """Every Log Analytics workspace."""
        return self.of("Microsoft.OperationalInsights/workspaces")

    @property
    def insights(self) -> list[Thing]:
        """Every Application Insights."""
        return self.of("Microsoft.Insights/components")

    def settings(self, id: str) -> list[Thing]:
        """The diagnostic settings of a resource, or of the subscription."""
        return self.every(f"{id}/providers/Microsoft.Insights/diagnosticSettings")

    @functools.cached_property
    def subnets(self) -> list[Thing]:
        """Every subnet of every virtual network."""
        networks = self.of("Microsoft.Network/virtualNetworks")
        return [one for network in networks for one in network["properties"].get("subnets", [])]

    @property
    def guards(self) -> list[Thing]:
        """Every network security group."""
        return self.of("Microsoft.Network/networkSecurityGroups")

    @functools.cached_property
    def identities(self) -> Mapping[str, str]:
        """The object id of every managed identity by its resource id, in lower case."""
        found = self.of("Microsoft.ManagedIdentity/userAssignedIdentities")
        return {one["id"].lower(): one["properties"]["principalId"] for one in found}

    @property
    def execution(self) -> str:
        """The object id of what jobs run as."""
        return self.identities[self.zone.identities.execution.lower()]

    @property
    def agent(self) -> str:
        """The object id of the agent."""
        return self.identities[self.zone.identities.agent.lower()]

    @functools.cached_property
    def assignments(self) -> list[Thing]:
        """Every role assignment in the subscription."""
        return self.every(f"{self.subscription}/providers/Microsoft.Authorization/roleAssignments")

    @functools.cached_property
    def own_roles(self) -> Mapping[str, Thing]:
        """Roles that somebody made, by their own id."""
        found = self.every(f"{self.subscription}/providers/Microsoft.Authorization/roleDefinitions")
        return {one["name"].lower(): one for one in found if one["properties"].get("type") != "BuiltInRole"}

    def held(self, principal: str = "") -> Iterator[Held]:
        """What an object id, or everybody, holds anywhere in the subscription."""
        for one in self.assignments:
            properties = one["properties"]
            if principal in ("", properties["principalId"]):
                id = properties["roleDefinitionId"].rpartition("/")[2].lower()
                own = self.own_roles.get(id)
                parts = own["properties"]["permissions"] if own else []
                actions = tuple(
                    action for part in parts for action in [*part.get("actions", []), *part.get("dataActions", [])]
                )
                role = own["properties"]["roleName"] if own else BUILT_IN.get(id, id)
                yield Held(properties["scope"], role, actions, properties.get("condition") or "")

    def on(self, principal: str, scope: str) -> set[str]:
        """What a principal holds on a resource or around it: actions of our own roles, names of built-in ones."""
        at = f"{scope.lower()}/"
        return {
            word
            for held in self.held(principal)
            if at.startswith(f"{held.scope.lower()}/")
            for word in (held.actions or (held.role,))
        }
