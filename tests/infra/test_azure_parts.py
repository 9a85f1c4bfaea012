"""The parts of a zone on Azure: every security property is said, and nothing starts before its grants."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from infra.azure import clouds
from infra.azure.resource_id import parse
from localcloud.azure import types
from localcloud.plugin.azure.body import sent
from localcloud.plugin.azure.check import check
from localcloud.plugin.azure.table import body_properties, resource
from tests.infra.azure_parts import (
    AT,
    DISPOSABLE,
    EVERYTHING,
    GOVERNMENT,
    PLACE,
    TAGS,
    TENANT,
    THEIR_KEY,
    zone,
)
from tests.infra.recorded import Record, each

VAULT, KEY = "keyvault:Vault", "keyvault:Key"
ACCOUNT, CONTAINER = "storage:StorageAccount", "storage:BlobContainer"
BLOBS, POLICY = "storage:BlobServiceProperties", "storage:ManagementPolicy"
REGISTRY = "containerregistry:Registry"
LOGS, INSIGHTS = "operationalinsights:Workspace", "applicationinsights:Component"
SETTING = "monitor:DiagnosticSetting"
ASSIGNED = "authorization:RoleAssignment"
LONG = 2_192  # days; six years
# What Azure has no tags for.
UNTAGGED = {
    "authorization:RoleAssignment",
    "authorization:RoleDefinition",
    "managedidentity:FederatedIdentityCredential",
    "monitor:DiagnosticSetting",
    "network:PrivateDnsZoneGroup",
    "network:Subnet",
    BLOBS,
    CONTAINER,
    POLICY,
}


@pytest.fixture(scope="module")
def whole() -> Record:
    """A zone with every part switched on; only read."""
    return zone(**EVERYTHING)


def kinds(record: Record) -> set[str]:
    return {made.type.removeprefix("azure-native:") for made in record.custom()}


def test_every_resource_has_the_zone_s_own_provider(whole: Record) -> None:
    assert {made.provider.rpartition("::")[0].rpartition("::")[2] for made in whole.custom()} == {"azure-weu"}


def test_everything_that_can_be_tagged_is_tagged(whole: Record) -> None:
    tagged = {kind for kind in kinds(whole) if all(each(whole.of(kind), "tags"))}
    assert kinds(whole) - tagged == UNTAGGED
    for made in whole.custom():
        assert made.inputs.get("tags", TAGS) == TAGS


def test_everything_is_in_the_zone_s_region_or_has_none(whole: Record) -> None:
    assert set(each(whole.custom(), "location")) == {"westeurope", "global", None}
    assert {made.type.partition(":")[2] for made in whole.custom() if made.inputs.get("location") == "global"} == {
        "privatedns:PrivateZone",
        "privatedns:VirtualNetworkLink",
    }


def test_the_storage_account_says_every_security_property(whole: Record) -> None:
    accounts = whole.of(ACCOUNT)
    assert [made.name for made in accounts] == ["azure-weu-audit-archive", "azure-weu-storage-account"]
    for path, wanted in {
        "allowSharedKeyAccess": False,
        "allowBlobPublicAccess": False,
        "allowCrossTenantReplication": False,
        "allowedCopyScope": "AAD",
        "defaultToOAuthAuthentication": True,
        "enableHttpsTrafficOnly": True,
        "minimumTlsVersion": "TLS1_2",
        "publicNetworkAccess": "Disabled",
        "networkRuleSet.defaultAction": "Deny",
        "networkRuleSet.bypass": "AzureServices",
        "isLocalUserEnabled": False,
        "isSftpEnabled": False,
        "enableNfsV3": False,
        "encryption.keySource": "Microsoft.Keyvault",
        "encryption.requireInfrastructureEncryption": True,
        "identity.type": "UserAssigned",
        "sku.name": "Standard_LRS",
    }.items():
        assert set(each(accounts, path)) == {wanted}, path
    for rules in each(accounts, "networkRuleSet"):
        assert not rules["ipRules"]
        assert not rules["virtualNetworkRules"]
        assert not rules["resourceAccessRules"]


def test_queues_and_tables_are_under_our_key_too(whole: Record) -> None:
    for made in whole.of(ACCOUNT):
        services = made.inputs["encryption"]["services"]
        assert set(services) == {"blob", "file", "queue", "table"}
        assert {(of["enabled"], of["keyType"]) for of in services.values()} == {(True, "Account")}


def test_each_account_uses_the_key_of_its_use_and_follows_its_rotation(whole: Record) -> None:
    for name, use in (("azure-weu-storage-account", "data"), ("azure-weu-audit-archive", "logs")):
        encryption = whole.named(ACCOUNT, name).inputs["encryption"]
        key = whole.named(KEY, f"azure-weu-keys-{use}").inputs
        assert encryption["keyVaultProperties"] == {
            "keyName": use,
            "keyVaultUri": f"https://{key['vaultName']}.vault.azure.net",
        }


def test_containers_show_nothing_to_anybody_and_outlive_a_careless_destroy() -> None:
    for place, protect in ((PLACE, True), (DISPOSABLE, False)):
        made = zone(place=place).of(CONTAINER)
        assert [one.inputs["containerName"] for one in made] == ["checkpoints", "data", "output"]
        assert set(each(made, "publicAccess")) == {"None"}
        assert {one.protect for one in made} == {protect}


def test_what_is_deleted_can_be_restored_unless_the_zone_is_disposable() -> None:
    for place, enabled, days in ((PLACE, True, 7), (DISPOSABLE, False, None)):
        [made] = zone(place=place).of(BLOBS)
        for policy in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
            assert made.inputs[policy]["enabled"] is enabled
            assert made.inputs[policy].get("days") == days
        assert made.inputs["isVersioningEnabled"] is True


def test_old_versions_go_and_checkpoints_and_code_expire() -> None:
    [made] = zone(retention_days=90).of(POLICY)
    old, expired, code = made.inputs["policy"]["rules"]
    assert old["definition"]["actions"] == {
        "version": {"delete": {"daysAfterCreationGreaterThan": 30}},
        "snapshot": {"delete": {"daysAfterCreationGreaterThan": 30}},
    }
    assert expired["definition"]["filters"]["prefixMatch"] == ["checkpoints/"]
    assert expired["definition"]["actions"] == {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 90}}}
    assert code["definition"]["filters"]["prefixMatch"] == ["data/code/"]
    assert code["definition"]["actions"] == {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 180}}}


def test_no_container_is_there_before_versions_are_kept(whole: Record) -> None:
    services = {made.urn for made in whole.of(BLOBS) if made.name == "azure-weu-storage-account"}
    for made in whole.of(CONTAINER):
        assert services <= whole.awaited(made)


def test_vaults_take_roles_only_and_cannot_be_purged(whole: Record) -> None:
    vaults = whole.of(VAULT)
    assert [made.name for made in vaults] == ["azure-weu-keys-keys", "azure-weu-keys-secrets"]
    for path, wanted in {
        "tenantId": TENANT,
        "enableRbacAuthorization": True,
        "enableSoftDelete": True,
        "enablePurgeProtection": True,
        "softDeleteRetentionInDays": 90,
        "enabledForDeployment": False,
        "enabledForDiskEncryption": False,
        "enabledForTemplateDeployment": False,
        "publicNetworkAccess": "Disabled",
        "networkAcls.defaultAction": "Deny",
        "networkAcls.bypass": "AzureServices",
    }.items():
        assert set(each(vaults, f"properties.{path}")) == {wanted}, path
    assert set(each(zone(place=DISPOSABLE).of(VAULT), "properties.softDeleteRetentionInDays")) == {7}


def test_keys_rotate_within_90_days_and_only_wrap(whole: Record) -> None:
    keys = whole.of(KEY)
    assert [made.inputs["keyName"] for made in keys] == ["data", "logs", "registry"]
    assert len(set(each(keys, "vaultName"))) == 1
    for made in keys:
        told = made.inputs["properties"]
        assert (told["kty"], told["keySize"]) == ("RSA", 3072)
        assert told["keyOps"] == ["wrapKey", "unwrapKey"]
        assert told["attributes"] == {"enabled": True, "exportable": False}
        [rotation] = told["rotationPolicy"]["lifetimeActions"]
        assert rotation == {"action": {"type": "rotate"}, "trigger": {"timeAfterCreate": "P90D"}}
        # A workspace stays with the version it was told: that one must not end under it.
        ends = made.inputs["keyName"] != "logs"
        assert told["rotationPolicy"].get("attributes") == ({"expiryTime": "P120D"} if ends else None)


@pytest.mark.parametrize("kind", [VAULT, KEY, ACCOUNT, REGISTRY, LOGS])
def test_what_holds_data_outlives_a_careless_destroy_unless_it_is_disposable(kind: str) -> None:
    for place, protect in ((PLACE, True), (DISPOSABLE, False)):
        assert {made.protect for made in zone(place=place).of(kind)} == {protect}


def test_the_registry_says_every_security_property(whole: Record) -> None:
    [made] = whole.of(REGISTRY)
    for path, wanted in {
        "sku.name": "Premium",
        "adminUserEnabled": False,
        "anonymousPullEnabled": False,
        "dataEndpointEnabled": True,
        "publicNetworkAccess": "Disabled",
        "networkRuleBypassOptions": "AzureServices",
        "networkRuleSet.defaultAction": "Deny",
        "encryption.status": "enabled",
        "encryption.keyVaultProperties.identity": "client-encryption",
        "policies.azureADAuthenticationAsArmPolicy.status": "enabled",
        "policies.exportPolicy.status": "disabled",
        "policies.quarantinePolicy.status": "disabled",
        "policies.retentionPolicy.status": "enabled",
        "policies.retentionPolicy.days": 14,
        "policies.softDeletePolicy.status": "disabled",
        "policies.trustPolicy.status": "disabled",
        "zoneRedundancy": "Disabled",
    }.items():
        assert list(each([made], path)) == [wanted], path
    key = made.inputs["encryption"]["keyVaultProperties"]["keyIdentifier"]
    assert re.fullmatch(r"https://[a-z0-9-]+\.vault\.azure\.net/keys/registry", key), "it names no version"
    assert list(made.inputs["identity"]["userAssignedIdentities"]) == [
        f"{AT}/Microsoft.ManagedIdentity/userAssignedIdentities/azure-weu-encryption-1a2b3c4d"
    ]


@pytest.mark.parametrize(
    ("kind", "name", "key"),
    [
        (ACCOUNT, "azure-weu-storage-account", "data"),
        (REGISTRY, "azure-weu-registry-images", "registry"),
        (ACCOUNT, "azure-weu-audit-archive", "logs"),
    ],
)
def test_nothing_is_encrypted_before_its_identity_may_use_the_key(
    whole: Record, kind: str, name: str, key: str
) -> None:
    grant = whole.named(ASSIGNED, f"azure-weu-keys-{key}-encryption")
    assert grant.inputs["scope"].endswith(f"/keys/{key}")
    assert grant.urn in whole.awaited(whole.named(kind, name))


def test_a_public_zone_lets_everybody_try_but_nobody_in_without_signing_in() -> None:
    record = zone(private=False, managed=False)
    [account], [registry] = record.of(ACCOUNT), record.of(REGISTRY)
    assert account.inputs["publicNetworkAccess"] == registry.inputs["publicNetworkAccess"] == "Enabled"
    assert account.inputs["allowSharedKeyAccess"] is False
    assert account.inputs["allowBlobPublicAccess"] is False
    assert registry.inputs["anonymousPullEnabled"] is False
    assert registry.inputs["policies"]["exportPolicy"]["status"] == "enabled"  # what Azure asks of a public one
    assert set(each(record.of(VAULT), "properties.enableRbacAuthorization")) == {True}
    assert not {kind for kind in kinds(record) if kind.startswith(("network:", "privatedns:"))}


def test_ci_signs_in_as_the_agent_by_exact_subjects_one_after_the_other(whole: Record) -> None:
    first, second = whole.of("managedidentity:FederatedIdentityCredential")
    assert [first.inputs["subject"], second.inputs["subject"]] == list(EVERYTHING["subjects"])
    assert {made.inputs["issuer"] for made in (first, second)} == {"https://token.example.com"}
    assert {made.inputs["resourceName"] for made in (first, second)} == {"azure-weu-agent-1a2b3c4d"}
    assert first.urn in second.after
    assert zone().of("managedidentity:FederatedIdentityCredential") == []


@pytest.mark.parametrize(
    ("place", "audience"),
    [(PLACE, "api://AzureADTokenExchange"), (GOVERNMENT, "api://AzureADTokenExchangeUSGov")],
)
def test_a_token_of_ci_is_for_the_zone_s_own_cloud(place: Any, audience: str) -> None:
    [made] = zone(place=place, subjects=("ci",)).of("managedidentity:FederatedIdentityCredential")
    assert made.inputs["audiences"] == [audience]
    assert clouds.of(place.environment).federation_audience == audience


def test_names_that_azure_keeps_are_new_with_every_group_and_no_other_is(whole: Record) -> None:
    again = zone(**EVERYTHING, generation="00000000")
    new = {
        made.type.partition(":")[2]
        for made in again.custom()
        for name in made.inputs
        if name.endswith("Name") and made.inputs[name] != whole.named(made.type[13:], made.name).inputs[name]
    }
    assert new == {VAULT, KEY, LOGS, ASSIGNED}  # a key by its vault, an assignment by what it is on


def test_the_longest_name_of_a_zone_still_makes_names_that_azure_takes() -> None:
    record = zone(place=replace(PLACE, name="a" + "-bc" * 7 + "-d"), retention_days=LONG)
    for kind, name, form in (
        (ACCOUNT, "accountName", r"[a-z0-9]{3,24}"),
        (VAULT, "vaultName", r"[a-z](-?[a-z0-9]){2,23}"),
        (REGISTRY, "registryName", r"[a-z0-9]{5,50}"),
        (LOGS, "workspaceName", r"[a-z0-9][a-z0-9-]{2,61}[a-z0-9]"),
    ):
        named = list(each(record.of(kind), name))
        assert len(set(named)) == len(named)
        for one in named:
            assert re.fullmatch(form, one), one
            assert len(one) <= 24 or kind in (REGISTRY, LOGS)


@pytest.mark.parametrize(
    "id", ["", "acme", "/subscriptions/S", "/subscriptions/S/resourceGroups/G/providers/M.N/t"]
)
def test_what_is_no_resource_id_is_refused(id: str) -> None:
    with pytest.raises(ValueError, match="is not the id of a resource"):
        parse(id)


def test_a_resource_id_is_taken_apart() -> None:
    told = parse(THEIR_KEY)
    assert (told.group, told.kind, told.names, told.name) == (
        "shared",
        "Microsoft.KeyVault/vaults/keys",
        ("acme", "training"),
        "training",
    )


@pytest.mark.parametrize("choices", [{}, {"private": False, "managed": False, "place": DISPOSABLE}, EVERYTHING])
def test_the_provider_and_microsoft_s_own_types_know_and_take_every_property_that_is_set(
    choices: dict[str, Any],
) -> None:
    """By the provider's property table, and by the types of the request that the properties become."""
    for made in zone(**choices).custom():
        table = resource(made.type)
        assert check(table["inputs"], made.inputs) == [], made.name
        wanted = types.find(table["arm"])
        assert wanted is not None, made.type
        assert wanted.check(sent(body_properties(table), made.inputs)) == [], made.name
