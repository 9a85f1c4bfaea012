"""Vertex AI's words in ours: total over the vendor's enum, and nothing unknown ends a job."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.backends.base import State
from dispatcher.backends.vertex import observe, protos
from tests.backends.vertex.doubles import golden_zone

WORDS = {
    "JOB_STATE_UNSPECIFIED": None,
    "JOB_STATE_QUEUED": State.PENDING,
    "JOB_STATE_PENDING": State.PENDING,
    "JOB_STATE_RUNNING": State.RUNNING,
    "JOB_STATE_SUCCEEDED": State.SUCCEEDED,
    "JOB_STATE_FAILED": State.FAILED,
    "JOB_STATE_CANCELLING": State.STOPPING,
    "JOB_STATE_CANCELLED": State.CANCELLED,
    "JOB_STATE_PAUSED": None,
    "JOB_STATE_EXPIRED": State.TIMED_OUT,
    "JOB_STATE_UPDATING": State.RUNNING,
    "JOB_STATE_PARTIALLY_SUCCEEDED": State.FAILED,
    "JOB_STATE_RETICULATING": None,
}


@pytest.mark.parametrize(("word", "state"), WORDS.items())
def test_a_word_has_its_state(word: str, state: State | None) -> None:
    assert observe.state(word) is state


@pytest.mark.oracle
def test_the_table_has_exactly_the_states_of_the_installed_enum_with_their_numbers() -> None:
    enum = protos.load("job_state").JobState
    assert {name: number for name, (number, _) in observe._table().items()} == {
        one.name: one.value for one in enum
    }
    for one in enum:
        assert observe.word(one.value) == one.name
        assert observe.state(one.value) is observe.state(one.name) is WORDS[one.name]


@given(st.text(max_size=40) | st.integers() | st.none())
def test_no_word_crashes_and_an_unknown_one_is_no_state(word: object) -> None:
    assert observe.state(word) is None or observe.word(word) in WORDS


def job(**changes: Any) -> dict[str, Any]:
    spec = {
        "scheduling": {"timeout": "3600s"},
        "baseOutputDirectory": {"outputUriPrefix": "gs://out/train-abc-1"},
        "workerPoolSpecs": [{"replicaCount": "1"}, {"replicaCount": "3"}],
    }
    return {
        "name": "projects/112233445566/locations/europe-west4/customJobs/4606268999515242496",
        "displayName": "train",
        "labels": {"dispatch-name": "train-abc-1"},
        "state": "JOB_STATE_SUCCEEDED",
        "createTime": "2026-11-21T08:00:00.123456789Z",
        "startTime": "2026-11-21T08:05:00Z",
        "endTime": "2026-11-21T08:35:00.4Z",
        "jobSpec": spec,
        **changes,
    }


def test_a_finished_job_carries_times_bill_outputs_and_links() -> None:
    seen = observe.from_job(job(), golden_zone())
    assert (seen.name, seen.provider_id) == ("train-abc-1", job()["name"])
    assert (seen.state, seen.vendor_state) == (State.SUCCEEDED, "JOB_STATE_SUCCEEDED")
    assert (seen.created_at, seen.started_at) == ("2026-11-21T08:00:00.123Z", "2026-11-21T08:05:00.000Z")
    assert (seen.ended_at, seen.billable_seconds) == ("2026-11-21T08:35:00.400Z", 1800)
    assert seen.model_uri == "gs://out/train-abc-1"
    assert seen.links["console"].endswith(
        "/agent-platform/locations/europe-west4/training/4606268999515242496?project=acme-ml-eu"
    )
    assert "job_id%3D%224606268999515242496%22" in seen.links["logs"]


def test_a_job_that_has_just_been_made_has_only_a_beginning() -> None:
    made = {"name": job()["name"], "displayName": "train", "state": 1, "createTime": "2026-11-21T08:00:00Z"}
    seen = observe.from_job(made, golden_zone())
    assert (seen.name, seen.state, seen.vendor_state) == ("train", State.PENDING, "JOB_STATE_QUEUED")
    assert (seen.started_at, seen.ended_at, seen.billable_seconds) == (None, None, None)


def test_a_job_that_ended_before_it_ran_costs_nothing() -> None:
    ended = job(state="JOB_STATE_CANCELLED", startTime=None)
    assert observe.from_job(ended, golden_zone()).billable_seconds == 0


def test_a_job_that_vertex_cancels_at_its_timeout_is_timed_out() -> None:
    cancelled = job(state="JOB_STATE_CANCELLED", endTime="2026-11-21T09:05:01Z")
    seen = observe.from_job(cancelled, golden_zone())
    assert (seen.state, seen.reason) == (State.TIMED_OUT, "it ran for its timeout of 3600 s")
    early = job(state="JOB_STATE_CANCELLED", endTime="2026-11-21T09:04:59Z")
    assert observe.from_job(early, golden_zone()).state is State.CANCELLED


def test_a_program_that_fails_in_its_last_second_is_not_timed_out() -> None:
    error = {"code": 3, "message": "The replica workerpool0-0 exited with a non-zero status of 1."}
    failed = job(state="JOB_STATE_FAILED", endTime="2026-11-21T09:05:01Z", error=error)
    assert observe.from_job(failed, golden_zone()).state is State.FAILED


def test_a_flexible_start_that_never_came_is_timed_out() -> None:
    spec = {"scheduling": {"strategy": "FLEX_START", "maxWaitDuration": "1800s", "timeout": "60s"}}
    waited = job(state="JOB_STATE_FAILED", startTime=None, jobSpec=spec, endTime="2026-11-21T08:30:01Z")
    seen = observe.from_job(waited, golden_zone())
    assert (seen.state, seen.reason) == (
        State.TIMED_OUT,
        "it waited for machines as long as it may, 1800 s",
    )


def test_a_partial_success_says_what_it_is() -> None:
    seen = observe.from_job(job(state="JOB_STATE_PARTIALLY_SUCCEEDED"), golden_zone())
    assert (seen.state, seen.reason) == (
        State.FAILED,
        "Vertex AI calls it partially succeeded: some results may be missing",
    )


@pytest.mark.parametrize(
    ("code", "text", "cause"),
    [
        (3, "The replica workerpool0-0 exited with a non-zero status of 1. Termination reason: Error.", "program"),
        (3, "The replica workerpool1-2 exited with a non-zero status of 137, internal error", "program"),
        (8, "Resources are insufficient in region: us-central1. Please try a different region", "capacity"),
        (8, "The following quota metrics exceed quota limits: aiplatform.googleapis.com/x", "request"),
        (13, "Internal error occurred for the current attempt", "provider"),
        (7, "Vertex AI Service Agent may not read the image", "request"),
        (14, "unavailable", "provider"),
        (0, "Something new", ""),
    ],
)
def test_the_error_of_a_failure_says_whose_fault_it_was(code: int, text: str, cause: str) -> None:
    failed = job(state="JOB_STATE_FAILED", error={"code": code, "message": text})
    seen = observe.from_job(failed, golden_zone())
    assert (seen.state, seen.reason, seen.cause) == (State.FAILED, text, cause)


@given(st.dictionaries(st.sampled_from(["startTime", "endTime", "createTime", "state"]), st.text(max_size=12)))
def test_no_odd_answer_crashes(odd: dict[str, str]) -> None:
    assert observe.from_job(job(**odd), golden_zone()).name == "train-abc-1"
