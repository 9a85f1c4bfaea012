"""The key that a workspace on Azure keeps what it knows under: who may use it, and which version of it."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from infra.azure import bucket, compute, datastores, registry, roles, workspace
from infra.azure.rest import Answer
from infra.azure.site import Site
from tests.infra import azure_parts
from tests.infra.azure_zone import Subscription, build
from tests.infra.recorded import Declared, Record
from tests.infra.stacks import azure_zone

TOLD = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"


def workspace_of(declared: Record) -> Declared:
    [made] = declared.of("machinelearningservices:Workspace")
    return made


@pytest.mark.parametrize(
    ("zone", "cosmos"),
    [
        (azure_zone(), "graph.microsoft.com/a232010e-820c-4083-83bb-3ace5fc29d0b"),
        (
            azure_zone(region="usgovvirginia", environment="usgovernment"),
            "graph.microsoft.us/57506a73-e302-42a9-b869-6f12d9ec29e9",
        ),
        (azure_zone(cosmosPrincipal=TOLD), TOLD),
    ],
)
def test_cosmos_db_of_the_zones_cloud_uses_the_workspaces_key_and_no_other(
    zone: dict[str, Any], cosmos: str
) -> None:
    declared, _ = build(zone)
    grant = declared.named("authorization:RoleAssignment", "azure-weu-keys-logs-cosmos")
    assert grant.inputs["principalId"] == cosmos
    assert grant.inputs["scope"].endswith("/keys/logs")
    assert grant.inputs["roleDefinitionId"].endswith(
        roles.table().builtin["Key Vault Crypto Service Encryption User"]
    )
    assert grant.urn in declared.awaited(workspace_of(declared))
    held = [made for made in declared.of("authorization:RoleAssignment") if made.inputs["principalId"] == cosmos]
    assert held == [grant]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(403, {"error": {"code": "Authorization_RequestDenied"}}), "does not say who Azure Cosmos DB is"),
        (Answer(200, {"value": []}), "az ad sp create --id a232010e"),
    ],
)
def test_a_directory_that_does_not_tell_cosmos_db_is_refused_with_the_command_that_does(
    answer: Answer, words: str
) -> None:
    with pytest.raises(pulumi.RunError, match=rf"zones\[0\]\.cosmosPrincipal: .*{words}"):
        build(azure_zone(), subscription=Subscription(directory=answer))


def test_a_preview_goes_on_where_cosmos_db_is_still_to_be_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: True)
    build(azure_zone(), subscription=Subscription(directory=Answer(200, {"value": []})))


def test_a_workspace_uses_the_version_that_the_settings_name_whatever_its_owner_rotates() -> None:
    asked = {"azure-native:keyvault:getKey": {**azure_parts.ASKED["azure-native:keyvault:getKey"]}}
    key, version = azure_parts.THEIR_KEY, "0123456789abcdef0123456789abcdef"
    zone = azure_zone(existing={"keys": {"logs": f"{key}/versions/{version}"}})
    told: list[str] = []
    for current in ("1", "2"):
        asked["azure-native:keyvault:getKey"]["keyUriWithVersion"] = (
            f"https://acme.vault.azure.net/keys/k/{current}"
        )
        declared, _ = build(zone, answers=asked)
        encryption = workspace_of(declared).inputs["encryption"]["keyVaultProperties"]
        told.append(encryption["keyIdentifier"])
        assert encryption["keyVaultArmId"] == azure_parts.THEIR_VAULT
    assert told == [f"https://acme.vault.azure.net/keys/training/{version}"] * 2


def test_whatever_uses_a_role_just_given_is_tried_again_while_it_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[str] = []

    def again(site: Site, name: str) -> pulumi.ResourceHookBinding:
        tried.append(name)
        return pulumi.ResourceHookBinding()

    for module in (bucket, compute, datastores, registry, workspace):
        monkeypatch.setattr(module, "retry_while_granting", again)
    declared, _ = build(azure_zone(compute=[{"name": "cpu", "instance": "Standard_D4s_v3", "max": 4}]))
    kinds = ("Workspace", "Compute", "Datastore")
    users = [made.name for kind in kinds for made in declared.of(f"machinelearningservices:{kind}")]
    users += [
        made.name
        for kind in ("storage:StorageAccount", "containerregistry:Registry")
        for made in declared.of(kind)
    ]
    assert sorted(tried) == sorted(users)
