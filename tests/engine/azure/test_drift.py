"""What somebody changes behind Pulumi's back is seen by a refresh and healed by the next up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.clients import azure
from tests.engine.ground import Ground, views
from tests.engine.life import inspect
from tests.engine.project import Project
from tests.engine.security.azure.view import View

pytestmark = pytest.mark.engine

PACKAGE = "azure-native:"


def _patch(view: View, id: str, **properties: Any) -> None:
    azure(view.cloud, id, {}, {"properties": properties}, "PATCH")


def _keys_open_the_storage(view: View) -> None:
    _patch(view, view.accounts[0]["id"], allowSharedKeyAccess=True)


def _no_versions(view: View) -> None:
    _patch(view, f"{view.accounts[0]['id']}/blobServices/default", isVersioningEnabled=False)


def _anybody_pulls(view: View) -> None:
    _patch(view, view.registry["id"], anonymousPullEnabled=True)


def _the_workspace_is_public(view: View) -> None:
    _patch(view, view.workspace["id"], publicNetworkAccess="Enabled")


def _records_are_short(view: View) -> None:
    (ours,) = [one for one in view.logs if f"/resourceGroups/{view.zone.resource_group}/" in one["id"]]
    _patch(view, ours["id"], retentionInDays=30)


def _rules_are_gone(view: View) -> None:
    (guard,) = [one for one in view.guards if "agents" in one["name"]]
    _patch(view, guard["id"], securityRules=[])


def _the_agent_may_nothing(view: View) -> None:
    at = view.workspace["id"].lower()
    for one in view.assignments:
        if one["properties"]["principalId"] == view.agent and one["properties"]["scope"].lower() == at:
            azure(view.cloud, one["id"], method="DELETE")


# What is done to the zone -> the type of the resource that must show it.
DRIFTS: dict[Callable[[View], None], str] = {
    _keys_open_the_storage: "azure-native:storage:StorageAccount",
    _no_versions: "azure-native:storage:BlobServiceProperties",
    _anybody_pulls: "azure-native:containerregistry:Registry",
    _the_workspace_is_public: "azure-native:machinelearningservices:Workspace",
    _records_are_short: "azure-native:operationalinsights:Workspace",
    _rules_are_gone: "azure-native:network:NetworkSecurityGroup",
    _the_agent_may_nothing: "azure-native:authorization:RoleAssignment",
}


def test_a_refresh_sees_every_drift_and_up_heals_all_of_them(shared: Ground, local: Project) -> None:
    (view,) = views(shared, local)
    for drift in DRIFTS:
        drift(view)
    assert any(inspect(shared, local).values())

    seen = local.refresh()
    touched = sorted(kind for kind, _ in seen.steps if kind.startswith(PACKAGE))
    assert touched == sorted(DRIFTS.values())

    healed = local.up()
    assert sorted(kind for kind, _ in healed.steps if kind.startswith(PACKAGE)) == sorted(DRIFTS.values())
    complaints = {name: said for name, said in inspect(shared, local).items() if said}
    assert complaints == {}
    assert local.preview("--expect-no-changes").changes == {}
