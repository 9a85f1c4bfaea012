"""A whole zone on Azure, declared without an engine: what is registered, what waits for what, and what is told."""

from __future__ import annotations

import re
from typing import Any

import pulumi
import pytest

from dispatcher import contract
from infra.azure import compute
from tests.infra import azure_parts
from tests.infra.azure_zone import (
    DEPLOYER,
    THEIR_NETWORK,
    THEIR_WORKSPACE,
    THEIRS,
    Subscription,
    build,
)
from tests.infra.recorded import Declared, Record, each
from tests.infra.stacks import SUBSCRIPTION, azure_zone

ML = "machinelearningservices"
WORKSPACE, CLUSTER, STORE = f"{ML}:Workspace", f"{ML}:Compute", f"{ML}:Datastore"
CPU = {"name": "cpu", "instance": "Standard_D4s_v3", "max": 4}
ADOPTED = {"mode": "existing", "vnet": THEIR_NETWORK, "endpointsSubnet": f"{THEIR_NETWORK}/subnets/ml"}
ONE_WORKSPACE = {
    "existing": {
        "workspace": THEIR_WORKSPACE,
        "storage": azure_parts.THEIR_ACCOUNT,
        "vault": azure_parts.THEIR_VAULT,
        "registry": azure_parts.THEIR_REGISTRY,
    }
}


@pytest.fixture(scope="module")
def whole() -> tuple[Record, contract.AzureZone]:
    """A default zone with a cluster; only read."""
    declared, told = build(azure_zone(compute=[CPU]))
    return declared, told["azure-weu"]


def one(declared: Record, kind: str) -> Declared:
    [made] = declared.of(kind)
    return made


def test_the_contract_of_a_zone_is_one_the_dispatcher_accepts(whole: tuple[Record, contract.AzureZone]) -> None:
    declared, told = whole
    document = {"version": 1, "updated_at": "2026-11-21T08:00:00Z", "environment": "eu", "regime": "none"}
    parsed = contract.parse({**document, "zones": {"azure-weu": contract.as_json(told)}}).zones["azure-weu"]
    assert parsed == told
    assert (told.subscription, told.region, told.azure_cloud) == (SUBSCRIPTION, "westeurope", "public")
    assert told.workspace == one(declared, WORKSPACE).inputs["workspaceName"]
    assert re.fullmatch(r"https://azureweu[0-9a-f]{8}\.blob\.core\.windows\.net/output", told.buckets.output.uri)
    assert told.keys.data.endswith("/keys/data")
    assert told.secrets.store.startswith("https://")
    assert told.identities.execution_client_id == "client-execution"
    assert told.compute == (contract.Compute("cpu", "Standard_D4s_v3", 0, 4),)
    assert "Microsoft.MachineLearningServices/workspaces/jobs/write" in told.actions.agent


def test_every_custom_resource_has_an_explicit_provider_of_its_place(
    whole: tuple[Record, contract.AzureZone],
) -> None:
    declared, _ = whole
    providers = {made.provider.rpartition("::")[0].rpartition("::")[2] for made in declared.custom()}
    assert providers == {"azure-weu", f"azure-{SUBSCRIPTION}"}


def test_everything_that_takes_tags_says_whose_it_is(whole: tuple[Record, contract.AzureZone]) -> None:
    declared, _ = whole
    for kind in (WORKSPACE, CLUSTER, "resources:ResourceGroup"):
        for made in declared.of(kind):
            assert made.inputs["tags"].items() >= {"owner": "ml-platform", "environment": "eu"}.items(), made.name
    assert one(declared, WORKSPACE).inputs["tags"]["zone"] == "azure-weu"


def test_the_workspace_says_every_security_property(whole: tuple[Record, contract.AzureZone]) -> None:
    declared, told = whole
    inputs = one(declared, WORKSPACE).inputs
    assert inputs["publicNetworkAccess"] == "Disabled"
    assert inputs["allowPublicAccessWhenBehindVnet"] is False
    assert inputs["systemDatastoresAuthMode"] == "Identity"
    assert inputs["hbiWorkspace"] is True
    assert inputs["v1LegacyMode"] is False
    assert inputs["imageBuildCompute"] == "cpu"
    assert inputs["primaryUserAssignedIdentity"].rpartition("/")[2].startswith("azure-weu-workspace-")
    assert inputs["identity"]["type"] == "UserAssigned"
    assert told.identities.execution in inputs["identity"]["userAssignedIdentities"]


def test_the_workspace_is_encrypted_with_the_key_of_its_records(whole: tuple[Record, contract.AzureZone]) -> None:
    declared, told = whole
    inputs = one(declared, WORKSPACE).inputs
    encryption = inputs["encryption"]
    assert encryption["status"] == "Enabled"
    assert encryption["keyVaultProperties"]["keyIdentifier"] == f"{told.keys.logs}/0123"
    assert encryption["identity"]["userAssignedIdentity"] == inputs["primaryUserAssignedIdentity"]
    assert inputs["enableServiceSideCMKEncryption"] is False  # that way takes no key from a closed vault
    # The vault of keys is not the one that the workspace keeps its secrets in.
    assert encryption["keyVaultProperties"]["keyVaultArmId"] != inputs["keyVault"]


def test_jobs_run_in_a_network_that_lets_out_only_what_is_approved(
    whole: tuple[Record, contract.AzureZone],
) -> None:
    declared, told = whole
    inputs = one(declared, WORKSPACE).inputs
    assert inputs["managedNetwork"] == {
        "isolationMode": "AllowOnlyApprovedOutbound",
        "managedNetworkKind": "V1",
    }
    assert inputs["provisionNetworkNow"] is True
    assert (told.network.mode, told.network.egress, told.network.ids.managed) == ("private", "none", True)


def test_the_workspace_waits_for_its_rights_its_key_its_stores_and_their_endpoints(
    whole: tuple[Record, contract.AzureZone],
) -> None:
    declared, _ = whole
    waited = declared.awaited(one(declared, WORKSPACE))
    rights = [
        made
        for made in declared.of("authorization:RoleAssignment")
        if made.name.startswith("azure-weu-roles-workspace-") and "-workspace-workspace-" not in made.name
    ]
    assert len(rights) > 5
    grant = declared.named("authorization:RoleAssignment", "azure-weu-keys-logs-workspace")
    endpoints = [made for made in declared.of("network:PrivateDnsZoneGroup") if "amlworkspace" not in made.name]
    for made in (*rights, grant, *endpoints, *declared.of("storage:BlobContainer")):
        assert made.urn in waited, made.name


def test_a_cluster_has_no_public_address_no_keys_and_sleeps(whole: tuple[Record, contract.AzureZone]) -> None:
    declared, told = whole
    cluster = one(declared, CLUSTER)
    outer = cluster.inputs["properties"]
    inner = outer["properties"]
    assert (cluster.inputs["computeName"], outer["computeType"], outer["disableLocalAuth"]) == (
        "cpu",
        "AmlCompute",
        True,
    )
    assert inner["enableNodePublicIp"] is False
    assert inner["remoteLoginPortPublicAccess"] == "Disabled"
    assert (inner["vmSize"], inner["vmPriority"]) == ("Standard_D4s_v3", "Dedicated")
    assert inner["scaleSettings"] == {
        "minNodeCount": 0,
        "maxNodeCount": 4,
        "nodeIdleTimeBeforeScaleDown": compute.IDLE,
    }
    assert "subnet" not in inner
    assert cluster.inputs["identity"]["userAssignedIdentities"] == [told.identities.execution]


def test_a_cluster_waits_for_the_workspaces_own_endpoint_and_rights(
    whole: tuple[Record, contract.AzureZone],
) -> None:
    declared, _ = whole
    waited = declared.awaited(one(declared, CLUSTER))
    assert declared.named("network:PrivateDnsZoneGroup", "azure-weu-endpoints-amlworkspace").urn in waited
    for made in declared.of("authorization:RoleAssignment"):
        if "-workspace-workspace-" in made.name:
            assert made.urn in waited


def test_datastores_are_called_by_use_and_keep_no_credentials(whole: tuple[Record, contract.AzureZone]) -> None:
    declared, told = whole
    stores = declared.of(STORE)
    assert [made.inputs["name"] for made in stores] == ["checkpoints", "data", "output"]
    for made in stores:
        properties = made.inputs["properties"]
        assert properties["credentials"] == {"credentialsType": "None"}
        assert properties["serviceDataAccessAuthIdentity"] == "WorkspaceUserAssignedIdentity"
        assert properties["containerName"] == getattr(told.buckets, made.inputs["name"]).name
        assert f"https://{properties['accountName']}.blob.{properties['endpoint']}" in told.buckets.data.uri


def test_without_groups_whoever_deploys_may_submit(whole: tuple[Record, contract.AzureZone]) -> None:
    declared, _ = whole
    given = [made for made in declared.of("authorization:RoleAssignment") if "-submitter-0-" in made.name]
    assert {(made.inputs["principalId"], made.inputs["principalType"]) for made in given} == {(DEPLOYER, "User")}


def test_groups_submit_instead_and_a_service_principal_deploys_as_what_it_is() -> None:
    group = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
    declared, _ = build(azure_zone(submitters=[group]))
    given = [made for made in declared.of("authorization:RoleAssignment") if "-submitter-" in made.name]
    assert {(made.inputs["principalId"], made.inputs["principalType"]) for made in given} == {(group, "Group")}
    ci = {"clientId": "ci", "objectId": "ci-object", "subscriptionId": SUBSCRIPTION, "tenantId": "t"}
    declared, _ = build(azure_zone(), answers={"azure-native:authorization:getClientConfig": ci})
    given = [made for made in declared.of("authorization:RoleAssignment") if "-submitter-" in made.name]
    assert {(made.inputs["principalId"], made.inputs["principalType"]) for made in given} == {
        ("ci-object", "ServicePrincipal")
    }


def test_an_adopted_workspace_is_read_and_keeps_its_settings() -> None:
    declared, told = build(azure_zone(**ONE_WORKSPACE, compute=[CPU]))
    assert declared.of(WORKSPACE) == []
    zone = told["azure-weu"]
    assert (zone.workspace, zone.resource_group) == ("acme", "shared")
    for made in (*declared.of(CLUSTER), *declared.of(STORE)):
        assert (made.inputs["workspaceName"], made.inputs["resourceGroupName"]) == ("acme", "shared")


REFUSED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (
        ONE_WORKSPACE,
        {
            "azure-native:machinelearningservices:getWorkspace": {
                "id": "x",
                "name": "acme",
                "location": "northeurope",
            }
        },
        r"zones\[0\]\.existing\.workspace: workspace acme is in northeurope, and the zone in westeurope",
    ),
    (
        {"network": ADOPTED},
        {"azure-native:network:getVirtualNetwork": {"id": "x", "location": "northeurope"}},
        r"zones\[0\]\.network\.vnet: virtual network hub is in northeurope",
    ),
]


@pytest.mark.parametrize(("changes", "answers", "words"), REFUSED)
def test_what_is_somewhere_else_is_refused_with_its_setting(
    changes: dict[str, Any], answers: dict[str, Any], words: str
) -> None:
    with pytest.raises(pulumi.RunError, match=words):
        build(azure_zone(**changes), answers=answers)


def test_two_zones_of_a_subscription_share_what_it_has_once() -> None:
    second = azure_zone(
        name="azure-neu", region="northeurope", network={"cidr": "10.129.0.0/16"}, retentionDays=700
    )
    cloud = Subscription()
    declared, told = build(azure_zone(), second, subscription=cloud)
    assert set(told) == {"azure-weu", "azure-neu"}
    assert len(declared.of("azure:Account")) == 1
    assert len(cloud.asked) == len(set(cloud.asked))
    logs = declared.named("operationalinsights:Workspace", f"azure-{SUBSCRIPTION}-audit-logs")
    assert logs.inputs["retentionInDays"] == 700
    activity = declared.named("monitor:DiagnosticSetting", f"azure-{SUBSCRIPTION}-audit-activity-diagnostics")
    assert activity.inputs["resourceUri"] == f"/subscriptions/{SUBSCRIPTION}"
    assert activity.inputs["workspaceId"].endswith(logs.inputs["workspaceName"])


def test_a_subscription_that_another_stack_built_is_looked_up_and_nothing_of_it_made() -> None:
    declared, _ = build(azure_zone(accountScope="existing"))
    assert [made for made in declared.custom() if made.name.startswith(f"azure-{SUBSCRIPTION}")] == []
    with pytest.raises(pulumi.RunError, match=r"accountScope: subscription .* has not registered"):
        build(azure_zone(accountScope="existing"), subscription=Subscription(registered=False))


def test_a_zone_with_an_adopted_audit_keeps_no_activity_log() -> None:
    declared, _ = build(azure_zone(audit="existing"))
    assert [made.name for made in declared.of("operationalinsights:Workspace")] == ["azure-weu-audit-logs"]


def test_a_budget_begins_with_the_month_it_is_built_in_and_stays() -> None:
    declared, _ = build(azure_zone(budget={"monthlyUsd": 500, "emails": ["ada@example.com"]}))
    budget = one(declared, "consumption:Budget")
    assert (budget.inputs["scope"], budget.inputs["amount"]) == (f"/subscriptions/{SUBSCRIPTION}", 500)
    assert re.fullmatch(r"\d{4}-\d\d-01T00:00:00Z", budget.inputs["timePeriod"]["startDate"])
    assert budget.ignored == ("timePeriod",)
    mails = budget.inputs["notifications"]
    assert {(mail["threshold"], mail["thresholdType"]) for mail in mails.values()} == {
        (80, "Actual"),
        (100, "Actual"),
        (100, "Forecasted"),
    }
    assert all(mail["contactEmails"] == ["ada@example.com"] for mail in mails.values())


def test_records_beyond_two_years_go_to_an_archive_too() -> None:
    declared, _ = build(azure_zone(retentionDays=2192))
    settings = [
        made for made in declared.of("monitor:DiagnosticSetting") if made.name.startswith("azure-weu-audit-")
    ]
    archived = [made for made in settings if "storageAccountId" in made.inputs]
    assert len(archived) == len(settings) - 4  # the services of the archive itself


def test_a_zone_of_the_government_cloud_speaks_of_its_own_addresses() -> None:
    declared, told = build(azure_zone(environment="usgovernment", region="usgovvirginia"))
    assert told["azure-weu"].azure_cloud == "usgovernment"
    assert {made.inputs["properties"]["endpoint"] for made in declared.of(STORE)} == {"core.usgovcloudapi.net"}
    zones = set(each(declared.of("privatedns:PrivateZone"), "privateZoneName"))
    assert "privatelink.api.ml.azure.us" in zones
    assert not [name for name in zones if "azure.net" in name]


def test_ci_signs_in_as_the_agent_of_its_zone() -> None:
    ci = {
        "issuer": "token.actions.githubusercontent.com",
        "subjects": ["repo:acme/train:ref:refs/heads/main", "repo:acme/train:environment:prod"],
    }
    declared, told = build(azure_zone(federation=ci))
    credentials = declared.of("managedidentity:FederatedIdentityCredential")
    assert [made.inputs["subject"] for made in credentials] == ci["subjects"]
    assert told["azure-weu"].identities.federation == f"{credentials[0].name}-id"


def test_a_disposable_zone_protects_nothing_and_a_durable_one_all_that_holds_data() -> None:
    durable, _ = build()
    disposable, _ = build(azure_zone(lifetime="disposable"))
    assert not any(made.protect for made in disposable.resources)
    kept = {made.type.rpartition(":")[2] for made in durable.resources if made.protect}
    assert kept >= {"BlobContainer", "Key", "ResourceGroup", "StorageAccount", "Vault", "Workspace", "Registry"}


def test_the_identity_without_which_nothing_can_be_read_is_kept() -> None:
    kept = {made.name for made in build()[0].of("managedidentity:UserAssignedIdentity") if made.protect}
    assert kept == {"azure-weu-identity-encryption"}


def test_what_takes_its_time_gets_more_of_it_than_the_provider_gives_by_itself() -> None:
    declared, _ = build(azure_zone(compute=[CPU], network={"fqdns": ["pypi.org"]}))
    timed = {made.type.rpartition(":")[2]: made.timeouts for made in declared.custom() if made.timeouts}
    assert set(timed) == {"Workspace", "ManagedNetworkSettingsRule", "Compute"}
    for timeouts in timed.values():
        assert set(timeouts) == {"create", "update", "delete"}
        assert all(int(value.removesuffix("h")) > 2 for value in timeouts.values())  # hours, its own


def test_everything_of_a_zone_is_in_the_zones_region(whole: tuple[Record, contract.AzureZone]) -> None:
    declared, _ = whole
    assert set(each(declared.custom(), "location")) == {"westeurope", "global", None}


def test_adopted_stores_are_used_by_the_datastores_and_endpoints() -> None:
    account = f"{THEIRS}/Microsoft.Storage/storageAccounts/acmetraining"
    declared, told = build(azure_zone(existing={"storage": account, "buckets": {"data": "train-data"}}))
    store = declared.named(STORE, "azure-weu-datastores-data").inputs
    assert (store["name"], store["properties"]["containerName"]) == ("data", "train-data")
    assert store["properties"]["accountName"] == "acmetraining"
    assert told["azure-weu"].buckets.data.name == "train-data"
    blob = declared.named("network:PrivateEndpoint", "azure-weu-endpoints-blob").inputs
    assert blob["privateLinkServiceConnections"][0]["privateLinkServiceId"].endswith("/acmetraining")
