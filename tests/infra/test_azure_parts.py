"""The parts of a zone on Azure: every security property is said, and nothing starts before its grants."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from infra.azure import clouds, diagnostics
from infra.azure.dns import dns_zones
from infra.azure.resource_id import parse
from localcloud.azure import types
from localcloud.plugin.azure.body import sent
from localcloud.plugin.azure.check import check
from localcloud.plugin.azure.table import body_properties, resource
from tests.infra.azure_parts import (
    AT,
    PLACE,
    TAGS,
    TENANT,
    THEIR_ACCOUNT,
    THEIR_KEY,
    THEIR_LOGS,
    THEIR_REGISTRY,
    THEIR_VAULT,
    WORKSPACE,
    zone,
)
from tests.infra.recorded import Record, each

DISPOSABLE = replace(PLACE, disposable=True)
GOVERNMENT = replace(PLACE, region="usgovvirginia", environment="usgovernment")
VAULT, KEY = "keyvault:Vault", "keyvault:Key"
ACCOUNT, CONTAINER = "storage:StorageAccount", "storage:BlobContainer"
BLOBS, POLICY = "storage:BlobServiceProperties", "storage:ManagementPolicy"
REGISTRY = "containerregistry:Registry"
LOGS, INSIGHTS = "operationalinsights:Workspace", "applicationinsights:Component"
SETTING = "monitor:DiagnosticSetting"
ASSIGNED = "authorization:RoleAssignment"
LONG = 2_192  # days; six years
EVERYTHING: dict[str, Any] = {
    "nat": True,
    "internet": True,
    "jobs": True,
    "image_push": True,
    "retention_days": LONG,
    "subjects": ("repo:acme/train:ref:refs/heads/main", "repo:acme/train:environment:prod"),
}
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


def test_old_versions_go_and_checkpoints_expire() -> None:
    [made] = zone(retention_days=90).of(POLICY)
    old, expired = made.inputs["policy"]["rules"]
    assert old["definition"]["actions"] == {
        "version": {"delete": {"daysAfterCreationGreaterThan": 30}},
        "snapshot": {"delete": {"daysAfterCreationGreaterThan": 30}},
    }
    assert expired["definition"]["filters"]["prefixMatch"] == ["checkpoints/"]
    assert expired["definition"]["actions"] == {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 90}}}


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
        assert told["rotationPolicy"]["attributes"] == {"expiryTime": "P120D"}


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


def test_log_analytics_takes_no_shared_key_and_nothing_from_outside(whole: Record) -> None:
    [made] = whole.of(LOGS)
    assert made.inputs["features"]["disableLocalAuth"] is True
    assert made.inputs["features"]["enableLogAccessUsingOnlyResourcePermissions"] is True
    assert made.inputs["publicNetworkAccessForIngestion"] == "Disabled"
    assert made.inputs["sku"]["name"] == "PerGB2018"
    [insights] = whole.of(INSIGHTS)
    assert insights.inputs["disableLocalAuth"] is True
    assert insights.inputs["publicNetworkAccessForIngestion"] == "Disabled"
    assert (
        insights.inputs["workspaceResourceId"]
        == f"{AT}/Microsoft.OperationalInsights/workspaces/{made.inputs['workspaceName']}"
    )


@pytest.mark.parametrize(("asked", "kept"), [(1, 30), (90, 90), (730, 730), (LONG, 730)])
def test_log_analytics_keeps_what_it_can_of_the_retention(asked: int, kept: int) -> None:
    [made] = zone(retention_days=asked).of(LOGS)
    assert made.inputs["retentionInDays"] == kept


def test_records_outlive_log_analytics_in_an_archive_that_forgets_too() -> None:
    assert [made.name for made in zone(retention_days=730).of(ACCOUNT)] == ["azure-weu-storage-account"]
    record = zone(retention_days=LONG)
    [policy] = [made for made in record.of(POLICY) if made.name == "azure-weu-audit-archive"]
    [_, expired] = policy.inputs["policy"]["rules"]
    assert expired["definition"]["actions"]["baseBlob"]["delete"] == {"daysAfterModificationGreaterThan": LONG}
    assert "prefixMatch" not in expired["definition"]["filters"]
    assert "appendBlob" in expired["definition"]["filters"]["blobTypes"]


def test_everything_that_can_tell_of_itself_does(whole: Record) -> None:
    told = {made.name.removeprefix("azure-weu-audit-").removesuffix("-diagnostics") for made in whole.of(SETTING)}
    assert told == {
        *("storage", "archive", "registry", "keys", "secrets", "log-analytics", "workspace", "activity"),
        *("vnet", "endpoints-rules", "agents-rules", "jobs-rules", "nat-address"),
    }
    for made in whole.of(SETTING):
        assert made.inputs["workspaceId"].startswith(f"{AT}/Microsoft.OperationalInsights/")
        assert [of for of in made.inputs["logs"] if of["enabled"]] == made.inputs["logs"] != []


def test_the_archive_records_everything_but_itself(whole: Record) -> None:
    for made in whole.of(SETTING):
        archived = "storageAccountId" in made.inputs
        assert archived != ("archive" in made.name)


def test_settings_ask_for_categories_that_their_kind_has(whole: Record) -> None:
    for made in whole.of(SETTING):
        uri = made.inputs["resourceUri"]
        kind = parse(uri).kind if "/providers/" in uri else diagnostics.SUBSCRIPTION
        told = diagnostics.table()[kind]
        assert {of["categoryGroup"] for of in made.inputs["logs"] if "categoryGroup" in of} == set(told.groups)
        assert {of["category"] for of in made.inputs["logs"] if "category" in of} == set(told.logs)
        assert {of["category"] for of in made.inputs["metrics"]} == set(told.metrics)


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


@pytest.mark.parametrize(
    ("place", "api", "notebooks", "suffix"),
    [
        (PLACE, "api.azureml.ms", "notebooks.azure.net", "core.windows.net"),
        (GOVERNMENT, "api.ml.azure.us", "notebooks.usgovcloudapi.net", "core.usgovcloudapi.net"),
    ],
)
def test_each_endpoint_has_the_names_of_its_cloud(place: Any, api: str, notebooks: str, suffix: str) -> None:
    record = zone(place=place)
    zones = set(each(record.of("privatedns:PrivateZone"), "privateZoneName"))
    assert zones == {name for names in dns_zones(place.environment).values() for name in names}
    assert {f"privatelink.{one}" for one in (api, notebooks, f"blob.{suffix}", f"file.{suffix}")} <= zones
    assert clouds.of(place.environment).storage == suffix
    links = record.of("privatedns:VirtualNetworkLink")
    assert set(each(links, "privateZoneName")) == zones
    assert set(each(links, "registrationEnabled")) == {False}


def test_both_clouds_have_zones_for_the_same_endpoints() -> None:
    assert set(dns_zones("public")) == set(dns_zones("usgovernment"))


def test_every_service_has_an_endpoint_whose_names_are_kept(whole: Record) -> None:
    endpoints = whole.of("network:PrivateEndpoint")
    joined = {made.inputs["privateLinkServiceConnections"][0]["groupIds"][0]: made for made in endpoints}
    assert set(joined) == {"amlworkspace", "blob", "file", "registry", "vault"}
    for group, made in joined.items():
        [names] = [
            of
            for of in whole.of("network:PrivateDnsZoneGroup")
            if of.inputs["privateEndpointName"] == made.inputs["privateEndpointName"]
        ]
        kept = {of["privateDnsZoneId"].rpartition("/")[2] for of in names.inputs["privateDnsZoneConfigs"]}
        assert kept == set(dns_zones("public")[group])
    assert joined["amlworkspace"].inputs["privateLinkServiceConnections"][0]["privateLinkServiceId"] == WORKSPACE


def test_the_endpoint_of_the_vault_leads_to_secrets_and_not_to_keys(whole: Record) -> None:
    made = whole.named("network:PrivateEndpoint", "azure-weu-endpoints-vault")
    [joined] = made.inputs["privateLinkServiceConnections"]
    assert (
        parse(joined["privateLinkServiceId"]).name
        == whole.named(VAULT, "azure-weu-keys-secrets").inputs["vaultName"]
    )


def test_endpoints_are_made_one_after_the_other(whole: Record) -> None:
    made = whole.of("network:PrivateEndpoint")
    urns = {one.urn for one in made}
    assert sorted(len(urns & whole.awaited(one)) for one in made) == [0, 1, 2, 3, 4]


def test_a_central_zone_is_used_and_neither_built_nor_linked() -> None:
    central = f"{AT.replace('/zone/', '/hub/')}/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
    record = zone(dns_zones=(("privatelink.vaultcore.azure.net", central),))
    zones = set(each(record.of("privatedns:PrivateZone"), "privateZoneName"))
    assert "privatelink.vaultcore.azure.net" not in zones
    assert len(zones) == 5
    assert set(each(record.of("privatedns:VirtualNetworkLink"), "privateZoneName")) == zones
    names = record.named("network:PrivateDnsZoneGroup", "azure-weu-endpoints-vault")
    assert [of["privateDnsZoneId"] for of in names.inputs["privateDnsZoneConfigs"]] == [central]


def test_adopted_things_are_looked_up_and_left_alone() -> None:
    record = zone(
        existing_key=THEIR_KEY,
        existing_vault=THEIR_VAULT,
        existing_account=THEIR_ACCOUNT,
        existing_registry=THEIR_REGISTRY,
        existing_logs=THEIR_LOGS,
    )
    assert [made.inputs["keyName"] for made in record.of(KEY)] == ["logs", "registry"]
    assert [made.name for made in record.of(VAULT)] == ["azure-weu-keys-keys"]
    for kind in (ACCOUNT, BLOBS, POLICY, CONTAINER, REGISTRY, LOGS):
        assert record.of(kind) == []
    watched = set(each(record.of(SETTING), "resourceUri"))
    assert not watched & {THEIR_ACCOUNT, THEIR_REGISTRY, THEIR_LOGS, THEIR_VAULT}
    assert set(each(record.of(SETTING), "workspaceId")) == {THEIR_LOGS}
    scopes = set(each(record.of(ASSIGNED), "scope"))
    assert {THEIR_KEY, THEIR_VAULT, THEIR_ACCOUNT, THEIR_REGISTRY} <= scopes


def test_an_adopted_account_may_call_its_containers_as_it_likes() -> None:
    record = zone(existing_account=THEIR_ACCOUNT, existing_containers=(("output", "results"), ("data", None)))
    scopes = {scope for scope in each(record.of(ASSIGNED), "scope") if "/containers/" in scope}
    blobs = f"{THEIR_ACCOUNT}/blobServices/default/containers"
    assert scopes == {f"{blobs}/results", f"{blobs}/checkpoints"}


@pytest.mark.parametrize(
    ("asked", "answer", "choices", "told"),
    [
        (
            "azure-native:storage:getStorageAccount",
            {"id": THEIR_ACCOUNT, "name": "acmetraining", "location": "northeurope"},
            {"existing_account": THEIR_ACCOUNT},
            "launchway:zones[0].existing.storage: storage account acmetraining is in northeurope, and the zone in "
            "westeurope; name one in the zone's region, or remove the setting",
        ),
        (
            "azure-native:keyvault:getVault",
            {"id": THEIR_VAULT, "properties": {"enableRbacAuthorization": False, "vaultUri": "https://acme/"}},
            {"existing_vault": THEIR_VAULT},
            "launchway:zones[0].existing.vault: vault acme gives rights by access policies; switch it to roles "
            "(enableRbacAuthorization), name another, or remove the setting",
        ),
        (
            "azure-native:keyvault:getVault",
            {"id": THEIR_VAULT, "properties": {"enableRbacAuthorization": True, "vaultUri": "https://acme/"}},
            {"existing_key": THEIR_KEY},
            "launchway:zones[0].existing.keys.data: vault acme can be purged, and no service takes a key from "
            "such a one; turn purge protection on (enablePurgeProtection), name another key, or remove the "
            "setting",
        ),
        (
            "azure-native:keyvault:getKey",
            {"id": THEIR_KEY, "kty": "EC", "keyUri": "https://acme/", "keyUriWithVersion": "https://acme/"},
            {"existing_key": THEIR_KEY},
            "launchway:zones[0].existing.keys.data: key training is of type EC, and storage, registry and "
            "workspace take RSA only; name an RSA key, or remove the setting",
        ),
        (
            "azure-native:containerregistry:getRegistry",
            {"id": THEIR_REGISTRY, "loginServer": "acme.azurecr.io", "sku": {"name": "Standard"}},
            {"existing_registry": THEIR_REGISTRY},
            "launchway:zones[0].existing.registry: registry acme is Standard, and only Premium ones have private "
            "endpoints; upgrade it, name another, or remove the setting",
        ),
    ],
)
def test_what_cannot_be_adopted_is_refused_with_its_setting(
    asked: str, answer: dict[str, Any], choices: dict[str, str], told: str
) -> None:
    with pytest.raises(pulumi.RunError, match=re.escape(told)):
        zone({asked: answer}, **choices)


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


def test_a_public_zone_takes_a_registry_of_any_tier() -> None:
    answer = {"id": THEIR_REGISTRY, "loginServer": "acme.azurecr.io", "sku": {"name": "Basic"}}
    asked = {"azure-native:containerregistry:getRegistry": answer}
    zone(asked, existing_registry=THEIR_REGISTRY, private=False, managed=False)
