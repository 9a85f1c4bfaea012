"""Workspaces of Azure ML with their clusters, datastores and environments: what each does of its own."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.azure.directory import principal
from localcloud.place import SUBSCRIPTION
from tests.localcloud.azure.inside import (
    ACCOUNT,
    BODIES,
    HERE,
    IDENTITY,
    SUBSCRIPTION_ID,
    VAULT,
    WORKSPACE,
    Json,
    Local,
)

DAY = 86_400
USES_KEYS = "e147488a-f6f5-4113-8e2d-b22465e65bf6"


def keyed(key: str, service_side: bool = False, **changes: str) -> Json:
    """The body of the workspace with a key of ours."""
    named = {"keyIdentifier": key, "keyVaultArmId": VAULT, **changes}
    encryption = {"status": "Enabled", "keyVaultProperties": named}
    more = {"encryption": encryption, "enableServiceSideCMKEncryption": service_side}
    return BODIES[WORKSPACE] | {"properties": BODIES[WORKSPACE]["properties"] | more}


class TestWorkspaces:
    def test_a_workspace_has_an_id_addresses_and_stores_of_its_own(self, rich: Local) -> None:
        made = rich.got(WORKSPACE)["properties"]
        assert made["discoveryUrl"].endswith("/ml/westeurope/discovery")
        stores = rich.got(f"{WORKSPACE}/datastores")["value"]
        kept = {one["name"]: one["properties"] for one in stores}
        assert kept["workspaceblobstore"]["containerName"] == f"azureml-blobstore-{made['workspaceId']}"
        assert (kept["workspaceblobstore"]["isDefault"], kept["workspaceartifactstore"]["isDefault"]) == (
            True,
            False,
        )
        assert {one["subscriptionId"] for one in kept.values()} == {SUBSCRIPTION}

    @pytest.mark.parametrize("name", ["storageAccount", "keyVault", "applicationInsights", "containerRegistry"])
    def test_what_it_is_made_of_has_to_be_there(self, rich: Local, name: str) -> None:
        body = BODIES[WORKSPACE] | {"properties": BODIES[WORKSPACE]["properties"] | {name: f"{ACCOUNT}x"}}
        refusal = rich.refused("PUT", f"{WORKSPACE}2", body)
        assert (refusal["code"], name in refusal["message"]) == ("ValidationError", True)

    def test_of_several_identities_one_is_the_primary_one(self, rich: Local) -> None:
        rich.made(f"{IDENTITY}2", HERE)
        users = {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}, f"{IDENTITY}2": {}}}
        body = BODIES[WORKSPACE] | {"identity": users}
        assert "has to be set" in rich.refused("PUT", WORKSPACE, body)["message"]
        primary = {"properties": body["properties"] | {"primaryUserAssignedIdentity": f"{IDENTITY}3"}}
        assert "not among" in rich.refused("PUT", WORKSPACE, body | primary)["message"]

    def test_its_name_stays_taken_for_14_days_unless_it_is_purged(self, rich: Local) -> None:
        rich.ask("DELETE", WORKSPACE)
        refusal = rich.refused("PUT", WORKSPACE, BODIES[WORKSPACE])
        assert (refusal["status"], "Soft-deleted workspace exists" in refusal["message"]) == (409, True)
        rich.clock.now += 15 * DAY
        assert rich.ask("PUT", WORKSPACE, BODIES[WORKSPACE])[0] == 201
        rich.ask("DELETE", f"{WORKSPACE}?forceToPurge=true")
        assert rich.ask("PUT", WORKSPACE, BODIES[WORKSPACE])[0] == 201

    def test_a_managed_network_is_never_given_up(self, rich: Local) -> None:
        def body(mode: str) -> Json:
            network = {"managedNetwork": {"isolationMode": mode}, "provisionNetworkNow": True}
            return BODIES[WORKSPACE] | {"properties": BODIES[WORKSPACE]["properties"] | network}

        made = rich.made(WORKSPACE, body("AllowInternetOutbound"))["properties"]["managedNetwork"]
        assert made["status"]["status"] == "Active"
        assert rich.refused("PUT", WORKSPACE, body("Disabled"))["code"] == "ValidationError"
        rich.made(WORKSPACE, body("AllowOnlyApprovedOutbound"))

    def test_a_key_of_ours_is_used_by_cosmos_db_as_itself(self, rich: Local) -> None:
        key = rich.made(f"{VAULT}/keys/logs", {"properties": {"kty": "RSA"}})["properties"]["keyUriWithVersion"]
        assert rich.refused("PUT", WORKSPACE, keyed(key))["code"] == "MissingSubscriptionRegistration"
        rich.register("DocumentDB", "Search")
        refusal = rich.refused("PUT", WORKSPACE, keyed(key))
        assert (refusal["code"], "not authorized to perform action" in refusal["message"]) == ("Forbidden", True)
        cosmos = {name: principal("Azure Cosmos DB", name) for name in ("public", "usgovernment")}
        role = f"{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/{USES_KEYS}"
        for number, (cloud, who) in enumerate(reversed(cosmos.items())):
            grant = {"principalId": who, "principalType": "ServicePrincipal", "roleDefinitionId": role}
            at = f"{VAULT}/keys/logs/providers/Microsoft.Authorization/roleAssignments"
            rich.made(f"{at}/{number}{'0' * 7}-0000-4000-8000-000000000000", {"properties": grant})
            assert (rich.ask("PUT", WORKSPACE, keyed(key))[0] < 300) is (cloud == "public")
        moved = keyed(key, keyVaultArmId=f"{VAULT}2")
        assert "is not in the key vault" in rich.refused("PUT", WORKSPACE, moved)["message"]

    def test_service_side_encryption_takes_no_key_from_a_closed_vault_and_no_other_version(
        self, rich: Local
    ) -> None:
        def closed(access: str) -> None:
            rich.made(
                VAULT,
                BODIES[VAULT] | {"properties": BODIES[VAULT]["properties"] | {"publicNetworkAccess": access}},
            )

        key = rich.made(f"{VAULT}/keys/logs", {"properties": {"kty": "RSA"}})["properties"]["keyUriWithVersion"]
        closed("Disabled")
        refusal = rich.refused("PUT", WORKSPACE, keyed(key, service_side=True))
        assert "public network access disabled" in refusal["message"]
        closed("Enabled")
        rich.made(WORKSPACE, keyed(key, service_side=True))
        assert (
            "rotation"
            in rich.refused("PUT", WORKSPACE, keyed(key.rpartition("/")[0], service_side=True))["message"]
        )

    def test_a_vault_that_no_service_may_enter_gives_cosmos_db_no_key(self, rich: Local) -> None:
        rich.register("DocumentDB", "Search")
        key = rich.made(f"{VAULT}/keys/logs", {"properties": {"kty": "RSA"}})["properties"]["keyUriWithVersion"]
        shut = {"publicNetworkAccess": "Disabled", "networkAcls": {"bypass": "None", "defaultAction": "Deny"}}
        rich.made(VAULT, BODIES[VAULT] | {"properties": BODIES[VAULT]["properties"] | shut})
        assert "trusted Microsoft services" in rich.refused("PUT", WORKSPACE, keyed(key))["message"]

    def test_rules_by_name_need_a_network_that_asks_for_approval(self, rich: Local) -> None:
        rule = {"properties": {"type": "FQDN", "category": "UserDefined", "destination": "pypi.org"}}
        id = f"{WORKSPACE}/outboundRules/pypi"
        assert rich.refused("PUT", id, rule)["code"] == "ValidationError"
        network = {"managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound"}}
        rich.made(WORKSPACE, BODIES[WORKSPACE] | {"properties": BODIES[WORKSPACE]["properties"] | network})
        assert rich.made(id, rule)["properties"]["status"] == "Active"


class TestClusters:
    CLUSTER = f"{WORKSPACE}/computes/cpu"

    def body(self, most: int = 2, **changes: Any) -> Json:
        inner = {"vmSize": "Standard_D4s_v3", "scaleSettings": {"minNodeCount": 0, "maxNodeCount": most}}
        return HERE | {"properties": {"computeType": "AmlCompute", "properties": inner | changes}}

    def test_a_cluster_is_steady_and_can_be_given_more_nodes(self, rich: Local) -> None:
        assert rich.made(self.CLUSTER, self.body())["properties"]["properties"]["allocationState"] == "Steady"
        made = rich.made(self.CLUSTER, self.body(4))["properties"]["properties"]
        assert made["scaleSettings"]["maxNodeCount"] == 4

    def test_a_cluster_of_low_priority_is_taken_as_azure_takes_it_though_it_has_spot_vms_now(
        self, rich: Local
    ) -> None:
        made = rich.made(self.CLUSTER, self.body(vmPriority="LowPriority"))["properties"]["properties"]
        assert made["vmPriority"] == "LowPriority"

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"vmSize": "Standard_Nothing"}, "not supported"),
            ({"vmSize": "Standard_NC6s_v3"}, "not supported"),
            ({"vmSize": None}, "required"),
            ({"scaleSettings": {"minNodeCount": 3, "maxNodeCount": 2}}, "cannot be greater"),
            ({"vmPriority": "Spot"}, "not one of"),
        ],
    )
    def test_a_cluster_needs_machines_that_there_are(self, rich: Local, changes: Any, text: str) -> None:
        body = self.body(**changes)
        inner = body["properties"]["properties"]
        body["properties"]["properties"] = {key: value for key, value in inner.items() if value is not None}
        assert text in rich.refused("PUT", self.CLUSTER, body)["message"]

    def test_its_machines_stay_what_they_are(self, rich: Local) -> None:
        rich.made(self.CLUSTER, self.body())
        refusal = rich.refused("PUT", self.CLUSTER, self.body(vmSize="Standard_D8s_v3"))
        assert refusal["code"] == "InvalidPropertyChange"

    def test_a_datastore_needs_a_container_unless_nobody_looks(self, rich: Local) -> None:
        store = f"{WORKSPACE}/datastores/data"
        body = {
            "properties": {
                "datastoreType": "AzureBlob",
                "accountName": "acct",
                "containerName": "data",
                "credentials": {"credentialsType": "None"},
            }
        }
        assert rich.refused("PUT", store, body)["status"] == 404
        assert rich.ask("PUT", f"{store}?skipValidation=true", body)[0] == 201
        rich.made(f"{ACCOUNT}/blobServices/default/containers/data", {"properties": {}})
        assert rich.ask("PUT", store, body)[0] == 200


class TestEnvironments:
    VERSION = f"{WORKSPACE}/environments/dispatch/versions/abc"

    def test_a_version_brings_its_environment_along(self, rich: Local) -> None:
        rich.made(self.VERSION, {"properties": {"image": "docker.io/train:v1"}})
        assert rich.got(self.VERSION.rpartition("/versions")[0])["properties"]["latestVersion"] == "abc"

    def test_the_image_of_a_version_never_changes(self, rich: Local) -> None:
        body = {"properties": {"image": "docker.io/train:v1"}}
        rich.made(self.VERSION, body)
        assert rich.ask("PUT", self.VERSION, body)[0] == 200
        refusal = rich.refused("PUT", self.VERSION, {"properties": {"image": "docker.io/train:v2"}})
        words = "Environment dispatch with version abc is already registered and cannot be changed."
        assert (refusal["code"], refusal["message"]) == ("UserError", words)

    @pytest.mark.parametrize(
        ("properties", "text"),
        [
            ({}, "needs an image"),
            ({"image": "none.azurecr.io/train:v1"}, "was not found"),
            ({"image": "registry.example.com/train:v1"}, "cannot sign in"),
            ({"build": {"contextUri": "https://x"}}, "builds no images"),
        ],
    )
    def test_a_version_is_an_image_that_can_be_pulled(self, rich: Local, properties: Any, text: str) -> None:
        assert text in rich.refused("PUT", self.VERSION, {"properties": properties})["message"]
