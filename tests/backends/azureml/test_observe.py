"""Azure ML's words in ours: total over the vendor's enum, and nothing unknown ends a job."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.backends.azureml import observe, place
from dispatcher.backends.base import State
from localcloud.azure import types
from tests.backends.azureml.cases import golden_zone

_ML = "microsoft.machinelearningservices-2025-12-01.json"
WORDS = {
    "NotStarted": State.PENDING,
    "Starting": State.PENDING,
    "Provisioning": State.PENDING,
    "Preparing": State.PENDING,
    "Queued": State.PENDING,
    "Running": State.RUNNING,
    "Finalizing": State.RUNNING,
    "CancelRequested": State.STOPPING,
    "Completed": State.SUCCEEDED,
    "Failed": State.FAILED,
    "NotResponding": State.FAILED,
    "Canceled": State.CANCELLED,
    "Paused": None,
    "Unknown": None,
    "Reticulating": None,
}
WITHIN = ["timeout", "output", "uri", "Studio", "endpoint", "error", "code", "message", "createdAt"]
"""What is looked for within the objects of an answer."""
ENDED = datetime(2026, 11, 21, 8, 7, tzinfo=UTC)
"""Shortly after the job below has ended."""


@pytest.mark.parametrize(("word", "state"), WORDS.items())
def test_a_word_has_its_state(word: str, state: State | None) -> None:
    assert observe.state(word) is state


@given(st.text(max_size=40) | st.integers() | st.none())
def test_no_word_crashes_and_an_unknown_one_is_no_state(word: object) -> None:
    assert observe.state(word) is None or word in WORDS


def job(status: str = "Running", **changes: Any) -> dict[str, Any]:
    """A job as Resource Manager answers it."""
    zone = golden_zone()
    properties = {
        "status": status,
        "limits": {"jobLimitsType": "Command", "timeout": "PT1H"},
        "outputs": {
            "default": {"uri": "azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.x"},
            "output": {"uri": place.datastore_uri(zone, "output", "train-abc-1/")},
        },
        "services": {"Studio": {"endpoint": "https://ml.azure.com/runs/train-abc-1?wsid=/x"}, "Tracking": None},
        **changes,
    }
    created = {"createdAt": "2026-11-21T08:00:00.1234567Z"}
    return {
        "id": place.job_id(zone, "train-abc-1"),
        "name": "train-abc-1",
        "properties": properties,
        "systemData": created,
    }


def run(**changes: Any) -> dict[str, Any]:
    """What run history has of it."""
    times = {"startTimeUtc": "2026-11-21T08:05:00.5+00:00", "endTimeUtc": "2026-11-21T08:06:40.7501234Z"}
    return {"runId": "train-abc-1", **times, **changes}


def test_a_job_that_ran_says_when_what_it_cost_and_where_its_results_are() -> None:
    seen = observe.from_job(job("Completed"), golden_zone(), run())
    assert (seen.state, seen.vendor_state, seen.name) == (State.SUCCEEDED, "Completed", "train-abc-1")
    assert seen.provider_id == place.job_id(golden_zone(), "train-abc-1")
    assert (seen.created_at, seen.started_at, seen.ended_at) == (
        "2026-11-21T08:00:00.123Z",
        "2026-11-21T08:05:00.500Z",
        "2026-11-21T08:06:40.750Z",
    )
    assert seen.billable_seconds == 100
    assert seen.model_uri == "https://azureweu1a2b3c.blob.core.windows.net/output/train-abc-1"
    assert seen.links == {"console": "https://ml.azure.com/runs/train-abc-1?wsid=/x"}
    assert (seen.reason, seen.cause) == ("", "")


def test_a_job_that_waits_has_no_times_and_no_bill() -> None:
    seen = observe.from_job(job("Queued"), golden_zone())
    assert (seen.state, seen.started_at, seen.ended_at, seen.billable_seconds) == (State.PENDING, None, None, None)


def test_a_job_that_never_ran_costs_nothing() -> None:
    never = run(startTimeUtc=None)
    assert observe.from_job(job("Canceled"), golden_zone(), never).billable_seconds == 0


def test_a_job_that_azure_cancels_at_its_timeout_is_timed_out() -> None:
    late = run(endTimeUtc="2026-11-21T09:05:00.5Z")
    seen = observe.from_job(job("Canceled"), golden_zone(), late)
    assert (seen.state, seen.vendor_state) == (State.TIMED_OUT, "Canceled")
    assert seen.reason == "it ran for its timeout of 3600 s"
    early = run(endTimeUtc="2026-11-21T09:05:00.4Z")
    assert observe.from_job(job("Canceled"), golden_zone(), early).state is State.CANCELLED
    assert observe.from_job(job("Canceled", limits=None), golden_zone(), late).state is State.CANCELLED


@pytest.mark.parametrize(
    ("word", "meanwhile"),
    [("Canceled", State.STOPPING), ("Completed", State.RUNNING), ("Failed", State.RUNNING)],
)
@pytest.mark.parametrize("owed", [True, False], ids=["no record", "no end"])
def test_a_job_has_not_ended_before_its_record_tells_when(word: str, meanwhile: State, owed: bool) -> None:
    record = None if owed else run(endTimeUtc=None)
    seen = observe.from_job(job(word), golden_zone(), record, owed=owed, now=ENDED)
    assert (seen.state, seen.vendor_state, seen.ended_at) == (meanwhile, word, None)
    late = ENDED + timedelta(days=1, hours=1)
    assert observe.from_job(job(word), golden_zone(), record, owed=owed, now=late).state is observe.state(word)
    complete = observe.from_job(job(word), golden_zone(), run(), now=ENDED)
    assert (complete.state, complete.billable_seconds) == (observe.state(word), 100)


def test_a_job_whose_machines_fell_silent_has_no_end_to_wait_for() -> None:
    seen = observe.from_job(job("NotResponding"), golden_zone(), run(endTimeUtc=None), now=ENDED)
    assert seen.state is State.FAILED


def test_a_program_that_fails_behind_its_timeout_is_not_timed_out() -> None:
    late = run(endTimeUtc="2026-11-21T10:00:00Z")
    assert observe.from_job(job("Failed"), golden_zone(), late).state is State.FAILED


def test_what_run_history_would_say_is_said_to_be_unknown_once_the_job_has_ended() -> None:
    seen = observe.from_job(job("Failed"), golden_zone(), None, "not from here")
    assert (seen.state, seen.cause, seen.billable_seconds) == (State.FAILED, "", None)
    assert seen.reason == "why and how long is not known here: not from here"
    assert seen.times_unknown
    assert not observe.from_job(job("Failed"), golden_zone(), run()).times_unknown
    assert observe.from_job(job("Running"), golden_zone(), None, "not from here").reason == ""


@pytest.mark.parametrize(
    ("code", "text", "cause"),
    [
        (
            "UserError",
            "Execution failed. User process 'python' exited with status code 2. See std_log.txt",
            "program",
        ),
        (
            "UserError",
            "AzureMLCompute job failed. PreemptionError: Nodes of this job got pre-empted.",
            "interrupted",
        ),
        ("UserError", "AllocationFailed: the VM size is not available", "capacity"),
        ("UserError", "The specified subscription has a Standard NC family vCPU quota of 0", "request"),
        ("ServiceError", "Something broke", "provider"),
        ("UserError", "Something new", ""),
        ("", "", ""),
    ],
)
def test_the_error_of_a_failure_says_whose_fault_it_was(code: str, text: str, cause: str) -> None:
    failed = run(error={"error": {"code": code, "message": text}})
    seen = observe.from_job(job("Failed"), golden_zone(), failed)
    assert (seen.state, seen.reason, seen.cause) == (State.FAILED, text, cause)


@pytest.mark.parametrize(
    ("tier", "status", "cause"),
    [("Spot", 143, "interrupted"), ("Standard", 143, "program"), ("Spot", 1, "program"), ("Spot", 137, "program")],
)
def test_a_spot_job_that_left_at_sigterm_was_interrupted_whatever_azure_calls_it(
    tier: str, status: int, cause: str
) -> None:
    """137 is what a job gets that uses too much memory, too: it must not start again for ever."""
    text = f"Execution failed. User process '/bin/bash' exited with status code {status}. Please check log file"
    failed = run(error={"error": {"code": "UserError", "message": text}})
    assert observe.from_job(job("Failed", queueSettings={"jobTier": tier}), golden_zone(), failed).cause == cause


def test_a_job_whose_machines_fell_silent_failed_by_the_clouds_fault() -> None:
    seen = observe.from_job(job("NotResponding"), golden_zone(), run())
    assert (seen.state, seen.cause) == (State.FAILED, "provider")
    assert "NotResponding" in seen.reason


def test_outputs_that_an_override_sent_elsewhere_are_not_looked_for_in_the_zone() -> None:
    elsewhere = {"output": {"uri": "azureml://datastores/other/paths/x"}, "odd": None}
    assert observe.from_job(job(outputs=elsewhere), golden_zone()).model_uri is None
    assert observe.from_job(job(outputs=None), golden_zone()).model_uri is None


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just("P99999999999D"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WITHIN), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from(["status", "limits", "outputs", "services"]), ODD),
    st.dictionaries(st.sampled_from(["startTimeUtc", "endTimeUtc", "error"]), ODD | st.just("2026-13-45")) | ODD,
    st.fixed_dictionaries({}, optional={"properties": ODD, "systemData": ODD}),
    st.booleans(),
)
def test_no_odd_answer_crashes(properties: dict[str, Any], history: Any, top: dict[str, Any], owed: bool) -> None:
    odd = {**job(**properties), **top}
    seen = observe.from_job(odd, golden_zone(), history, owed=owed, now=ENDED)
    assert (seen.name, seen.provider_id) == ("train-abc-1", odd["id"])


def test_times_without_a_zone_are_utc() -> None:
    naive = run(startTimeUtc="2026-11-21T08:05:00", endTimeUtc="2026-11-21T08:06:00Z")
    assert observe.from_job(job("Completed"), golden_zone(), naive).billable_seconds == 60


@pytest.mark.oracle
def test_the_table_has_exactly_the_states_of_microsofts_own_types() -> None:
    document = json.loads((Path(types.__file__).parent / "data" / _ML).read_text())
    (base,) = (one for one in document if one.get("name") == "JobBaseProperties")
    union = document[int(base["baseProperties"]["status"]["type"]["$ref"][2:])]
    values = {document[int(one["$ref"][2:])].get("value") for one in union["elements"]} - {None}
    assert values == set(observe._states())
