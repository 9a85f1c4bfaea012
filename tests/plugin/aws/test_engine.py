"""The stand-in under the real `pulumi` command: what the engine sees from the first plan to the last destroy."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.plugin.values import UNKNOWN_WIRE
from tests.engine.ground import Ground, ground, stand_in
from tests.engine.project import Project

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).parents[1] / "programs" / "tiny.py"
REGION = "eu-central-1"


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
    project = place.project("tiny", {"launchway:owner": "test"}, program)
    project.up()
    return project


def wanting(project: Project, **want: Any) -> Project:
    return dataclasses.replace(project, environment={**project.environment, "WANT": json.dumps(want)})


def test_a_first_plan_knows_the_inputs_and_not_what_aws_decides(place: Ground) -> None:
    project = place.project("planned", {"launchway:owner": "test"}, program)
    outcome = project.preview()
    assert set(outcome.changes.values()) == {"create"}
    events = [json.loads(line) for line in outcome.output.splitlines() if line.startswith("{")]
    found = [event["resOutputsEvent"]["metadata"] for event in events if "resOutputsEvent" in event]
    planned = {f"{entry['type']} {entry['urn'].rsplit('::', 1)[1]}": entry["new"]["outputs"] for entry in found}
    images = planned["aws:ecr/repository:Repository images"]
    assert images["name"] == "app/planned"
    assert images["repositoryUrl"] == UNKNOWN_WIRE
    assert images["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": UNKNOWN_WIRE}]
    near = planned["aws:cloudwatch/logGroup:LogGroup near"]
    assert (near["region"], near["tagsAll"], near["arn"]) == ("us-west-2", {"owner": "ml"}, UNKNOWN_WIRE)


def test_what_is_up_needs_nothing_more(tiny: Project) -> None:
    assert tiny.preview("--expect-no-changes").changes == {}
    assert tiny.refresh("--expect-no-changes").changes == {}


def test_the_same_document_written_otherwise_needs_nothing(tiny: Project) -> None:
    assert wanting(tiny, indent=2).preview("--expect-no-changes").changes == {}


def test_default_tags_reach_the_cloud(place: Ground, tiny: Project) -> None:
    bucket = tiny.outputs()["bucket"]
    found = place.cloud.client("s3", REGION).get_bucket_tagging(Bucket=bucket)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in found} == {"owner": "ml", "class": "internal"}


def test_every_region_holds_its_own(place: Ground, tiny: Project) -> None:
    far = next(found for key, found in tiny.export().items() if key[1] == "far")
    assert far.id in {key["KeyId"] for key in place.cloud.client("kms", "eu-west-1").list_keys()["Keys"]}
    assert far.outputs["region"] == "eu-west-1"
    near = place.cloud.client("logs", "us-west-2").describe_log_groups()["logGroups"]
    assert [group["logGroupName"].rpartition("-")[0] for group in near] == ["near"]


def test_a_secret_is_encrypted_in_the_state_and_in_the_outputs(tiny: Project) -> None:
    role = next(found for key, found in tiny.export().items() if key[1] == "role")
    for side in (role.inputs, role.outputs):
        assert "ciphertext" in side["assumeRolePolicy"]
    assert tiny.outputs()["role"] == "[secret]"


def test_an_update_changes_the_cloud_and_nothing_else(place: Ground, tiny: Project) -> None:
    changed = wanting(tiny, **{"class": "public", "scan": False}).up()
    assert changed.names("update") == ["data", "images"]
    bucket = tiny.outputs()["bucket"]
    found = place.cloud.client("s3", REGION).get_bucket_tagging(Bucket=bucket)["TagSet"]
    assert {"Key": "class", "Value": "public"} in found
    assert tiny.up().names("update") == ["data", "images"]


def test_drift_is_found_and_repaired(place: Ground, tiny: Project) -> None:
    bucket, client = tiny.outputs()["bucket"], place.cloud.client("s3", REGION)
    client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "drift", "Value": "yes"}]})
    client.delete_public_access_block(Bucket=bucket)
    refreshed = tiny.refresh()
    assert refreshed.names("update") == ["data"]
    repaired = tiny.up()
    assert {step.op for step in repaired.steps.values()} >= {"update", "create"}
    assert client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
    assert tiny.preview("--expect-no-changes").changes == {}


def test_what_cannot_change_is_replaced(tiny: Project) -> None:
    made = wanting(tiny, replace="/one").up()
    assert made.names("create") == ["logs"]
    replaced = wanting(tiny, replace="/two").up()
    assert replaced.names("replace") == ["logs"]
    assert tiny.up().names("delete") == ["logs"]


def test_what_exists_can_be_imported(place: Ground, tiny: Project) -> None:
    client = place.cloud.client("s3", REGION)
    client.create_bucket(Bucket="here-before", CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_tagging(Bucket="here-before", Tagging={"TagSet": [{"Key": "owner", "Value": "ml"}]})
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
    assert (
        'expected versioning_configuration.0.status to be one of ["Enabled" "Suspended" "Disabled"], got On'
        in failed.message
    )
    assert "Examine values at 'wrong.versioningConfiguration.status'" in failed.message


def test_a_type_that_nobody_knows_is_an_error(tiny: Project) -> None:
    failed = wanting(tiny, unknown=True).preview(check=False)
    assert failed.code != 0
    assert "aws:paint/colour:Colour" in failed.message


def test_another_account_is_refused_before_anything(tiny: Project) -> None:
    failed = wanting(tiny, allowed=["210987654321"]).preview(check=False)
    assert failed.code != 0
    assert "AWS account ID not allowed: 123456789012" in failed.message


def test_what_aws_refuses_is_told_and_the_rest_stays_usable(tiny: Project) -> None:
    failed = wanting(tiny, taken=True).up(check=False)
    assert failed.code != 0
    assert "creating S3 Bucket (taken)" in failed.message
    assert "BucketAlreadyExists" in failed.message
    assert tiny.up().changes == {}


def test_a_destroy_leaves_nothing(place: Ground) -> None:
    project = place.project("short", {"launchway:owner": "test"}, program)
    project.up()
    client = place.cloud.client("s3", REGION)
    bucket = project.outputs()["bucket"]
    client.delete_bucket_policy(Bucket=bucket)  # it lets nobody put
    client.put_object(Bucket=bucket, Key="k", Body=b"x")
    project.destroy()
    assert bucket not in {found["Name"] for found in client.list_buckets()["Buckets"]}
    assert project.export() == {}
