"""The stand-in for azure-native under the real `pulumi` command, from the first plan to the last destroy."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import Refused
from localcloud.place import PERSON, SUBSCRIPTION
from localcloud.plugin.values import UNKNOWN_WIRE
from tests.engine.ground import Ground, ground, stand_in
from tests.engine.project import Project

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).parents[1] / "programs" / "azure_tiny.py"
SETTINGS = {"launchway:owner": "test"}
NAMESPACES = ("Microsoft.KeyVault", "Microsoft.ManagedIdentity", "Microsoft.Network", "Microsoft.Storage")
GROUPS = "2024-03-01"
STORAGE = "2024-01-01"
ANOTHER_ROLE = "7f951dda-4ed3-4680-a7ca-43fe172d538d"  # AcrPull


def program(folder: Path) -> None:
    (folder / "infra").mkdir()
    shutil.copy(PROGRAM, folder / "infra" / "__main__.py")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground(tmp_path_factory.mktemp("plugin"), stand_in) as found:
        for name in NAMESPACES:
            ask(found, f"/subscriptions/{SUBSCRIPTION}/providers/{name}/register", "2021-04-01", "POST")
            ask(found, f"/subscriptions/{SUBSCRIPTION}/providers/{name}", "2021-04-01")
        yield found


@pytest.fixture(scope="module")
def tiny(place: Ground) -> Project:
    """The tiny program, up. Tests leave it as they found it."""
    project = place.project("tiny", SETTINGS, program)
    project.up()
    return project


def wanting(project: Project, **want: Any) -> Project:
    return dataclasses.replace(project, environment={**project.environment, "WANT": json.dumps(want)})


def ask(place: Ground, id: str, version: str, method: str = "GET", body: Any = None) -> Any:
    """A call of Resource Manager on the local cloud; None when nothing is there."""
    try:
        return place.cloud.azure(method, f"arm{id}?api-version={version}", body)
    except Refused as error:
        if error.status == 404:
            return None
        raise


def test_a_first_plan_knows_the_inputs_and_not_what_azure_decides(place: Ground) -> None:
    project = place.project("planned", SETTINGS, program)
    outcome = project.preview()
    assert set(outcome.changes.values()) == {"create"}
    events = [json.loads(line) for line in outcome.output.splitlines() if line.startswith("{")]
    found = [event["resOutputsEvent"]["metadata"] for event in events if "resOutputsEvent" in event]
    planned = {f"{entry['type']} {entry['urn'].rsplit('::', 1)[1]}": entry["new"] for entry in found}
    account = planned["azure-native:storage:StorageAccount data"]
    assert account["inputs"]["accountName"] == "launchwaytiny"
    assert account["outputs"]["primaryEndpoints"] == UNKNOWN_WIRE
    assert account["outputs"]["location"] == "westeurope"
    group = planned["azure-native:resources:ResourceGroup group"]
    assert group["inputs"]["resourceGroupName"].startswith("group")


def test_what_is_up_needs_nothing_more(tiny: Project) -> None:
    assert tiny.preview("--expect-no-changes").changes == {}
    assert tiny.refresh("--expect-no-changes").changes == {}
    assert tiny.preview("--expect-no-changes").changes == {}


def test_outputs_are_the_real_providers(tiny: Project) -> None:
    outputs = tiny.outputs()
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{outputs['group']}"
    assert outputs["account"] == f"{group}/providers/Microsoft.Storage/storageAccounts/launchwaytiny"
    assert outputs["subnet"] == f"{group}/providers/Microsoft.Network/virtualNetworks/net/subnets/a"
    assert outputs["blob"].startswith("https://launchwaytiny.blob.")
    assert outputs["vault"].startswith("https://vault")
    assert outputs["person"] == PERSON
    assert outputs["assignment"].startswith(
        f"{outputs['account']}/providers/Microsoft.Authorization/roleAssignments/"
    )


def test_an_update_changes_the_cloud_and_keeps_what_stands_alone(place: Ground, tiny: Project) -> None:
    changed = wanting(tiny, **{"class": "public", "protect": True}).up()
    assert changed.names("update") == ["data", "net"]
    assert ask(place, tiny.outputs()["account"], STORAGE)["tags"] == {"class": "public"}
    assert ask(place, tiny.outputs()["subnet"], "2024-05-01")["name"] == "a"
    assert tiny.up().names("update") == ["data", "net"]


def test_drift_is_found_by_a_refresh_and_repaired(place: Ground, tiny: Project) -> None:
    account, assignment = tiny.outputs()["account"], tiny.outputs()["assignment"]
    ask(place, account, STORAGE, "PATCH", {"tags": {"class": "drifted"}})
    ask(place, assignment, "2022-04-01", "DELETE")
    assert tiny.refresh().names("update") == ["data"]
    repaired = tiny.up()
    assert {step.op for step in repaired.steps.values()} >= {"update", "create"}
    assert ask(place, account, STORAGE)["tags"] == {"class": "internal"}
    assert tiny.preview("--expect-no-changes").changes == {}


def test_another_name_replaces_with_all_that_hangs_on_it(place: Ground, tiny: Project) -> None:
    before = tiny.outputs()["account"]
    replaced = wanting(tiny, account="launchwayother").up()
    assert set(replaced.names("replace")) >= {"data", "inputs", "outputs"}
    assert ask(place, before, STORAGE) is None
    tiny.up()
    assert tiny.outputs()["account"] == before


def test_a_secret_is_encrypted_in_the_state_and_goes_with_its_vaults_own_call(tiny: Project) -> None:
    wanting(tiny, secret=True).up()
    assert "pst-quiet" not in json.dumps(tiny.document())
    assert tiny.up().names("delete") == ["word"]


def test_what_exists_can_be_imported(place: Ground, tiny: Project) -> None:
    ask(
        place,
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/here-before",
        GROUPS,
        "PUT",
        {"location": "westeurope"},
    )
    assert wanting(tiny, adopt="here-before").up().names("import") == ["adopted"]
    assert tiny.up().names("delete") == ["adopted"]


def test_importing_what_is_not_there_is_an_error(tiny: Project) -> None:
    failed = wanting(tiny, adopt="nowhere").preview(check=False)
    assert failed.code != 0
    assert "nowhere" in failed.message


def test_a_mistake_is_refused_in_the_plan(tiny: Project) -> None:
    failed = wanting(tiny, account="With-Hyphen").preview(check=False)
    assert failed.code != 0
    assert "'accountName' does not match expression" in failed.message


def test_what_only_azure_refuses_is_told_in_its_words(tiny: Project) -> None:
    failed = wanting(tiny, role=ANOTHER_ROLE).up(check=False)
    assert failed.code != 0
    assert 'Status=400 Code="RoleAssignmentUpdateNotPermitted"' in failed.message
    assert tiny.up().changes == {}


def test_a_type_that_nobody_knows_is_an_error(tiny: Project) -> None:
    failed = wanting(tiny, unknown=True).preview(check=False)
    assert failed.code != 0
    assert "azure-native:paint:Colour" in failed.message


def test_a_destroy_leaves_nothing(place: Ground, tiny: Project) -> None:
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{tiny.outputs()['group']}"
    tiny.destroy()
    assert tiny.export() == {}
    assert ask(place, group, GROUPS) is None
