"""What a rotated key changes: nothing in a plan, and the version a workspace uses when somebody says so."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud import Cloud
from localcloud.place import TENANT
from tests.engine.clients import SUBSCRIBED, azure
from tests.engine.ground import Ground, emulated, views
from tests.engine.project import Project, stack_settings

pytestmark = pytest.mark.engine

GROUP = f"{SUBSCRIBED}/resourceGroups/theirs"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/theirs"


def _rotate(cloud: Cloud, key: str) -> str:
    """Do to a key (its address) what its policy does to it; the address of the new version."""
    host, _, rest = key.removeprefix("https://").partition("/keys/")
    made = cloud.azure("POST", f"vault/{host.split('.')[0]}/keys/{rest.split('/')[0]}/rotate?api-version=7.4", {})
    return str(made["key"]["kid"])


def _used(ground: Ground, project: Project) -> str:
    (view,) = views(ground, project)
    key: str = view.workspace["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"]
    return key


def test_a_rotated_key_changes_no_plan_until_a_refresh_brings_the_workspace_along(own: Ground) -> None:
    project = own.project("local", stack_settings("local", "azure"))
    project.up()
    before = _used(own, project)
    after = _rotate(own.cloud, before)
    assert after != before
    assert project.preview("--expect-no-changes").changes == {}
    assert project.up("--expect-no-changes").changes == {}
    assert _used(own, project) == before
    project.up("--refresh")
    assert _used(own, project) == after
    assert project.preview("--expect-no-changes").changes == {}


def test_a_workspace_follows_the_settings_and_not_the_owner_of_an_adopted_key(own: Ground) -> None:
    azure(own.cloud, f"{SUBSCRIBED}/providers/Microsoft.KeyVault/register", method="POST")
    azure(own.cloud, f"{SUBSCRIBED}/providers/Microsoft.KeyVault")
    azure(own.cloud, GROUP, body={"location": "westeurope"})
    vault = {
        "tenantId": TENANT,
        "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": True,
        "enablePurgeProtection": True,
    }
    azure(own.cloud, VAULT, body={"location": "westeurope", "properties": vault})
    key = azure(own.cloud, f"{VAULT}/keys/logs", body={"properties": {"kty": "RSA", "keySize": 3072}})

    def settings(version: str) -> dict[str, Any]:
        (zone,) = stack_settings("local", "azure")["launchway:zones"]
        adopting = {**zone, "existing": {"keys": {"logs": f"{VAULT}/keys/logs/versions/{version}"}}}
        return {**stack_settings("local", "azure"), "launchway:zones": [adopting]}

    before = str(key["properties"]["keyUriWithVersion"])
    project = own.project("local", settings(before.rpartition("/")[2]))
    project.up()
    assert _used(own, project) == before
    after = _rotate(own.cloud, before)
    assert project.preview("--expect-no-changes").changes == {}
    assert project.refresh("--expect-no-changes").changes == {}
    project.configure(emulated(settings(after.rpartition("/")[2])))
    up = project.up()
    assert [kind for kind, _ in up.steps if kind.startswith("azure-native:")] == [
        "azure-native:machinelearningservices:Workspace"
    ]
    assert _used(own, project) == after
