"""Records of a zone on Azure: what tells of itself, where it goes, and how long it stays."""

from __future__ import annotations

import pytest

from infra.azure import diagnostics
from infra.azure.resource_id import parse
from tests.infra import azure_zone, stacks
from tests.infra.azure_parts import AT, EVERYTHING, zone
from tests.infra.recorded import Record

ACCOUNT = "storage:StorageAccount"
POLICY = "storage:ManagementPolicy"
LOGS = "operationalinsights:Workspace"
INSIGHTS = "applicationinsights:Component"
SETTING = "monitor:DiagnosticSetting"
CPU = {"name": "cpu", "instance": "Standard_D4s_v3", "max": 4}
LONG = 2_192  # days; six years


@pytest.fixture(scope="module")
def whole() -> Record:
    """A zone with every part switched on; only read."""
    return zone(**EVERYTHING)


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
        *(f"{account}{use}" for account in ("storage", "archive") for use in ("", "-file", "-queue", "-table")),
        *("registry", "keys", "secrets", "log-analytics", "workspace", "activity"),
        *("vnet", "endpoints-rules", "agents-rules", "jobs-rules", "nat-address"),
    }
    for made in whole.of(SETTING):
        assert made.inputs["workspaceId"].startswith(f"{AT}/Microsoft.OperationalInsights/")
        assert [of for of in made.inputs["logs"] if of["enabled"]] == made.inputs["logs"] != []


def test_whatever_is_declared_tells_of_itself_or_has_a_reason_not_to(whole: Record) -> None:
    """Settings are matched by the id that each names, so that the table cannot answer for itself."""
    uris = {made.inputs["resourceUri"].lower() for made in whole.of(SETTING)}
    services = {uri.rpartition("/")[0].rpartition("/")[2] for uri in uris if "/storageaccounts/" in uri}
    assert services == {"blobservices", "fileservices", "queueservices", "tableservices"}
    declared, _ = azure_zone.build(stacks.azure_zone(network={"fqdns": ["pypi.org"]}, compute=[CPU]))
    kinds = {made.type.removeprefix("azure-native:") for made in [*whole.custom(), *declared.custom()]}
    quiet = set(diagnostics.silent())
    assert kinds - quiet == {
        *("containerregistry:Registry", "keyvault:Vault", "machinelearningservices:Workspace"),
        *("network:NetworkSecurityGroup", "network:PublicIPAddress", "network:VirtualNetwork"),
        *("operationalinsights:Workspace", "storage:BlobServiceProperties"),
    }
    assert quiet <= kinds
    assert all(diagnostics.silent().values())


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
