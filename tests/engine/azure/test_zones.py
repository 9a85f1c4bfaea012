"""Zones of other shapes than those of stacks/: two in one subscription, own network, egress, archive, durable."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.azure.directory import principal
from tests.engine.census import census
from tests.engine.clients import azure, azure_listed
from tests.engine.ground import Ground, views, zones
from tests.engine.life import inspect
from tests.engine.project import stack_settings

pytestmark = pytest.mark.engine

REGION = "westeurope"
GROUP = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"


def _zone(**settings: Any) -> dict[str, Any]:
    (zone,) = stack_settings("local", "azure")["launchway:zones"]
    return {**zone, **settings}


def _settings(*found: dict[str, Any]) -> dict[str, Any]:
    return {**stack_settings("local", "azure"), "launchway:zones": list(found)}


def _complaints(ground: Ground, project: Any, *but: str) -> dict[str, list[str]]:
    said = inspect(ground, project).items()
    return {name: sentences for name, sentences in said if sentences and name not in but}


def test_two_zones_of_one_subscription_share_what_a_subscription_has_once(own: Ground) -> None:
    federation = {
        "issuer": "token.actions.githubusercontent.com",
        "subjects": ["repo:acme/ml:ref:refs/heads/main", "repo:acme/ml:environment:prod"],
    }
    budget = {"monthlyUsd": 500, "emails": ["ada@example.com"]}
    first = _zone(name="first", federation=federation, budget=budget)
    second = _zone(name="second", region="northeurope", network={"cidr": "10.65.0.0/16"})
    project = own.project("two", _settings(first, second))
    project.up()
    assert project.preview("--expect-no-changes").changes == {}
    found = zones(project)
    assert set(found) == {"first", "second"}
    there = census(own.cloud, "azure", REGION)
    (spending,) = there["budgets"]
    mails = azure(own.cloud, spending)["properties"]["notifications"].values()
    assert [mail["contactEmails"] for mail in mails] == [["ada@example.com"]] * len(mails)
    activity = [id for id in there["diagnosticSettings"] if "/resourceGroups/" not in id]
    assert len(activity) == 1
    assert len({zone.identities.agent for zone in found.values()}) == 2
    assert found["second"].identities.federation is None
    agent = found["first"].identities.agent
    credentials = azure_listed(own.cloud, f"{agent}/federatedIdentityCredentials")
    assert [one["properties"]["subject"] for one in credentials] == federation["subjects"]
    assert found["first"].identities.federation == credentials[0]["id"]
    project.destroy()
    assert census(own.cloud, "azure", REGION) == {}


def test_jobs_in_the_zones_own_network_leave_by_one_address_for_what_azure_needs(own: Ground) -> None:
    project = own.project("inside", _settings(_zone(managedNetwork=False)))
    project.up()
    assert project.preview("--expect-no-changes").changes == {}
    (view,) = views(own, project)
    assert not view.zone.network.ids.managed
    (jobs,) = [one["id"] for one in view.subnets if one["name"] == "jobs"]
    assert jobs in view.zone.network.ids.subnets
    assert [one["properties"]["properties"]["subnet"]["id"] for one in view.clusters] == [jobs]
    assert len(view.of("Microsoft.Network/publicIPAddresses")) == 1
    assert _complaints(own, project) == {}
    project.destroy()
    assert census(own.cloud, "azure", REGION) == {}


def test_agents_inside_get_a_way_to_sign_in_and_jobs_none(own: Ground) -> None:
    project = own.project("agents", _settings(_zone(network={"agents": True})))
    project.up()
    (view,) = views(own, project)
    assert view.zone.network.egress == "none"
    (agents,) = [one for one in view.subnets if one["name"] == "agents"]
    assert agents["properties"]["natGateway"]
    way_out = "azure.network.nothing_has_a_public_address_without_declared_egress"
    assert list(_complaints(own, project)) == [way_out]  # asked for by `agents`, which no contract tells


def test_egress_nat_opens_the_managed_network_and_hosts_are_approved_without_it(own: Ground) -> None:
    settings = _settings(_zone(network={"egress": "nat"}))
    project = own.project("open", settings)
    project.up()
    assert project.preview("--expect-no-changes").changes == {}
    (view,) = views(own, project)
    assert view.workspace["properties"]["managedNetwork"]["isolationMode"] == "AllowInternetOutbound"
    assert _complaints(own, project) == {}

    project.configure(_settings(_zone(network={"fqdns": ["pypi.org", "*.pythonhosted.org"]})))
    project.up()
    assert project.preview("--expect-no-changes").changes == {}
    (view,) = views(own, project)
    managed = view.workspace["properties"]["managedNetwork"]
    assert (managed["isolationMode"], managed["firewallSku"]) == ("AllowOnlyApprovedOutbound", "Basic")
    rules = view.every(f"{view.workspace['id']}/outboundRules")
    assert sorted(rule["properties"]["destination"] for rule in rules) == ["*.pythonhosted.org", "pypi.org"]
    project.destroy()
    assert census(own.cloud, "azure", REGION) == {}


def test_a_public_zone_has_keys_storage_and_identities_and_neither_network_nor_cluster(own: Ground) -> None:
    project = own.project("public", _settings(_zone(network={"mode": "public"})))
    project.up()
    assert project.preview("--expect-no-changes").changes == {}
    (view,) = views(own, project)
    assert (view.zone.network.mode, view.zone.network.ids.vnet, view.clusters) == ("public", None, [])
    assert not [kind for kind, _ in project.export() if kind.startswith("azure-native:network:")]
    assert _complaints(own, project) == {}


def test_records_beyond_what_log_analytics_keeps_go_to_an_archive_too(own: Ground) -> None:
    project = own.project("archive", _settings(_zone(retentionDays=2190)))
    project.up()
    assert project.preview("--expect-no-changes").changes == {}
    (view,) = views(own, project)
    name = str(view.zone.buckets.data.uri).removeprefix("https://").partition(".")[0]
    (archive,) = [account for account in view.accounts if account["name"] != name]
    rules = view.get(f"{archive['id']}/managementPolicies/default")["properties"]["policy"]["rules"]
    kept = [rule["definition"]["actions"].get("baseBlob") for rule in rules]
    assert {"delete": {"daysAfterModificationGreaterThan": 2190}} in kept
    sent = {
        setting["properties"].get("storageAccountId")
        for vault in view.vaults
        for setting in view.settings(vault["id"])
    }
    assert sent == {archive["id"]}
    assert _complaints(own, project) == {}
    project.destroy()
    assert census(own.cloud, "azure", REGION) == {}


def test_a_zone_of_azure_government_has_that_clouds_hosts_and_its_cosmos_db(own: Ground) -> None:
    project = own.project("gov", _settings(_zone(region="usgovvirginia", environment="usgovernment")))
    project.up()
    assert project.preview("--expect-no-changes").changes == {}
    (view,) = views(own, project)
    assert view.zone.azure_cloud == "usgovernment"
    assert view.zone.registry.url.endswith(".azurecr.us")
    assert view.zone.secrets.store.endswith(".vault.usgovcloudapi.net")
    assert ".blob.core.usgovcloudapi.net/" in view.zone.buckets.data.uri
    hosts = {one["name"] for one in view.of("Microsoft.Network/privateDnsZones")}
    assert {"privatelink.api.ml.azure.us", "privatelink.azurecr.us"} <= hosts
    theirs = principal("Azure Cosmos DB", "usgovernment")
    assert [held.role for held in view.held(theirs)] == ["Key Vault Crypto Service Encryption User"]
    project.destroy()
    assert census(own.cloud, "azure", "usgovvirginia") == {}


def test_groups_of_submitters_submit_as_themselves_instead_of_whoever_deploys(own: Ground) -> None:
    project = own.project("groups", _settings(_zone(submitters=[GROUP])))
    project.up()
    (view,) = views(own, project)
    jobs = "Microsoft.MachineLearningServices/workspaces/jobs/write"
    assert jobs in view.on(GROUP, view.workspace["id"])
    assert {one["properties"]["principalType"] for one in view.assignments} == {"Group", "ServicePrincipal"}


def test_a_durable_zone_refuses_destroy_with_the_command_that_lifts_the_protection(own: Ground) -> None:
    project = own.project("durable", _settings(_zone(lifetime="durable")))
    project.up()
    before = census(own.cloud, "azure", REGION)
    refused = project.destroy(check=False)
    assert refused.code != 0
    assert "protect" in refused.message
    assert "pulumi state unprotect" in refused.message
    after = census(own.cloud, "azure", REGION)
    for kind in ("Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults", "resourceGroups"):
        assert after.get(kind) == before.get(kind)
    protected = {found.type for found in project.export().values() if found.protect}
    assert {
        "azure-native:storage:StorageAccount",
        "azure-native:storage:BlobContainer",
        "azure-native:keyvault:Vault",
        "azure-native:keyvault:Key",
        "azure-native:containerregistry:Registry",
        "azure-native:machinelearningservices:Workspace",
    } <= protected

    project.command("state", "unprotect", "--all", "--yes")
    project.destroy()
    assert census(own.cloud, "azure", REGION) == {}
