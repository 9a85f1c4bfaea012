"""What Vertex AI, Cloud Storage and Cloud Logging refuse, and in which words and codes."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.cloud import Refused
from tests.localcloud.gcp.stage import NUMBER, PARENT, PROJECT, REGION, Stage

pytestmark = pytest.mark.wire

POOL = "jobSpec__workerPoolSpecs__0"
MACHINE = f"{POOL}__machineSpec"
CONTAINER = f"{POOL}__containerSpec"
L4 = {"machineType": "g2-standard-12", "acceleratorType": "NVIDIA_L4", "acceleratorCount": 1}
ANOTHER_KEY = f"projects/{PROJECT}/locations/europe-west4/keyRings/ring/cryptoKeys/jobs"


def refused(stage: Stage, method: str, path: str, body: object = None) -> Refused:
    with pytest.raises(Refused) as caught:
        stage.call(method, path, body)
    return caught.value


def refusal(stage: Stage, request: dict[str, Any], location: str = REGION) -> dict[str, Any]:
    """The error of a job that must not be made."""
    parent = f"projects/{PROJECT}/locations/{location}"
    error: dict[str, Any] = refused(stage, "POST", f"aiplatform/v1/{parent}/customJobs", request).error
    return error


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"displayName": ""}, "display_name", "1 to 128 characters"),
        ({"displayName": "x" * 129}, "display_name", "1 to 128 characters"),
        ({"labels": {"Team": "ml"}}, "labels", "not allowed"),
        ({"labels": {"team": "x" * 64}}, "labels", "not allowed"),
        ({"jobSpec__workerPoolSpecs": []}, "worker_pool_specs", "At least one worker pool"),
        ({f"{POOL}__replicaCount": "8"}, "worker_pool_specs[0].replica_count", "must be 1 for the first"),
        ({f"{POOL}__replicaCount": "0"}, "worker_pool_specs[0].replica_count", "must be positive"),
        ({f"{MACHINE}__machineType": None}, "worker_pool_specs[0]", "Required field is not set"),
        ({f"{MACHINE}__machineType": "ml.p4d.24xlarge"}, "machine_type", "is not supported"),
        ({f"{MACHINE}__acceleratorCount": 1}, "machine_spec", "must be set together"),
        ({MACHINE: {**L4, "machineType": "n1-standard-4"}}, "machine_spec", "does not support 1 accelerators"),
        ({MACHINE: {**L4, "acceleratorCount": 3}}, "machine_spec", "does not support 3 accelerators"),
        ({f"{POOL}__diskSpec": {"bootDiskSizeGb": 10}}, "boot_disk_size_gb", "100 to 64000"),
        ({f"{POOL}__diskSpec": {"bootDiskType": "floppy"}}, "boot_disk_type", "not supported"),
        ({f"{CONTAINER}__imageUri": ""}, "container_spec.image_uri", "Required field is not set"),
        ({f"{CONTAINER}__env": [{"name": "a-b", "value": ""}]}, "env", "not a valid C identifier"),
        ({f"{CONTAINER}__env": [{"name": f"E{n}", "value": ""} for n in range(101)]}, "env", "no more than 100"),
        ({"jobSpec__scheduling": {"maxWaitDuration": "5s"}}, "max_wait_duration", "only for the FLEX_START"),
        ({"jobSpec__scheduling": {"strategy": "FLEX_START"}}, "strategy", "FLEX_START does not support n1"),
        (
            {MACHINE: L4, "jobSpec__scheduling": {"strategy": "FLEX_START", "timeout": "604801s"}},
            "timeout",
            "7 days or less",
        ),
        ({"jobSpec__serviceAccount": f"none@{PROJECT}.iam.gserviceaccount.com"}, "service_account", "not exist"),
        (
            {"jobSpec__baseOutputDirectory__outputUriPrefix": "s3://x"},
            "output_uri_prefix",
            "Invalid Cloud Storage",
        ),
        ({"jobSpec__baseOutputDirectory__outputUriPrefix": "gs://none"}, "output_uri_prefix", "does not exist"),
        ({"jobSpec__network": f"projects/{PROJECT}/global/networks/n"}, "network", "PROJECT_NUMBER"),
        ({"jobSpec__network": f"projects/{NUMBER}/global/networks/n"}, "network", "does not exist"),
        ({"encryptionSpec": {"kmsKeyName": ANOTHER_KEY}}, "kms_key_name", "is in location europe-west4"),
        (
            {f"{CONTAINER}__imageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1"},
            "image_uri",
            "cannot read",
        ),
        (
            {f"{CONTAINER}__imageUri": f"{REGION}-docker.pkg.dev/{PROJECT}/none/x:1"},
            "image_uri",
            "there is no repository none",
        ),
    ],
)
def test_a_job_that_breaks_a_rule_is_refused_naming_the_field(
    stage: Stage, changes: dict[str, Any], field: str, text: str
) -> None:
    error = refusal(stage, stage.job("pass", **changes))
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["message"].startswith("List of found errors:\t1.Field: custom_job.")
    assert field in error["message"]
    assert text in error["message"]


def test_every_problem_is_told_at_once(stage: Stage) -> None:
    error = refusal(stage, stage.job("pass", displayName="", **{f"{POOL}__replicaCount": "2"}))
    assert "1.Field: custom_job.display_name" in error["message"]
    assert "2.Field: custom_job.job_spec.worker_pool_specs[0].replica_count" in error["message"]


def test_pools_of_flex_start_are_of_one_kind(stage: Stage) -> None:
    request = stage.job("pass", workers=1, jobSpec__scheduling={"strategy": "FLEX_START"}, **{MACHINE: L4})
    request["jobSpec"]["workerPoolSpecs"][1]["machineSpec"] = {**L4, "machineType": "g2-standard-16"}
    assert "the same machine configuration" in refusal(stage, request)["message"]


@pytest.mark.parametrize(
    "changes",
    [
        {"jobSpec__unknownField": 1},
        {"jobSpec__scheduling__timeout": "3600"},
        {"jobSpec__scheduling__strategy": "CHEAP"},
        {f"{POOL}__replicaCount": "one"},
        {f"{CONTAINER}__args": "not a list"},
    ],
    ids=str,
)
def test_what_google_s_own_type_does_not_take_is_refused(stage: Stage, changes: dict[str, Any]) -> None:
    error = refusal(stage, stage.job("pass", **changes))
    assert (error["code"], "Invalid JSON payload" in error["message"]) == (400, True)


@pytest.mark.parametrize("location", ["europe-west10", "global", "us-east-1"])
def test_a_location_without_custom_training_is_refused(stage: Stage, location: str) -> None:
    assert "is not supported" in refusal(stage, stage.job("pass"), location)["message"]


def test_another_project_is_not_ours_to_see(stage: Stage) -> None:
    path = f"aiplatform/v1/projects/somebody-else/locations/{REGION}/customJobs"
    error = refused(stage, "GET", path).error
    assert (error["code"], error["details"][0]["reason"]) == (403, "IAM_PERMISSION_DENIED")
    assert "aiplatform.customJobs.list" in error["message"]


def test_a_service_that_is_not_enabled_does_not_answer(stage: Stage) -> None:
    service = f"serviceusage/v1/projects/{PROJECT}/services/aiplatform.googleapis.com"
    stage.call("POST", f"{service}:disable", {})
    try:
        error = refused(stage, "GET", f"aiplatform/v1/{PARENT}/customJobs").error
    finally:
        stage.call("POST", f"{service}:enable", {})
    assert (error["code"], error["details"][0]["reason"]) == (403, "SERVICE_DISABLED")


@pytest.mark.parametrize(
    "text",
    [
        "colour=red",
        "labels=x",
        "labels.a.b=x",
        "labels.a:b",
        'labels.a!="x"',
        "state>3",
        "state=JOB_STATE_HAPPY",
        "display_name>a",
        "create_time>yesterday",
        "demo",
        'labels.a="x" AND',
        '(labels.a="x"',
    ],
)
def test_a_filter_that_cannot_be_judged_is_an_error(stage: Stage, text: str) -> None:
    with pytest.raises(Refused, match=r"(?i)filter|time") as caught:
        stage.listed(text)
    assert caught.value.status == 400


def test_the_key_must_let_the_service_agent_encrypt(stage: Stage) -> None:
    request = stage.job("pass", encryptionSpec={"kmsKeyName": stage.key})
    agent = f"service-{NUMBER}@gcp-sa-aiplatform.iam.gserviceaccount.com"
    assert f"denied for {agent}" in refusal(stage, request)["message"]
    identity = f"projects/{NUMBER}/services/aiplatform.googleapis.com:generateServiceIdentity"
    stage.call("POST", f"serviceusage/v1beta1/{identity}", {})
    role = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
    policy = {"bindings": [{"role": role, "members": [f"serviceAccount:{agent}"]}]}
    stage.call("POST", f"cloudkms/v1/{stage.key}:setIamPolicy", {"policy": policy})
    assert stage.ended(stage.create(request)["name"])["state"] == "JOB_STATE_SUCCEEDED"


def test_a_bucket_s_key_must_let_the_storage_agent_encrypt(stage: Stage) -> None:
    bucket = {"name": "keyed-bucket", "location": REGION, "encryption": {"defaultKmsKeyName": stage.key}}
    error = refused(stage, "POST", f"storage/storage/v1/b?project={PROJECT}", bucket).error
    assert (error["code"], error["message"].startswith("Permission denied on Cloud KMS key")) == (403, True)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("POST", "b", {"name": "UPPER"}, 400, "invalid"),
        ("POST", "b", {"name": "stage-bucket"}, 409, "conflict"),
        ("PATCH", "b/stage-bucket", {"location": "EU"}, 400, "invalid"),
        ("GET", "b/none-such", None, 404, "notFound"),
        ("GET", "b/stage-bucket/o/none", None, 404, "notFound"),
        ("GET", "b/stage-bucket/o?matchGlob=**", None, 501, "notImplemented"),
        ("GET", "b?project=somebody-else", None, 404, "notFound"),
    ],
)
def test_storage_errors_carry_a_reason(
    stage: Stage, method: str, path: str, body: object, status: int, reason: str
) -> None:
    error = refused(stage, method, f"storage/storage/v1/{path}", body).error
    assert (error["code"], error["errors"][0]["reason"]) == (status, reason)


@pytest.mark.parametrize(
    "change",
    [
        {"resourceNames": []},
        {"resourceNames": ["folders/1"]},
        {"orderBy": "insertId"},
        {"filter": "severity>=LOUD"},
        {"filter": 'jsonPayload.message=~"("'},
        {"filter": "timestamp>=today"},
        {"pageToken": "torn"},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_list_of_entries_that_cannot_be_judged_is_an_error(stage: Stage, change: dict[str, Any]) -> None:
    body = {"resourceNames": [f"projects/{PROJECT}"], **change}
    assert refused(stage, "POST", "logging/v2/entries:list", body).status == 400


def test_what_is_not_emulated_says_so(stage: Stage) -> None:
    error = refused(stage, "GET", f"aiplatform/v1/{PARENT}/pipelineJobs").error
    assert (error["code"], error["status"], "localcloud" in error["message"]) == (501, "UNIMPLEMENTED", True)
    request = stage.job("pass", **{f"{POOL}__containerSpec": None, f"{POOL}__pythonPackageSpec": {}})
    assert refusal(stage, request)["status"] == "UNIMPLEMENTED"
