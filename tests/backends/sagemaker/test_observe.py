"""SageMaker's words in ours: total over the vendor's enums, and nothing unknown ends a job."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.backends.base import State
from dispatcher.backends.sagemaker import observe
from tests.backends.sagemaker.cases import golden_zone
from tests.backends.sagemaker.vendor_oracle import service

WORDS = {
    ("InProgress", "Starting"): State.PENDING,
    ("InProgress", "Pending"): State.PENDING,
    ("InProgress", "Downloading"): State.RUNNING,
    ("InProgress", "Training"): State.RUNNING,
    ("InProgress", "Uploading"): State.RUNNING,
    ("InProgress", "Updating"): State.RUNNING,
    ("InProgress", "Restarting"): State.RUNNING,
    ("InProgress", "Interrupted"): State.INTERRUPTED,
    ("InProgress", "Stopping"): State.STOPPING,
    ("Stopping", "Stopping"): State.STOPPING,
    ("Completed", "Completed"): State.SUCCEEDED,
    ("Failed", "Failed"): State.FAILED,
    ("Stopped", "Stopped"): State.CANCELLED,
    ("Stopped", "MaxRuntimeExceeded"): State.TIMED_OUT,
    ("Stopped", "MaxWaitTimeExceeded"): State.TIMED_OUT,
    ("Stopped", "Reticulated"): None,
    ("Deleting", "Stopped"): None,
    ("Paused", "Training"): None,
    ("InProgress", "Reticulating"): None,
}


@pytest.mark.parametrize(("pair", "state"), WORDS.items())
def test_a_pair_of_words_has_its_state(pair: tuple[str, str], state: State | None) -> None:
    assert observe.state(*pair) is state


@pytest.mark.oracle
def test_the_table_has_a_row_for_every_status_and_step_the_vendor_lists() -> None:
    table = observe._table()
    for status in service().shape_for("TrainingJobStatus").enum:
        for step in service().shape_for("SecondaryStatus").enum:
            assert (status, step) in table or (status, "*") in table, (status, step)


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_word_crashes_and_an_unknown_status_is_no_state(status: str, step: str) -> None:
    known = {row[0] for row in observe._table()}
    assert observe.state(status, step) is None or status in known


def describe(**changes: object) -> dict[str, object]:
    return {
        "TrainingJobName": "train-abc-1",
        "TrainingJobArn": "arn:aws:sagemaker:eu-central-1:123456789012:training-job/train-abc-1",
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "CreationTime": datetime(2026, 11, 21, 8, 0, tzinfo=UTC),
        **changes,
    }


def test_a_finished_job_carries_times_bill_and_model() -> None:
    seen = observe.from_description(
        describe(
            TrainingStartTime=datetime(2026, 11, 21, 8, 1, tzinfo=UTC),
            TrainingEndTime=datetime(2026, 11, 21, 9, 1, 0, 250_000, tzinfo=UTC),
            BillableTimeInSeconds=1800,
            ModelArtifacts={"S3ModelArtifacts": "s3://b/train-abc-1/output/model.tar.gz"},
            SecondaryStatusTransitions=[
                {"Status": "Training", "StatusMessage": ""},
                {"Status": "Interrupted", "StatusMessage": "spot"},
                {"Status": "Interrupted", "StatusMessage": "spot"},
                {"Status": "Completed", "StatusMessage": "Training job completed"},
            ],
        ),
        golden_zone(),
    )
    assert seen.state is State.SUCCEEDED
    assert (seen.created_at, seen.started_at) == ("2026-11-21T08:00:00.000Z", "2026-11-21T08:01:00.000Z")
    assert (seen.ended_at, seen.billable_seconds, seen.interruptions) == ("2026-11-21T09:01:00.250Z", 1800, 2)
    assert seen.model_uri == "s3://b/train-abc-1/output/model.tar.gz"
    assert seen.reason == "Training job completed"
    assert seen.links["console"].endswith("sagemaker/home?region=eu-central-1#/jobs/train-abc-1")


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("AlgorithmError: ExecuteUserScriptError: exit code 1", "program"),
        ("ClientError: Data download failed", "request"),
        ("CapacityError: Unable to provision requested ML compute capacity", "capacity"),
        ("InternalServerError: We encountered an internal error", "provider"),
        ("Something new", ""),
    ],
)
def test_the_reason_of_a_failure_says_whose_fault_it_was(reason: str, cause: str) -> None:
    failed = describe(TrainingJobStatus="Failed", SecondaryStatus="Failed", FailureReason=reason)
    seen = observe.from_description(failed, golden_zone())
    assert (seen.state, seen.reason, seen.cause) == (State.FAILED, reason, cause)


@pytest.mark.parametrize(("secondary", "cause"), [("MaxWaitTimeExceeded", "capacity"), ("MaxRuntimeExceeded", "")])
def test_only_a_time_out_of_waiting_is_for_want_of_machines(secondary: str, cause: str) -> None:
    stopped = describe(TrainingJobStatus="Stopped", SecondaryStatus=secondary)
    seen = observe.from_description(stopped, golden_zone())
    assert (seen.state, seen.cause) == (State.TIMED_OUT, cause)


def test_a_summary_without_its_step_is_not_believed() -> None:
    assert observe.from_summary({"TrainingJobName": "a", "TrainingJobStatus": "InProgress"}, golden_zone()) is None
