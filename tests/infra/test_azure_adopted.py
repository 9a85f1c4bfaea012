"""What a zone on Azure adopts is looked up, left alone, given roles, and refused where it cannot serve."""

from __future__ import annotations

import re
from typing import Any

import pulumi
import pytest

from tests.infra.azure_parts import THEIR_ACCOUNT, THEIR_KEY, THEIR_LOGS, THEIR_REGISTRY, THEIR_VAULT, zone
from tests.infra.recorded import each

VAULT = "keyvault:Vault"
KEY = "keyvault:Key"
ACCOUNT = "storage:StorageAccount"
CONTAINER = "storage:BlobContainer"
BLOBS = "storage:BlobServiceProperties"
POLICY = "storage:ManagementPolicy"
REGISTRY = "containerregistry:Registry"
LOGS = "operationalinsights:Workspace"
SETTING = "monitor:DiagnosticSetting"
ASSIGNED = "authorization:RoleAssignment"


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
    assert scopes == {f"{blobs}/data", f"{blobs}/results", f"{blobs}/checkpoints"}


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


def test_a_public_zone_takes_a_registry_of_any_tier() -> None:
    answer = {"id": THEIR_REGISTRY, "loginServer": "acme.azurecr.io", "sku": {"name": "Basic"}}
    asked = {"azure-native:containerregistry:getRegistry": answer}
    zone(asked, existing_registry=THEIR_REGISTRY, private=False, managed=False)
