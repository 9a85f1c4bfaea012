"""What the stand-in refuses before anything is made, fills in, and calls things."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.plugin.azure.differences import MADE_UP
from localcloud.plugin.azure.provider import AzureProvider
from localcloud.plugin.provider import ProviderError, Subject
from localcloud.plugin.schema import Checked
from localcloud.plugin.values import UNKNOWN
from tests.plugin.azure.lives import KEY, VAULT
from tests.plugin.azure.local import GROUP, Local

ACCOUNT: dict[str, Any] = {"resourceGroupName": "g", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}


@pytest.fixture
def provider(local: Local) -> AzureProvider:
    return local.provider()


def checked(
    provider: AzureProvider,
    token: str,
    inputs: dict[str, Any],
    olds: dict[str, Any] | None = None,
    seed: bytes = b"seed",
    proposal: str | None = None,
) -> Checked:
    return provider.check(Subject(f"azure-native:{token}", "data"), olds or {}, inputs, seed, proposal)


def reasons(provider: AzureProvider, token: str, inputs: dict[str, Any]) -> list[str]:
    return [failure.reason for failure in checked(provider, token, inputs).failures]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (
            {"minimumTlsVersoin": "TLS1_2"},
            "there is no property 'minimumTlsVersoin' (is 'minimumTlsVersion' meant?)",
        ),
        ({"sku": None}, "missing required property 'sku'"),
        ({"sku": {}}, "missing required property 'sku.name'"),
        ({"sku": {"name": 3}}, "'sku.name' should be of type 'string' but got a number"),
        ({"allowBlobPublicAccess": "no"}, "'allowBlobPublicAccess' should be of type 'boolean' but got a string"),
        ({"accessTier": "Warm"}, "'accessTier' is 'Warm', and Azure takes only Hot, Cool, Premium, Cold"),
        ({"accountName": "ab"}, "'accountName' is too short (2): at least 3 characters required"),
        ({"accountName": "a" * 25}, "'accountName' is too long (25): at most 24 characters allowed"),
        ({"accountName": "With-Hyphen"}, "'accountName' does not match expression '^[a-z0-9]+$'"),
        (
            {"networkRuleSet": {"ipRules": {}}},
            "'networkRuleSet.ipRules' should be of type 'array' but got an object",
        ),
        (
            {"networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"value": "192.0.2.1"}]}},
            "missing required property 'networkRuleSet.ipRules[0].iPAddressOrRange'",
        ),
        (
            {"identity": {"type": "UserAssigned", "userAssignedIdentities": [3]}},
            "'identity.userAssignedIdentities[0]' should be of type 'string' but got a number",
        ),
        ({"tags": {"owner": 1}}, "'tags.owner' should be of type 'string' but got a number"),
    ],
)
def test_a_wrong_input_is_refused_by_its_path(provider: AzureProvider, more: dict[str, Any], reason: str) -> None:
    found = reasons(provider, "storage:StorageAccount", {**ACCOUNT, **more})
    assert any(one.startswith(reason) for one in found), found


def test_numbers_are_held_to_their_bounds_and_to_being_whole(provider: AzureProvider) -> None:
    workspace = {"resourceGroupName": "g", "retentionInDays": 30.5}
    assert reasons(provider, "operationalinsights:Workspace", workspace) == [
        "'retentionInDays' must be an integer but got 30.5"
    ]
    service = {"resourceGroupName": "g", "accountName": "account", "blobServicesName": "default"}
    assert reasons(
        provider, "storage:BlobServiceProperties", {**service, "deleteRetentionPolicy": {"days": 366}}
    ) == ["'deleteRetentionPolicy.days' is too high (366 > 365)"]
    assert reasons(
        provider, "storage:BlobServiceProperties", {**service, "deleteRetentionPolicy": {"days": 0}}
    ) == ["'deleteRetentionPolicy.days' is too low (0 < 1)"]


def test_a_union_takes_the_types_it_lists_and_checks_the_one_that_is_meant(provider: AzureProvider) -> None:
    compute: dict[str, Any] = {"resourceGroupName": "g", "workspaceName": "work", "computeName": "cpu"}
    assert reasons(
        provider, "machinelearningservices:Compute", {**compute, "properties": {"computeType": "Amiga"}}
    )[0].startswith("'properties' is none of the types that it can be: computeType=AKS, computeType=AmlCompute")
    cluster = {"computeType": "AmlCompute", "properties": {"scaleSettings": {"minNodeCount": 0}}}
    assert reasons(provider, "machinelearningservices:Compute", {**compute, "properties": cluster}) == [
        "missing required property 'properties.properties.scaleSettings.maxNodeCount'"
    ]


def test_a_property_that_the_api_version_lacks_is_refused(provider: AzureProvider) -> None:
    network = {"resourceGroupName": "g", "subnets": [{"name": "a", "serviceGateway": {"id": "x"}}]}
    assert reasons(provider, "network:VirtualNetwork", network) == [
        "the api-version of this type has no 'subnets[0].serviceGateway'"
    ]


def test_what_is_not_known_yet_is_not_judged(provider: AzureProvider) -> None:
    unknown = {**ACCOUNT, "sku": UNKNOWN, "accountName": UNKNOWN, "networkRuleSet": {"defaultAction": UNKNOWN}}
    assert checked(provider, "storage:StorageAccount", unknown).failures == ()


def test_a_type_that_nobody_knows_is_an_error(provider: AzureProvider) -> None:
    with pytest.raises(ProviderError, match="Resource type azure-native:paint:Colour not found"):
        checked(provider, "paint:Colour", {})


def test_the_api_version_joins_the_inputs(provider: AzureProvider) -> None:
    assert checked(provider, "keyvault:Vault", {"resourceGroupName": "g", "properties": VAULT}).inputs[
        "azureApiVersion"
    ] == ("2024-11-01")


def test_a_top_level_name_is_made_up_and_stays(provider: AzureProvider) -> None:
    first = checked(provider, "resources:ResourceGroup", {}).inputs
    name = first["resourceGroupName"]
    assert name.startswith("data")
    assert len(name) == len("data") + 8
    assert first[MADE_UP] is True
    assert checked(provider, "resources:ResourceGroup", {}, first, b"other").inputs == first
    assert checked(provider, "resources:ResourceGroup", {}, seed=b"other").inputs["resourceGroupName"] != name


def test_a_name_below_another_resource_is_the_logical_one(provider: AzureProvider) -> None:
    key = {"resourceGroupName": "g", "vaultName": "v", "properties": KEY}
    inputs = checked(provider, "keyvault:Key", key).inputs
    assert inputs["keyName"] == "data"
    assert MADE_UP not in inputs


def test_a_role_assignment_is_named_by_a_uuid_whatever_is_proposed(provider: AzureProvider) -> None:
    given = {"scope": "/s", "principalId": "p", "roleDefinitionId": "r"}
    found = checked(provider, "authorization:RoleAssignment", given, proposal="data-1").inputs
    assert [len(part) for part in found["roleAssignmentName"].split("-")] == [8, 4, 4, 4, 12]
    assert found[MADE_UP] is True


def test_a_proposed_name_is_taken_and_a_given_one_comes_first(provider: AzureProvider) -> None:
    proposed = checked(
        provider, "keyvault:Vault", {"resourceGroupName": "g", "properties": VAULT}, proposal="vault-1"
    )
    assert (proposed.inputs["vaultName"], proposed.inputs[MADE_UP]) == ("vault-1", True)
    given = {"resourceGroupName": "g", "vaultName": "mine", "properties": VAULT}
    found = checked(provider, "keyvault:Vault", given, proposal="vault-1").inputs
    assert found["vaultName"] == "mine"
    assert MADE_UP not in found


def test_a_location_is_the_programs_or_the_last_or_the_providers_or_the_groups(local: Local) -> None:
    def located(provider: AzureProvider, olds: dict[str, Any] | None = None, **inputs: Any) -> Any:
        return checked(provider, "storage:StorageAccount", {**ACCOUNT, **inputs}, olds).inputs.get("location")

    settled, homeless = local.provider(), local.provider(location="")
    assert located(settled, location="northeurope") == "northeurope"
    assert located(settled, {"location": "swedencentral"}) == "swedencentral"
    assert located(settled) == "westeurope"
    assert located(homeless) is None
    assert reasons(homeless, "storage:StorageAccount", ACCOUNT)[0].startswith(
        "missing required property 'location'. Either set it explicitly or configure it"
    )
    assert located(homeless, resourceGroupName=UNKNOWN) is UNKNOWN
    local.ask("PUT", GROUP, "2024-03-01", {"location": "germanywestcentral"})
    assert located(homeless) == "germanywestcentral"
    calls = len(local.calls)
    assert located(homeless) == "germanywestcentral"
    assert len(local.calls) == calls


def test_a_type_without_a_place_gets_none(provider: AzureProvider) -> None:
    key = {"resourceGroupName": "g", "vaultName": "v", "properties": KEY}
    assert "location" not in checked(provider, "keyvault:Key", key).inputs


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"colour": "red"}, "Invalid or unknown key: colour"),
        ({"clientSecret": "word"}, "cannot honour clientSecret"),
        ({"useMsi": "perhaps"}, "useMsi must be of type bool"),
    ],
)
def test_a_setting_that_cannot_be_kept_is_refused(config: dict[str, Any], reason: str) -> None:
    assert reason in AzureProvider().check_config(config)[0].reason


def test_settings_of_an_emulated_zone_are_taken() -> None:
    config = {"subscriptionId": "s", "environment": "public", "metadataHost": "127.0.0.1:1", "useMsi": "true"}
    assert AzureProvider().check_config(config) == ()


def test_a_provider_without_a_subscription_or_of_an_unknown_cloud_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ARM_SUBSCRIPTION_ID", raising=False)
    with pytest.raises(ProviderError, match="A Subscription ID must be configured"):
        AzureProvider().configure({"environment": "public"})
    with pytest.raises(ProviderError, match="environment 'moon' was not found"):
        AzureProvider().configure({"subscriptionId": "s", "environment": "moon"})


def test_a_provider_that_is_not_configured_makes_nothing() -> None:
    with pytest.raises(ProviderError, match="not configured"):
        AzureProvider().create(Subject("azure-native:resources:ResourceGroup", "g"), {"resourceGroupName": "g"})
