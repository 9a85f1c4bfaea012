"""The stand-in for Google Cloud under the real `pulumi` command, from the first plan to the last destroy."""

from __future__ import annotations

import dataclasses
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.plugin.values import UNKNOWN_WIRE
from tests.engine.ground import Ground, ground, stand_in
from tests.engine.project import Project

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).parents[1] / "programs" / "gcp_tiny.py"
SETTINGS = {"launchway:owner": "test"}


def program(folder: Path) -> None:
    (folder / "infra").mkdir()
    shutil.copy(PROGRAM, folder / "infra" / "__main__.py")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground(tmp_path_factory.mktemp("plugin"), stand_in) as found:
        yield found


@pytest.fixture(scope="module")
def tiny(place: Ground) -> Project:
    """The tiny program, up. Tests leave it as they found it."""
    project = place.project("tiny", SETTINGS, program)
    project.up()
    return project


def wanting(project: Project, **want: Any) -> Project:
    return dataclasses.replace(project, environment={**project.environment, "WANT": json.dumps(want)})


def ask(place: Ground, path: str, method: str = "GET", body: Any = None) -> Any:
    """A call of a Google API on the local cloud; None when nothing is there."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Bearer testing", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{place.cloud.url}/_gcp/{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise


def test_a_first_plan_knows_the_inputs_and_not_what_google_decides(place: Ground) -> None:
    project = place.project("planned", SETTINGS, program)
    outcome = project.preview()
    assert set(outcome.changes.values()) == {"create"}
    events = [json.loads(line) for line in outcome.output.splitlines() if line.startswith("{")]
    found = [event["resOutputsEvent"]["metadata"] for event in events if "resOutputsEvent" in event]
    planned = {f"{entry['type']} {entry['urn'].rsplit('::', 1)[1]}": entry["new"]["outputs"] for entry in found}
    images = planned["gcp:artifactregistry/repository:Repository images"]
    assert images["repositoryId"] == "images"
    assert images["registryUri"] == UNKNOWN_WIRE
    assert (images["project"], images["deletionPolicy"]) == ("launchway-local", "DELETE")
    bucket = planned["gcp:storage/bucket:Bucket data"]
    assert bucket["selfLink"] == UNKNOWN_WIRE


def test_what_is_up_needs_nothing_more(tiny: Project) -> None:
    assert tiny.preview("--expect-no-changes").changes == {}
    assert tiny.refresh("--expect-no-changes").changes == {}
    assert tiny.preview("--expect-no-changes").changes == {}


def test_outputs_are_the_real_providers(tiny: Project) -> None:
    outputs = tiny.outputs()
    assert outputs["images"] == "us-central1-docker.pkg.dev/launchway-local/images"
    assert outputs["number"] == "123456789012"
    assert outputs["subnet"].startswith("https://www.googleapis.com/compute/v1/projects/launchway-local/regions/")
    ring, key = outputs["key"].split("/")[5], outputs["key"].split("/")[7]
    assert (ring.rpartition("-")[0], key) == ("ring", "data")


def test_default_labels_and_the_providers_own_reach_the_cloud(place: Ground, tiny: Project) -> None:
    found = ask(place, f"storage/storage/v1/b/{tiny.outputs()['bucket']}")
    assert found["labels"] == {"owner": "ml", "class": "internal", "goog-pulumi-provisioned": "true"}
    state = next(found for key, found in tiny.export().items() if key == ("gcp:storage/bucket:Bucket", "data"))
    assert state.outputs["labels"] == {"class": "internal"}
    assert "ciphertext" in state.outputs["effectiveLabels"]  # the SDK keeps these secret


def test_a_secret_is_encrypted_in_the_state(tiny: Project) -> None:
    wanting(tiny, secret=True).up()
    found = next(found for key, found in tiny.export().items() if key[1] == "secret")
    for side in (found.inputs, found.outputs):
        assert "ciphertext" in side["role"]
    assert tiny.up().names("delete") == ["secret"]


def test_an_update_changes_the_cloud_and_nothing_else(place: Ground, tiny: Project) -> None:
    changed = wanting(tiny, **{"class": "public", "private": False}).up()
    assert changed.names("update") == ["data", "subnet"]
    labels = ask(place, f"storage/storage/v1/b/{tiny.outputs()['bucket']}")["labels"]
    assert labels["class"] == "public"
    subnet = ask(place, "compute/compute/v1/projects/launchway-local/regions/us-central1/subnetworks/subnet")
    assert subnet["privateIpGoogleAccess"] is False
    assert tiny.up().names("update") == ["data", "subnet"]


def test_drift_is_found_and_repaired(place: Ground, tiny: Project) -> None:
    bucket = f"storage/storage/v1/b/{tiny.outputs()['bucket']}"
    ask(place, bucket, "PATCH", {"labels": {"class": "drifted"}})
    policy = ask(place, f"{bucket}/iam")
    policy["bindings"] = [one for one in policy["bindings"] if one["role"] != "roles/storage.objectViewer"]
    ask(place, f"{bucket}/iam", "PUT", policy)
    refreshed = tiny.refresh()
    assert refreshed.names("update") == ["data"]
    repaired = tiny.up()
    assert {step.op for step in repaired.steps.values()} >= {"update", "create"}
    assert ask(place, bucket)["labels"]["class"] == "internal"
    assert tiny.preview("--expect-no-changes").changes == {}


def test_what_cannot_change_is_replaced(tiny: Project) -> None:
    made = wanting(tiny, address="10.1.0.5").up()
    assert made.names("create") == ["endpoint"]
    replaced = wanting(tiny, address="10.1.0.6").up()
    assert replaced.names("replace") == ["endpoint"]
    assert tiny.up().names("delete") == ["endpoint"]


def test_what_exists_can_be_imported(place: Ground, tiny: Project) -> None:
    body = {"name": "here-before", "location": "us-central1", "labels": {"owner": "ml"}}
    ask(place, "storage/storage/v1/b?project=launchway-local", "POST", body)
    imported = wanting(tiny, adopt="here-before").up()
    assert imported.names("import") == ["adopted"]
    assert tiny.up().names("delete") == ["adopted"]


def test_importing_what_is_not_there_is_an_error(tiny: Project) -> None:
    failed = wanting(tiny, adopt="nowhere").preview(check=False)
    assert failed.code != 0
    assert "nowhere" in failed.message


def test_a_mistake_is_refused_in_the_plan_in_the_providers_words(tiny: Project) -> None:
    failed = wanting(tiny, wrong=True).preview(check=False)
    assert failed.code != 0
    assert "invalid value for name" in failed.message
    assert "Examine values at 'wrong.name'" in failed.message


def test_a_type_that_nobody_knows_is_an_error(tiny: Project) -> None:
    failed = wanting(tiny, unknown=True).preview(check=False)
    assert failed.code != 0
    assert "gcp:paint/colour:Colour" in failed.message


def test_an_account_that_does_not_exist_cannot_be_bound(tiny: Project) -> None:
    failed = wanting(tiny, nobody=True).up(check=False)
    assert failed.code != 0
    assert "Service account nobody@launchway-local.iam.gserviceaccount.com does not exist." in failed.message
    assert tiny.up().changes == {}


def test_a_bucket_that_is_to_stay_is_not_destroyed(tiny: Project) -> None:
    wanting(tiny, locked=True).up()
    failed = tiny.up(check=False)
    assert failed.code != 0
    assert 'without setting deletion_policy="DELETE"' in failed.message
    document = tiny.document()
    for found in document["deployment"]["resources"]:
        if found["urn"].endswith("::locked"):
            found["outputs"]["deletionPolicy"] = "ABANDON"
    file = tiny.folder / "state.json"
    file.write_text(json.dumps(document))
    tiny.command("stack", "import", "--file", str(file))
    assert tiny.up().names("delete") == ["locked"]


def test_a_destroy_leaves_only_what_google_never_deletes(place: Ground, tiny: Project) -> None:
    bucket, key = tiny.outputs()["bucket"], tiny.outputs()["key"]
    tiny.destroy()
    assert tiny.export() == {}
    assert ask(place, f"storage/storage/v1/b/{bucket}") is None
    assert ask(place, f"cloudkms/v1/{key}")["name"] == key
    versions = ask(place, f"cloudkms/v1/{key}/cryptoKeyVersions")["cryptoKeyVersions"]
    assert {version["state"] for version in versions} == {"DESTROY_SCHEDULED"}
