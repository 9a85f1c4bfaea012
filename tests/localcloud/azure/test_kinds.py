"""What each type of resource does of its own: what it refuses, what the service fills in, what stays after it."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.place import PERSON, SUBSCRIPTION, TENANT
from tests.localcloud.azure.inside import (
    ACCOUNT,
    BODIES,
    GROUP,
    HERE,
    IDENTITY,
    INSIGHTS,
    LOGS,
    NETWORK,
    SUBSCRIPTION_ID,
    VAULT,
    WORKSPACE,
    Json,
    Local,
    resource,
)  # fmt: skip

READER = (
    f"{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
)
CUSTOM = "11111111-1111-4111-8111-111111111111"
DAY = 86_400


def assignment(scope: str, number: int = 1) -> str:
    return f"{scope}/providers/Microsoft.Authorization/roleAssignments/22222222-2222-4222-8222-{number:012}"


def given(principal: str, role: str = READER, **rest: Any) -> Json:
    return {"properties": {"principalId": principal, "roleDefinitionId": role, **rest}}


def principal(azure: Local) -> str:
    return str(azure.got(IDENTITY)["properties"]["principalId"])


class TestIdentities:
    def test_an_identity_keeps_its_ids_and_a_new_one_of_the_name_has_others(self, rich: Local) -> None:
        first = rich.got(IDENTITY)["properties"]
        assert first["tenantId"] == TENANT
        rich.ask("PUT", IDENTITY, HERE | {"tags": {"a": "b"}})
        assert rich.got(IDENTITY)["properties"] == first
        rich.ask("DELETE", IDENTITY)
        second = rich.made(IDENTITY, HERE)["properties"]
        assert not {first["clientId"], first["principalId"]} & {second["clientId"], second["principalId"]}

    def test_a_resource_says_who_the_identities_it_carries_are(self, rich: Local) -> None:
        carried = rich.got(WORKSPACE)["identity"]["userAssignedIdentities"][IDENTITY]
        assert carried["principalId"] == principal(rich)

    def test_an_identity_that_is_not_there_cannot_be_carried(self, rich: Local) -> None:
        body = BODIES[ACCOUNT] | {
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {f"{IDENTITY}x": {}}}
        }
        assert rich.refused("PUT", ACCOUNT, body)["code"] == "FailedIdentityOperation"

    def test_an_issuer_and_a_subject_lead_to_one_credential(self, rich: Local) -> None:
        body = {"properties": {"issuer": "https://ci", "subject": "main", "audiences": ["a"]}}
        rich.made(f"{IDENTITY}/federatedIdentityCredentials/one", body)
        rich.made(f"{IDENTITY}/federatedIdentityCredentials/one", body)
        assert rich.refused("PUT", f"{IDENTITY}/federatedIdentityCredentials/two", body)["status"] == 409


class TestRoles:
    def test_an_assignment_says_at_which_scope_it_is_and_what_sort_holds_it(self, rich: Local) -> None:
        made = rich.made(assignment(ACCOUNT), given(principal(rich)))["properties"]
        assert (made["scope"], made["principalType"]) == (ACCOUNT, "ServicePrincipal")
        mine = rich.made(assignment(GROUP, 2), given(PERSON, principalType="User"))["properties"]
        assert (mine["scope"], mine["createdBy"]) == (GROUP, PERSON)

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"role": READER.replace("acdd", "0000")}, "RoleDefinitionDoesNotExist"),
            ({"principal": CUSTOM, "principalType": "ServicePrincipal"}, "PrincipalNotFound"),
            ({"principal": "somebody"}, "PrincipalNotFound"),
            ({"principalType": "User"}, "UnmatchedPrincipalType"),
        ],
    )
    def test_it_needs_a_role_and_a_principal_that_are_there(self, rich: Local, change: Any, code: str) -> None:
        rest = {"principal": principal(rich)} | change
        assert rich.refused("PUT", assignment(GROUP), given(**rest))["code"] == code

    def test_a_principal_has_a_role_once_at_a_scope(self, rich: Local) -> None:
        rich.made(assignment(GROUP), given(principal(rich)))
        assert rich.refused("PUT", assignment(GROUP, 2), given(principal(rich)))["code"] == "RoleAssignmentExists"
        rich.made(assignment(ACCOUNT, 3), given(principal(rich)))

    def test_an_assignment_never_becomes_another(self, rich: Local) -> None:
        rich.made(assignment(GROUP), given(principal(rich)))
        refusal = rich.refused("PUT", assignment(GROUP), given(PERSON))
        assert refusal["code"] == "RoleAssignmentUpdateNotPermitted"

    def test_lists_are_narrowed_by_principal_and_by_scope(self, rich: Local) -> None:
        rich.made(assignment(GROUP), given(principal(rich)))
        rich.made(assignment(ACCOUNT, 2), given(PERSON))
        base = "/providers/Microsoft.Authorization/roleAssignments"

        def names(scope: str, wanted: str) -> list[str]:
            found = rich.got(f"{scope}{base}?$filter={wanted}")["value"]
            return [one["name"][-1] for one in found]

        assert names(ACCOUNT, f"assignedTo('{principal(rich)}')") == ["1"]
        assert names(GROUP, f"principalId eq '{PERSON}'") == ["2"]
        assert names(GROUP, "atScope()") == ["1"]
        assert rich.refused("GET", f"{GROUP}{base}?$filter=whatever")["code"] == "InvalidFilter"

    def test_a_role_of_ones_own_is_kept_while_somebody_has_it(self, rich: Local) -> None:
        id = f"{GROUP}/providers/Microsoft.Authorization/roleDefinitions/{CUSTOM}"
        allowed = [{"actions": ["Microsoft.MachineLearningServices/workspaces/jobs/write"], "notActions": []}]
        body = {"properties": {"roleName": "submits jobs", "assignableScopes": [GROUP], "permissions": allowed}}
        assert rich.made(id, body)["properties"]["type"] == "CustomRole"
        other = id.replace("1111", "3333")
        assert rich.refused("PUT", other, body)["code"] == "RoleDefinitionWithSameNameExists"
        rich.made(assignment(GROUP), given(principal(rich), id))
        assert rich.refused("DELETE", id)["code"] == "RoleDefinitionHasAssignments"
        rich.ask("DELETE", assignment(GROUP))
        assert rich.ask("DELETE", id)[0] == 200

    def test_the_person_may_everything(self, rich: Local) -> None:
        at = f"{GROUP}/providers/Microsoft.Authorization/permissions"
        assert rich.ask("GET", at, version="2022-04-01")[1]["value"][0]["actions"] == ["*"]


class TestStorage:
    def test_an_account_has_its_addresses_and_its_services(self, rich: Local) -> None:
        made = rich.got(ACCOUNT)
        assert made["properties"]["primaryEndpoints"]["blob"] == "https://acct.blob.core.windows.net/"
        assert made["sku"]["tier"] == "Standard"
        assert rich.got(f"{ACCOUNT}/blobServices/default")["name"] == "default"

    def test_the_name_of_an_account_is_unique_in_the_world(self, rich: Local) -> None:
        other = f"{SUBSCRIPTION_ID}/resourceGroups/other"
        rich.made(other, HERE)
        id = ACCOUNT.replace(GROUP, other)
        assert rich.refused("PUT", id, BODIES[ACCOUNT])["code"] == "StorageAccountAlreadyTaken"

    def test_a_customer_s_key_has_to_be_there_and_to_be_safe(self, rich: Local) -> None:
        key = {"keyvaulturi": "https://vault.vault.azure.net", "keyname": "data"}
        body = BODIES[ACCOUNT] | {
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}},
            "properties": {
                "encryption": {
                    "keySource": "Microsoft.Keyvault",
                    "identity": {"userAssignedIdentity": IDENTITY},
                    "keyvaultproperties": key,
                }
            },
        }
        assert rich.refused("PUT", ACCOUNT, body)["code"] == "KeyVaultKeyNotFound"
        made = rich.made(f"{VAULT}/keys/data", {"properties": {"kty": "RSA"}})["properties"]
        current = rich.made(ACCOUNT, body)["properties"]["encryption"]["keyvaultproperties"]
        assert current["currentVersionedKeyIdentifier"] == made["keyUriWithVersion"]

    def test_there_is_one_policy_with_rules_of_different_names(self, rich: Local) -> None:
        rule = {
            "name": "old",
            "type": "Lifecycle",
            "definition": {
                "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 7}}},
                "filters": {"blobTypes": ["blockBlob"]},
            },
        }
        policy = f"{ACCOUNT}/managementPolicies/default"
        rich.made(policy, {"properties": {"policy": {"rules": [rule]}}})
        refusal = rich.refused("PUT", policy, {"properties": {"policy": {"rules": [rule, rule]}}})
        assert "unique" in refusal["message"]
        name = f"{ACCOUNT}/managementPolicies/other"
        assert rich.refused("PUT", name, {"properties": {"policy": {"rules": [rule]}}})["status"] == 400


class TestVaults:
    def test_the_name_of_a_deleted_vault_stays_taken_until_it_is_purged_by_time(self, rich: Local) -> None:
        rich.ask("DELETE", VAULT)
        refusal = rich.refused("PUT", VAULT, BODIES[VAULT])
        assert (refusal["code"], "deleted state" in refusal["message"]) == ("ConflictError", True)
        at = f"{SUBSCRIPTION_ID}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/vault"
        assert rich.ask("GET", at, version="2024-11-01")[1]["properties"]["vaultId"] == VAULT
        assert rich.refused("POST", f"{at}/purge", version="2024-11-01")["code"] == "MethodNotAllowed"
        rich.clock.now += 91 * DAY
        assert rich.ask("PUT", VAULT, BODIES[VAULT])[0] == 201

    def test_a_vault_without_purge_protection_can_be_purged(self, rich: Local) -> None:
        id, body = f"{VAULT}2", {**BODIES[VAULT]}
        body["properties"] = {k: v for k, v in body["properties"].items() if k != "enablePurgeProtection"}
        rich.made(id, body)
        rich.ask("DELETE", id)
        at = f"{SUBSCRIPTION_ID}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/vault2"
        assert rich.ask("POST", f"{at}/purge", version="2024-11-01")[0] == 204
        assert rich.ask("PUT", id, body)[0] == 201

    def test_a_recovered_vault_has_its_keys_again(self, rich: Local) -> None:
        key = rich.made(f"{VAULT}/keys/data", {"properties": {"kty": "RSA"}})
        rich.ask("DELETE", VAULT)
        body = {**BODIES[VAULT], "properties": BODIES[VAULT]["properties"] | {"createMode": "recover"}}
        rich.made(VAULT, body)
        assert rich.got(f"{VAULT}/keys/data")["properties"]["keyUri"] == key["properties"]["keyUri"]

    @pytest.mark.parametrize(
        "change", [{"enablePurgeProtection": False}, {"enableSoftDelete": False}, {"softDeleteRetentionInDays": 5}]
    )
    def test_protection_cannot_be_given_up(self, rich: Local, change: Any) -> None:
        body = {**BODIES[VAULT], "properties": BODIES[VAULT]["properties"] | change}
        assert rich.refused("PUT", VAULT, body)["status"] == 400

    def test_a_key_is_made_once_and_never_by_another_put(self, rich: Local) -> None:
        id = f"{VAULT}/keys/data"
        first = rich.made(id, {"properties": {"kty": "RSA", "keySize": 3072}})
        again = rich.made(id, {"properties": {"kty": "RSA", "keySize": 2048}})
        assert again == first
        versions = rich.ask("GET", f"{id}/versions", version="2024-11-01")[1]["value"]
        assert [one["properties"]["keyUriWithVersion"] for one in versions] == [
            first["properties"]["keyUriWithVersion"]
        ]
        assert rich.refused("DELETE", id)["status"] == 405

    def test_a_secret_is_shown_without_its_value(self, rich: Local) -> None:
        made = rich.made(f"{VAULT}/secrets/token", {"properties": {"value": "s3cret"}})
        assert "s3cret" not in str(made)
        assert made["properties"]["secretUri"] == "https://vault.vault.azure.net/secrets/token"


class TestRegistries:
    REGISTRY = resource("ContainerRegistry/registries", "images")

    def test_it_is_at_a_host_of_its_own(self, rich: Local) -> None:
        made = rich.made(self.REGISTRY, HERE | {"sku": {"name": "Basic"}, "properties": {}})
        assert made["properties"]["loginServer"] == "images.azurecr.io"

    @pytest.mark.parametrize(
        "properties",
        [
            {"publicNetworkAccess": "Disabled"},
            {"policies": {"retentionPolicy": {"status": "enabled", "days": 7}}},
            {"encryption": {"status": "enabled"}},
        ],
    )
    def test_only_the_premium_tier_can_be_closed_or_encrypted(self, rich: Local, properties: Any) -> None:
        body = HERE | {"sku": {"name": "Basic"}, "properties": properties}
        assert rich.refused("PUT", self.REGISTRY, body)["code"] == "SkuNotSupported"

    def test_its_key_is_used_by_an_identity_that_it_carries(self, rich: Local) -> None:
        key = rich.made(f"{VAULT}/keys/images", {"properties": {"kty": "RSA"}})["properties"]
        client = rich.got(IDENTITY)["properties"]["clientId"]
        encryption = {
            "status": "enabled",
            "keyVaultProperties": {"identity": client, "keyIdentifier": key["keyUri"]},
        }
        body = HERE | {"sku": {"name": "Premium"}, "properties": {"encryption": encryption}}
        assert rich.refused("PUT", self.REGISTRY, body)["code"] == "InvalidEncryptionIdentity"
        carried = {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}
        made = rich.made(self.REGISTRY, body | {"identity": carried})["properties"]["encryption"]
        assert made["keyVaultProperties"]["versionedKeyIdentifier"] == key["keyUriWithVersion"]
        plain = HERE | {"sku": {"name": "Premium"}, "properties": {}}
        assert rich.refused("PUT", self.REGISTRY, plain)["code"] == "CannotChangeEncryption"


class TestNetworks:
    SUBNET = f"{NETWORK}/subnets/endpoints"
    ENDPOINT = resource("Network/privateEndpoints", "blob")
    ZONE = resource("Network/privateDnsZones", "privatelink.blob.core.windows.net")

    def subnet(self, azure: Local, prefix: str = "10.0.1.0/24") -> None:
        azure.made(self.SUBNET, {"properties": {"addressPrefix": prefix}})

    def endpoint(self, part: str = "blob", target: str = ACCOUNT) -> Json:
        connection = {"name": "it", "properties": {"privateLinkServiceId": target, "groupIds": [part]}}
        return HERE | {
            "properties": {"subnet": {"id": self.SUBNET}, "privateLinkServiceConnections": [connection]}
        }

    def test_a_network_shows_its_subnets_however_they_were_made(self, rich: Local) -> None:
        self.subnet(rich)
        rich.ask("PUT", NETWORK, rich.got(NETWORK))
        found = rich.got(NETWORK)["properties"]["subnets"]
        assert [(one["id"], one["properties"]["addressPrefix"]) for one in found] == [(self.SUBNET, "10.0.1.0/24")]
        body = {**BODIES[NETWORK]}
        body["properties"] = body["properties"] | {
            "subnets": [{"name": "agents", "properties": {"addressPrefix": "10.0.2.0/24"}}]
        }
        assert [one["name"] for one in rich.made(NETWORK, body)["properties"]["subnets"]] == ["agents"]
        assert rich.refused("GET", self.SUBNET)["status"] == 404

    @pytest.mark.parametrize(
        ("prefix", "code"),
        [
            ("10.1.0.0/24", "NetcfgInvalidSubnet"),
            ("10.0.1.128/25", "NetcfgSubnetRangesOverlap"),
            ("ten", "InvalidCIDRNotation"),
        ],
    )
    def test_a_subnet_has_a_range_of_its_own_in_the_network(self, rich: Local, prefix: str, code: str) -> None:
        self.subnet(rich)
        body = {"properties": {"addressPrefix": prefix}}
        assert rich.refused("PUT", f"{NETWORK}/subnets/other", body)["code"] == code

    def test_a_subnet_needs_what_it_refers_to_and_keeps_it(self, rich: Local) -> None:
        rules = resource("Network/networkSecurityGroups", "rules")
        body = {"properties": {"addressPrefix": "10.0.1.0/24", "networkSecurityGroup": {"id": rules}}}
        assert rich.refused("PUT", self.SUBNET, body)["code"] == "InvalidResourceReference"
        rich.made(rules, HERE)
        rich.made(self.SUBNET, body)
        assert "in use" in rich.refused("DELETE", rules)["message"]

    def test_an_endpoint_is_approved_and_keeps_its_subnet(self, rich: Local) -> None:
        assert rich.refused("PUT", self.ENDPOINT, self.endpoint())["code"] == "InvalidResourceReference"
        self.subnet(rich)
        made = rich.made(self.ENDPOINT, self.endpoint())["properties"]
        state = made["privateLinkServiceConnections"][0]["properties"]["privateLinkServiceConnectionState"]
        assert state["status"] == "Approved"
        assert rich.refused("DELETE", self.SUBNET)["code"] == "InUseSubnetCannotBeDeleted"
        assert rich.got(self.SUBNET)["properties"]["privateEndpoints"] == [{"id": self.ENDPOINT}]

    @pytest.mark.parametrize(
        ("part", "target", "code"),
        [
            ("vault", ACCOUNT, "GroupIdNotFound"),
            ("blob", f"{ACCOUNT}x", "InvalidResourceReference"),
            ("amlworkspace", WORKSPACE, ""),
        ],
    )
    def test_an_endpoint_leads_to_a_part_that_there_is(
        self, rich: Local, part: str, target: str, code: str
    ) -> None:
        self.subnet(rich)
        status, document = rich.ask("PUT", self.ENDPOINT, self.endpoint(part, target))
        assert (status, document.get("error", {}).get("code", "")) == (400 if code else 201, code)

    def test_a_dns_zone_is_global_and_goes_after_its_links(self, rich: Local) -> None:
        assert rich.refused("PUT", self.ZONE, HERE)["code"] == "LocationNotAvailableForResourceType"
        rich.made(self.ZONE, {"location": "global"})
        link = f"{self.ZONE}/virtualNetworkLinks/network"
        body = {
            "location": "global",
            "properties": {"virtualNetwork": {"id": NETWORK}, "registrationEnabled": False},
        }
        rich.made(link, body)
        assert rich.refused("PUT", f"{link}2", body)["status"] == 409
        assert rich.refused("DELETE", self.ZONE)["code"] == "CannotDeleteResource"
        rich.ask("DELETE", link)
        assert rich.ask("DELETE", self.ZONE)[0] == 202

    def test_a_gateway_and_its_address_are_known_by_their_ids(self, rich: Local) -> None:
        address = resource("Network/publicIPAddresses", "nat")
        body = HERE | {"sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}
        assert rich.made(address, body)["properties"]["ipAddress"].startswith("203.0.113.")
        gateway = resource("Network/natGateways", "nat")
        rich.made(
            gateway, HERE | {"sku": {"name": "Standard"}, "properties": {"publicIpAddresses": [{"id": address}]}}
        )
        rich.made(self.SUBNET, {"properties": {"addressPrefix": "10.0.1.0/24", "natGateway": {"id": gateway}}})
        assert rich.refused("DELETE", gateway)["code"] == "InUseCannotBeDeleted"


class TestMonitoring:
    def test_a_deleted_log_workspace_is_recovered_for_14_days(self, rich: Local) -> None:
        first = rich.got(LOGS)["properties"]["customerId"]
        rich.ask("DELETE", LOGS)
        assert rich.refused("PUT", LOGS, {"location": "eastus", "properties": {}})["status"] == 409
        assert rich.made(LOGS, BODIES[LOGS])["properties"]["customerId"] == first
        rich.ask("DELETE", LOGS)
        rich.clock.now += 15 * DAY
        assert rich.made(LOGS, BODIES[LOGS])["properties"]["customerId"] != first

    def test_insights_need_a_workspace_that_is_there(self, rich: Local) -> None:
        assert rich.got(INSIGHTS)["properties"]["ConnectionString"].startswith("InstrumentationKey=")
        body = BODIES[INSIGHTS] | {"properties": {"Application_Type": "web", "WorkspaceResourceId": f"{LOGS}x"}}
        assert rich.refused("PUT", INSIGHTS, body)["code"] == "ResourceNotFound"

    def test_a_setting_needs_a_place_that_no_other_of_the_resource_has(self, rich: Local) -> None:
        setting = f"{VAULT}/providers/Microsoft.Insights/diagnosticSettings/logs"
        logs = [{"categoryGroup": "allLogs", "enabled": True}]
        assert rich.refused("PUT", setting, {"properties": {"logs": logs}})["status"] == 400
        body = {"properties": {"logs": logs, "workspaceId": LOGS}}
        rich.made(setting, body)
        rich.made(setting, body)
        assert rich.refused("PUT", f"{setting}2", body)["status"] == 409
        rich.made(f"{ACCOUNT}/providers/Microsoft.Insights/diagnosticSettings/logs", body)


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

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"vmSize": "Standard_Nothing"}, "not supported"),
            ({"vmSize": "Standard_NC6s_v3"}, "not supported"),
            ({"vmPriority": "LowPriority"}, "Low priority virtual machines are not available"),
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
        assert (refusal["code"], "image" in refusal["message"]) == ("UserError", True)

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
