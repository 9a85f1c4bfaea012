"""Identities, roles, storage, vaults, registries: what each refuses, what the service fills in, what stays."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.place import PERSON, TENANT
from tests.localcloud.azure.inside import (
    ACCOUNT,
    BODIES,
    GROUP,
    HERE,
    IDENTITY,
    SUBSCRIPTION_ID,
    VAULT,
    WORKSPACE,
    Json,
    Local,
    resource,
)

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
