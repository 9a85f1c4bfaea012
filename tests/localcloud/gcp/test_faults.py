"""Every fault on demand, as clients of Google Cloud see it."""

from __future__ import annotations

import http.client
import time
from typing import Any

import pytest

from localcloud.cloud import Refused
from tests.localcloud.gcp.stage import PARENT, PROJECT, REGION, Stage

pytestmark = pytest.mark.wire

JOBS = f"aiplatform/v1/{PARENT}/customJobs"
TOKEN = "iamcredentials/v1/projects/-/serviceAccounts/%s:generateAccessToken"
SCOPE = {"scope": ["https://www.googleapis.com/auth/cloud-platform"]}


def error(stage: Stage, method: str = "GET", path: str = JOBS, body: object = None) -> dict[str, Any]:
    with pytest.raises(Refused) as caught:
        stage.call(method, path, body)
    found: dict[str, Any] = caught.value.error
    return found


@pytest.mark.parametrize(
    ("kind", "status", "code", "reason"),
    [
        ("throttle", 429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED"),
        ("5xx", 500, "INTERNAL", None),
        ("expired", 401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED"),
        ("denied", 403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED"),
        ("missing", 404, "NOT_FOUND", None),
        ("reserved", 409, "ALREADY_EXISTS", None),
    ],
)
def test_a_fault_has_the_code_it_has_at_google_and_is_used_up(
    stage: Stage, kind: str, status: int, code: str, reason: str | None
) -> None:
    stage.cloud.fault(kind, service="aiplatform", operation="ListCustomJobs")
    found = error(stage)
    assert (found["code"], found["status"]) == (status, code)
    assert reason is None or found["details"][0]["reason"] == reason
    stage.call("GET", JOBS)
    seen = stage.cloud.requests("aiplatform", "ListCustomJobs")
    assert [(one["status"], one["fault"]) for one in seen] == [(status, kind), (200, None)]


def test_a_denial_names_the_permission(stage: Stage) -> None:
    stage.cloud.fault("denied", operation="CreateCustomJob")
    assert "Permission 'aiplatform.customJobs.create' denied" in error(stage, "POST", body=stage.job())["message"]


@pytest.mark.parametrize(
    ("machine", "strategy", "metric"),
    [
        ({"machineType": "n1-standard-4"}, "STANDARD", "custom_model_training_cpus"),
        ({"machineType": "c2-standard-4"}, "STANDARD", "custom_model_training_c2_cpus"),
        (
            {"machineType": "g2-standard-12", "acceleratorType": "NVIDIA_L4", "acceleratorCount": 1},
            "STANDARD",
            "custom_model_training_nvidia_l4_gpus",
        ),
        (
            {"machineType": "n1-standard-4", "acceleratorType": "NVIDIA_TESLA_T4", "acceleratorCount": 1},
            "SPOT",
            "custom_model_training_preemptible_nvidia_t4_gpus",
        ),
    ],
)
def test_a_quota_is_named_by_its_metric(stage: Stage, machine: dict[str, Any], strategy: str, metric: str) -> None:
    stage.cloud.fault("quota")
    request = stage.job(
        "pass", jobSpec__workerPoolSpecs__0__machineSpec=machine, jobSpec__scheduling__strategy=strategy
    )
    found = error(stage, "POST", body=request)
    assert found["code"] == 429
    assert (
        found["message"] == f"The following quota metrics exceed quota limits: aiplatform.googleapis.com/{metric}"
    )


def test_without_machines_a_job_fails_in_the_end(stage: Stage) -> None:
    stage.cloud.fault("capacity", service="aiplatform")
    job = stage.run("print('never')")
    assert (job["state"], job["error"]["code"]) == ("JOB_STATE_FAILED", 8)
    assert job["error"]["message"].startswith(f"Resources are insufficient in region: {REGION}.")
    assert ("startTime" in job, stage.lines(job["name"])) == (False, [])


def test_a_reset_connection_did_nothing_and_a_lost_answer_did_all(stage: Stage) -> None:
    for kind, made in (("reset", 0), ("lost", 1)):
        request = stage.job("pass", labels={"try": kind})
        stage.cloud.fault(kind, operation="CreateCustomJob")
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            stage.create(request)
        found = stage.listed(f"labels.try={kind}").get("customJobs", [])
        assert len(found) == made
        for job in found:
            stage.ended(job["name"])


def test_a_slow_answer_is_right(stage: Stage) -> None:
    stage.cloud.fault("slow", service="aiplatform", seconds=0.5)
    began = time.monotonic()
    stage.call("GET", JOBS)
    assert time.monotonic() - began >= 0.5


def test_lists_lag_behind_creates(stage: Stage) -> None:
    job = stage.create(stage.job("pass", labels={"lag": "yes"}))
    stage.cloud.fault("lagging", service="aiplatform")
    assert "customJobs" not in stage.listed("labels.lag=yes")
    assert len(stage.listed("labels.lag=yes")["customJobs"]) == 1
    stage.ended(job["name"])


def test_a_new_account_cannot_be_impersonated_or_used_for_a_while(stage: Stage) -> None:
    young = f"iam/v1/projects/{PROJECT}/serviceAccounts"
    email = stage.call("POST", young, {"accountId": f"young-{int(time.time())}"})["email"]
    stage.cloud.fault("denied", operation="GenerateAccessToken", seconds=2, times=None)
    stage.cloud.fault("denied", operation="CreateCustomJob", seconds=2, times=None)
    found = error(stage, "POST", TOKEN % email, SCOPE)
    assert (found["code"], "iam.serviceAccounts.getAccessToken" in found["message"]) == (403, True)
    request = stage.job("pass", jobSpec__serviceAccount=email)
    assert f"act as service_account: {email}" in error(stage, "POST", body=request)["message"]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            token = stage.call("POST", TOKEN % email, SCOPE)["accessToken"]
            break
        except Refused:
            time.sleep(0.2)
    assert stage.cloud.google("GET", JOBS, token=token) is not None
    stage.ended(stage.create(request)["name"])


def test_storage_has_words_of_its_own(stage: Stage) -> None:
    stage.cloud.fault("throttle", service="storage")
    found = error(stage, path="storage/storage/v1/b/stage-bucket")
    assert (found["code"], found["errors"][0]["reason"]) == (429, "rateLimitExceeded")


def test_an_error_of_one_s_own(stage: Stage) -> None:
    stage.cloud.fault("error", service="logging", code="UNAVAILABLE", message="back soon", status=503)
    body = {"resourceNames": [f"projects/{PROJECT}"]}
    found = error(stage, "POST", "logging/v2/entries:list", body)
    assert (found["code"], found["status"], found["message"]) == (503, "UNAVAILABLE", "back soon")


def test_the_record_keeps_the_body_as_it_came(stage: Stage) -> None:
    request = stage.job("pass")
    job = stage.create(request)
    (seen,) = stage.cloud.requests("aiplatform", "CreateCustomJob")
    assert (seen["body"], seen["region"], seen["status"]) == (request, REGION, 200)
    assert seen["parameters"]["parent"] == PARENT
    stage.ended(job["name"])


def test_faults_of_one_cloud_leave_the_other_alone(stage: Stage) -> None:
    stage.cloud.fault("throttle", service="sagemaker", times=None)
    stage.call("GET", JOBS)
    assert stage.cloud.faults()
