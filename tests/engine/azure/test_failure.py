"""What fails half-way leaves a state that the next up can finish."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from localcloud.place import SUBSCRIPTION
from tests.engine.altered import altered
from tests.engine.census import census
from tests.engine.clients import SUBSCRIBED, azure
from tests.engine.ground import Ground, zones
from tests.engine.project import CHECKOUT, stack_settings

pytestmark = pytest.mark.engine

REGION = "westeurope"
NOBODY = "99999999-9999-4999-8999-999999999999"


def test_a_resource_that_the_cloud_refuses_stops_up_and_the_next_up_completes(own: Ground, tmp_path: Path) -> None:
    whole = own.project("local", stack_settings("local", "azure"))
    planned = whole.preview().names("create")
    gone = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/nobody-made-this"
    refused = {
        "type": "azure-native:monitor:DiagnosticSetting",
        "name": "*",
        "set": {"workspaceId": f"{gone}/providers/Microsoft.OperationalInsights/workspaces/nobody-made-this"},
    }
    broken = altered(whole, [refused], tmp_path / "broken")
    first = broken.up(check=False)
    assert first.code != 0
    assert "nobody-made-this" in first.message
    made = {name for _, name in whole.export()}
    assert 10 < len(made) < len(planned)

    second = whole.up()
    assert set(second.changes.values()) == {"create"}
    assert whole.preview("--expect-no-changes").changes == {}
    whole.destroy()
    assert census(own.cloud, "azure", REGION) == {}


def test_a_principal_that_is_nobody_is_refused_with_azures_own_words(own: Ground, tmp_path: Path) -> None:
    whole = own.project("local", stack_settings("local", "azure"))
    nobody = {
        "type": "azure-native:authorization:RoleAssignment",
        "name": "*-keys-data-encryption",
        "set": {"principalId": NOBODY},
    }
    outcome = altered(whole, [nobody], tmp_path / "nobody").up(check=False)
    assert outcome.code != 0
    assert "does not exist in the directory" in outcome.message


# What each service says of a grant that has not reached it: its operation, with code and words.
NOT_YET = {
    ("storage", "PutStorageAccount"): (
        "KeyVaultAuthenticationFailure",
        "The operation failed because of authentication issue on the keyvault. For more information, see - "
        "https://aka.ms/storagekeyvaultaccesscontrol",
    ),
    ("containerregistry", "PutRegistry"): (
        "BadRequest",
        "Failed to access KeyId 'https://acme.vault.azure.net/keys/registry'. Verify that identity '123' has "
        "'Get, Wrap Key, Unwrap Key' permission on key 'https://acme.vault.azure.net/keys/registry'. For more "
        "information on bring your own key, please visit 'https://aka.ms/acr/cmk'.",
    ),
    ("authorization", "PutRoleAssignment"): (
        "RoleDefinitionDoesNotExist",
        "The specified role definition with ID '00000000000040008000000000000001' does not exist.",
    ),
}


def test_a_grant_or_a_role_that_travels_is_waited_for(own: Ground) -> None:
    for (service, operation), (code, message) in NOT_YET.items():
        own.cloud.fault(
            "error", service=service, operation=operation, times=6, code=code, message=message, status=400
        )
    # Asked for once before each is made, and then until all servers know it.
    own.cloud.fault("missing", service="authorization", operation="GetRoleDefinition", times=6)
    outcome = own.project("local", stack_settings("local", "azure")).up()
    for called in NOT_YET:
        assert len([one for one in own.cloud.requests(*called) if one["status"] == 400]) == 6
    answers: dict[str, list[int]] = {}  # to questions about a definition since it was made
    for one in own.cloud.requests("authorization"):
        id = str(one["parameters"].get("id"))
        if one["operation"] == "PutRoleDefinition":
            answers[id] = []
        elif one["operation"] == "GetRoleDefinition" and id in answers:
            answers[id].append(one["status"])
    assert any(404 in given for given in answers.values())
    assert [given[-3:] for given in answers.values()] == [[200] * 3] * len(answers)
    assert set(outcome.changes.values()) == {"create"}


def test_a_subscription_that_was_never_used_gets_its_resource_providers(own: Ground) -> None:
    namespace = f"{SUBSCRIBED}/providers/Microsoft.MachineLearningServices"
    assert azure(own.cloud, namespace)["registrationState"] == "NotRegistered"
    project = own.project("local", stack_settings("local", "azure"))
    project.preview()
    assert azure(own.cloud, namespace)["registrationState"] == "NotRegistered"
    project.up()
    assert azure(own.cloud, namespace)["registrationState"] == "Registered"


def test_names_that_azure_keeps_are_new_in_every_life(own: Ground) -> None:
    project = own.project("local", stack_settings("local", "azure"))
    project.up()
    (first,) = zones(project).values()
    project.destroy()
    project.up()
    (second,) = zones(project).values()
    assert first.workspace != second.workspace
    assert first.secrets.store != second.secrets.store
    assert first.buckets.data.uri == second.buckets.data.uri


def test_an_exception_in_the_program_keeps_what_was_made_and_the_next_up_completes(own: Ground) -> None:
    def broken(folder: Path) -> None:
        shutil.copytree(CHECKOUT / "infra", folder / "infra", ignore=shutil.ignore_patterns("__pycache__"))
        path = folder / "infra" / "azure" / "registry.py"
        marker = "super().__init__("
        assert marker in path.read_text()
        path.write_text(
            path.read_text().replace(marker, f'raise RuntimeError("registry gave up")\n        {marker}', 1)
        )

    project = own.project("local", stack_settings("local", "azure"), broken)
    first = project.up(check=False)
    assert first.code != 0
    assert "registry gave up" in first.message
    before = set(project.export())

    shutil.rmtree(project.folder / "infra")
    (project.folder / "infra").symlink_to(CHECKOUT / "infra")
    second = project.up()
    assert {step.op for key, step in second.steps.items() if key in before} <= {"update"}
    assert project.preview("--expect-no-changes").changes == {}
