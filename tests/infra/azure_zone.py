"""Whole zones on Azure, declared without an engine: what a stack registers, and what it tells the dispatcher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pulumi

from dispatcher import contract
from infra import config
from infra.azure.rest import Answer, Rest
from infra.settings import Environment
from infra.zone import Zone, ZoneArgs, accounts
from tests.infra import azure_parts
from tests.infra.recorded import Record, record
from tests.infra.stacks import SUBSCRIPTION, azure_zone, stack

TENANT, DEPLOYER = "99999999-2222-4333-8444-555555555555", "77777777-2222-4333-8444-555555555555"
THEIRS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers"
THEIR_WORKSPACE = f"{THEIRS}/Microsoft.MachineLearningServices/workspaces/acme"
THEIR_NETWORK = f"{THEIRS}/Microsoft.Network/virtualNetworks/hub"
ASKED: dict[str, Any] = {
    "azure-native:authorization:getClientConfig": {
        "clientId": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "objectId": DEPLOYER,
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT,
    },
    "azure-native:authorization:getClientToken": {"token": "a-token"},
    "azure-native:machinelearningservices:getWorkspace": {
        "id": THEIR_WORKSPACE,
        "name": "acme",
        "location": "West Europe",
    },
    "azure-native:network:getVirtualNetwork": {"id": THEIR_NETWORK, "location": "westeurope"},
    "azure-native:network:getSubnet": {"id": f"{THEIR_NETWORK}/subnets/ml"},
}


class Subscription:
    """Stands where Azure is asked over REST: which resource providers are registered, who Cosmos DB is.

    `directory` is what the directory answers instead.
    """

    def __init__(self, registered: bool = True, refuses: bool = False, directory: Answer | None = None) -> None:
        self.registered, self.refuses, self.directory = registered, refuses, directory
        self.asked: list[tuple[str, str]] = []

    def ask(self, rest: Rest, path: str, version: str, verb: str = "GET", **query: str) -> Answer:
        """Answer as Rest.ask does; a registration is there with the next question."""
        if path == "/v1.0/servicePrincipals":  # of the directory, not of a subscription
            return self._directory(rest, query["$filter"])
        self.asked.append((verb, path))
        if verb == "POST" and self.refuses:
            return Answer(403, {"error": {"code": "AuthorizationFailed", "message": "the client may not"}})
        if verb == "POST":
            self.registered = True
        return Answer(200, {"registrationState": "Registered" if self.registered else "NotRegistered"})

    def _directory(self, rest: Rest, wanted: str) -> Answer:
        application = wanted.removeprefix("appId eq '").rstrip("'")
        return self.directory or Answer(
            200, {"value": [{"id": f"{urlsplit(rest.endpoint).netloc}/{application}"}]}
        )


def made(type: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs that a zone's parts read from each other."""
    match type.removeprefix("azure-native:"):
        case "resources:ResourceGroup":
            return {"name": "zone", "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/zone"}
        case "machinelearningservices:Workspace":
            name = inputs["workspaceName"]
            attached: dict[str, Any] = {id: {} for id in inputs["identity"]["userAssignedIdentities"]}
            identity = {**inputs["identity"], "userAssignedIdentities": attached}
            at = f"{azure_parts.AT}/Microsoft.MachineLearningServices/workspaces"
            return {"id": f"{at}/{name}", "name": name, "identity": identity}
        case "machinelearningservices:Compute":
            attached = {id: {} for id in inputs["identity"]["userAssignedIdentities"]}
            return {"identity": {**inputs["identity"], "userAssignedIdentities": attached}}
    return azure_parts.made(type, inputs)


def build(
    *zones: dict[str, Any],
    answers: Mapping[str, Any] | None = None,
    subscription: Subscription | None = None,
    **more: Any,
) -> tuple[Record, dict[str, contract.AzureZone]]:
    """Declare a stack of these zones (one, when none is given): what was registered, and what it tells."""
    environment: Environment = config.read(stack(*(zones or (azure_zone(),)), **more), "eu")
    told: dict[str, contract.AzureZone] = {}

    def program() -> pulumi.Output[None]:
        shared = accounts(environment)
        parts = {
            one.name: Zone(one.name, ZoneArgs(environment, one, shared[one.cloud, one.account])).contract
            for one in environment.zones
        }
        return pulumi.Output.all(**parts).apply(lambda found: told.update(found))

    cloud = subscription or Subscription()
    with mock.patch.object(Rest, "ask", lambda rest, *args, **query: cloud.ask(rest, *args, **query)):
        return record(program, made, {**azure_parts.ASKED, **ASKED, **(answers or {})}), told
