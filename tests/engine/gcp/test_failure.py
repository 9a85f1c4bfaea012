"""What fails half-way leaves a state that the next up can finish."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.engine.altered import altered
from tests.engine.census import census
from tests.engine.ground import Ground
from tests.engine.project import CHECKOUT, stack_settings

pytestmark = pytest.mark.engine

REGION = "us-central1"


def test_a_resource_that_the_cloud_refuses_stops_up_and_the_next_up_completes(own: Ground, tmp_path: Path) -> None:
    whole = own.project("local", stack_settings("local", "gcp"))
    planned = whole.preview().names("create")
    nobody = "serviceAccount:nobody-made-this@launchway-local.iam.gserviceaccount.com"
    refused = {"type": "gcp:storage/bucketIAMMember:BucketIAMMember", "name": "*", "set": {"member": nobody}}
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
    assert census(own.cloud, "gcp", REGION) == {}


def test_a_key_that_the_storage_agent_may_not_use_is_refused_with_googles_own_words(
    own: Ground, tmp_path: Path
) -> None:
    whole = own.project("local", stack_settings("local", "gcp"))
    useless = {
        "type": "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
        "name": "*-keys-data-storage",
        "set": {"role": "roles/cloudkms.viewer"},
    }
    outcome = altered(whole, [useless], tmp_path / "useless").up(check=False)
    assert outcome.code != 0
    assert "Permission denied on Cloud KMS key" in outcome.message


def test_a_grant_that_travels_is_waited_for(own: Ground) -> None:
    words = (
        "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account is authorized."
    )
    slow = {"code": "PERMISSION_DENIED", "message": words, "status": 403}
    own.cloud.fault("error", service="storage", operation="InsertBucket", times=6, **slow)
    outcome = own.project("local", stack_settings("local", "gcp")).up()
    refused = [one for one in own.cloud.requests("storage", "InsertBucket") if one["status"] == 403]
    assert len(refused) == 6
    assert set(outcome.changes.values()) == {"create"}


def test_an_exception_in_the_program_keeps_what_was_made_and_the_next_up_completes(own: Ground) -> None:
    def broken(folder: Path) -> None:
        shutil.copytree(CHECKOUT / "infra", folder / "infra", ignore=shutil.ignore_patterns("__pycache__"))
        path = folder / "infra" / "gcp" / "identity.py"
        marker = "super().__init__("
        assert marker in path.read_text()
        path.write_text(
            path.read_text().replace(marker, f'raise RuntimeError("identity gave up")\n        {marker}', 1)
        )

    project = own.project("local", stack_settings("local", "gcp"), broken)
    first = project.up(check=False)
    assert first.code != 0
    assert "identity gave up" in first.message
    before = set(project.export())

    shutil.rmtree(project.folder / "infra")
    (project.folder / "infra").symlink_to(CHECKOUT / "infra")
    second = project.up()
    assert {step.op for key, step in second.steps.items() if key in before} <= {"update"}
    assert project.preview("--expect-no-changes").changes == {}
