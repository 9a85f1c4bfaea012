"""Every fault on demand, as clients of Azure see it."""

from __future__ import annotations

import http.client
import time
from typing import Any

import pytest

from localcloud.cloud import Refused
from tests.localcloud.azure.inside import ACCOUNT, IDENTITY, WORKSPACE
from tests.localcloud.azure.stage import Stage

pytestmark = pytest.mark.wire

JOBS = f"{WORKSPACE}/jobs"
READER = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"


def error(stage: Stage, method: str = "GET", id: str = JOBS, body: object = None) -> dict[str, Any]:
    with pytest.raises(Refused) as caught:
        stage.ask(method, id, body)
    found: dict[str, Any] = caught.value.error
    return {"status": caught.value.status, **found}


def refused(stage: Stage, **changes: Any) -> dict[str, Any]:
    """The error of a job that is not taken."""
    with pytest.raises(Refused) as caught:
        stage.create(stage.serverless("pass", **changes))
    found: dict[str, Any] = caught.value.error
    return {"status": caught.value.status, **found}


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttle", 429, "TooManyRequests"),
        ("5xx", 500, "InternalServerError"),
        ("expired", 401, "ExpiredAuthenticationToken"),
        ("denied", 403, "AuthorizationFailed"),
        ("missing", 404, "ResourceNotFound"),
        ("reserved", 409, "Conflict"),
    ],
)
def test_a_fault_has_the_code_it_has_at_azure_and_is_used_up(
    stage: Stage, kind: str, status: int, code: str
) -> None:
    stage.cloud.fault(kind, service="machinelearningservices", operation="ListJobs")
    found = error(stage)
    assert (found["status"], found["code"]) == (status, code)
    stage.ask("GET", JOBS)
    seen = stage.cloud.requests("machinelearningservices", "ListJobs")
    assert [(one["status"], one["fault"]) for one in seen] == [(status, kind), (200, None)]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttle", '503: \ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>ServerBusy'),
        ("5xx", "InternalError"),
        ("denied", "AuthorizationPermissionMismatch"),
        ("missing", "BlobNotFound"),
    ],
)
def test_storage_fails_in_its_own_form(stage: Stage, kind: str, code: str) -> None:
    stage.put("data/there", "x")
    stage.cloud.fault(kind, service="blob", operation="GetBlob")
    with pytest.raises(Refused) as caught:
        stage.cloud.azure("GET", "blob/acct/data/there")
    assert code in str(caught.value)
    assert stage.read("data/there") == "x"


def test_a_denial_names_the_action_and_the_scope(stage: Stage) -> None:
    stage.cloud.fault("denied", operation="PutJob")
    message = refused(stage)["message"]
    assert "action 'Microsoft.MachineLearningServices/workspaces/jobs/write' over scope" in message
    stage.cloud.fault("denied", operation="CancelJob")
    assert "jobs/cancel/action'" in error(stage, "POST", f"{JOBS}/x/cancel")["message"]


def test_an_error_of_ones_own_is_answered_as_it_is(stage: Stage) -> None:
    stage.cloud.fault("error", operation="ListJobs", code="Odd", message="Strange.", status=418)
    assert error(stage) == {"status": 418, "code": "Odd", "message": "Strange."}


@pytest.mark.parametrize(
    ("size", "nodes", "words"),
    [
        ("Standard_D4s_v3", 2, "a standardDSv3Family vCPU quota of 0 and cannot accommodate"),
        ("Standard_NC4as_T4_v3", 1, "which maps to 4 vCPUs"),
    ],
)
def test_a_quota_is_named_by_its_family(stage: Stage, size: str, nodes: int, words: str) -> None:
    stage.cloud.fault("quota")
    found = refused(stage, resources={"instanceType": size, "instanceCount": nodes})
    assert (found["status"], found["code"]) == (400, "UserError")
    assert words in found["message"]


def test_a_quota_is_that_of_the_cluster_that_a_job_names(stage: Stage) -> None:
    stage.cloud.fault("quota")
    with pytest.raises(Refused, match="standardDSv3Family"):
        stage.create(stage.job("pass"))


def test_without_machines_a_job_fails_after_a_time_in_the_queue(stage: Stage) -> None:
    stage.cloud.fault("capacity", seconds=0.3)
    name = stage.create(stage.serverless("pass"))["name"]
    stage.until(name, lambda: stage.status(name) == "Queued")
    run = stage.ended(name)
    assert (run["status"], run["startTimeUtc"]) == ("Failed", None)
    assert "AllocationFailed" in run["error"]["error"]["message"]


@pytest.mark.parametrize(("tier", "status"), [("Spot", "Failed"), ("Standard", "Running")])
def test_only_spot_machines_are_taken_away(stage: Stage, tier: str, status: str) -> None:
    name = stage.create(stage.serverless("print('here', flush=True)\nimport time; time.sleep(60)", tier=tier))[
        "name"
    ]
    stage.said(name, "here")
    stage.cloud.fault("interrupt", match={"name": name})
    if tier == "Spot":
        assert "PreemptionError" in stage.ended(name)["error"]["error"]["message"]
    assert stage.status(name) == status
    if tier == "Standard":
        stage.cancel(name)
        stage.ended(name)


def test_a_young_identity_may_not_be_used_for_a_while(stage: Stage) -> None:
    stage.cloud.fault("denied", operation="PutJob", seconds=2, times=None)
    user = stage.ask("PUT", f"{IDENTITY}young", {"location": "westeurope"})["properties"]
    request = stage.job("pass", identity__clientId=user["clientId"])
    with pytest.raises(Refused, match="AuthorizationFailed"):
        stage.create(request)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with pytest.raises(Refused) as caught:
            stage.create(request)
        if "is not assigned to computes" in str(caught.value):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the identity never became old enough")
    body = {"properties": {"principalId": user["principalId"], "roleDefinitionId": READER}}
    stage.ask(
        "PUT",
        f"{ACCOUNT}/providers/Microsoft.Authorization/roleAssignments/33333333-3333-4333-8333-333333333333",
        body,
    )
    with pytest.raises(Refused, match="AuthorizationFailed"):
        stage.create(request)


def test_lists_may_lag_behind_new_jobs(stage: Stage) -> None:
    name = stage.run("", tags={"lag": "x"})
    stage.cloud.fault("lagging", service="machinelearningservices", seconds=60)
    assert stage.ask("GET", f"{JOBS}?tag=lag") == {"value": []}
    assert [one["name"] for one in stage.ask("GET", f"{JOBS}?tag=lag")["value"]] == [name]


@pytest.mark.parametrize(("kind", "kept"), [("lost", True), ("reset", False)])
def test_an_answer_may_be_lost_with_or_without_what_was_done(stage: Stage, kind: str, kept: bool) -> None:
    request = stage.job("pass")
    stage.cloud.fault(kind, operation="PutJob")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        stage.create(request)
    there = [
        one for one in stage.ask("GET", f"{JOBS}?listViewType=All")["value"] if one["name"] == request["name"]
    ]
    assert bool(there) is kept
    if kept:
        stage.ended(request["name"])


def test_a_slow_answer_comes_all_the_same(stage: Stage) -> None:
    stage.cloud.fault("slow", operation="ListJobs", seconds=0.3)
    started = time.monotonic()
    stage.ask("GET", JOBS)
    assert time.monotonic() - started >= 0.3
