"""The backend's verbs against prepared answers: what no local cloud can be brought to say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core import exceptions as http

from dispatcher.backends.azureml.backend import AzureMLBackend
from dispatcher.backends.azureml.runs import CLOSED, SILENT
from dispatcher.backends.azureml.session import PATIENCE, PAUSES, REFRESH, SLOWEST
from dispatcher.backends.base import Request, State
from dispatcher.backends.faults import QuotaExceeded
from dispatcher.errors import AuthError, SpecError, UnreachableError
from tests.backends.azureml.cases import CASES, Case, clusters, golden_zone, open_zone
from tests.backends.azureml.doubles import Call, Wire, answer, refusal, session
from tests.backends.cases import train

NOW = datetime(2026, 11, 21, 8, 7, tzinfo=UTC).timestamp()
MISSING = refusal(404, "UserError", "Job not found")
REGISTERED = "Environment dispatch with version 6 is already registered and cannot be changed."  # CLI issue 5440


def backend(*answers: Any) -> tuple[AzureMLBackend, Wire]:
    """Return a backend of a public zone, signed in, that is given the answers."""
    opened, wire, naps = session(*answers, zone=open_zone())
    made = AzureMLBackend(open_zone(), user="ada", sleep=naps.append, clock=lambda: NOW)
    made._session = opened
    return made, wire


# Submitting


def request() -> Request:
    return CASES["example-train"].render()


def version(image: str) -> Any:
    return answer(200, {"properties": {"image": image, "osType": "Linux"}})


@pytest.mark.parametrize(
    "no",
    [
        refusal(400, "UserError", REGISTERED),
        refusal(409, "UserError", REGISTERED),
        refusal(409, "Conflict", "Asset already exists"),
        refusal(409, "Conflict", "Another operation is in progress."),
    ],
    ids=["registered", "registered, 409", "exists", "two at once"],
)
def test_an_environment_version_that_is_there_is_used_whatever_azure_says_to_its_put(no: Any) -> None:
    wanted = request()
    environment, job = wanted.operations
    image = environment.body["properties"]["image"]
    made, wire = backend(MISSING, no, version(image), answer(201, {"id": job.path}))
    assert made.submit(wanted) == job.path
    assert [call.method for call in wire.seen] == ["GET", "PUT", "GET", "PUT"]
    assert wire.seen[2].url.endswith(environment.path)


def test_an_environment_version_that_holds_another_image_is_not_used() -> None:
    made, wire = backend(MISSING, refusal(400, "UserError", REGISTERED), version("other.azurecr.io/x:1"))
    with pytest.raises(SpecError, match=r"holds the image other\.azurecr\.io/x:1"):
        made.submit(request())
    assert len(wire.seen) == 3, "no job is sent"


def test_an_environment_version_that_is_only_being_made_is_waited_for() -> None:
    made, _ = backend(MISSING, refusal(409, "Conflict", "in progress"), refusal(404, "UserError", "not found"))
    with pytest.raises(UnreachableError, match="in progress"):
        made.submit(request())


OUT = refusal(400, "OutOfQuota", "OutOfQuota: Not enough cluster CPU quota.")


@pytest.mark.parametrize(
    ("case", "family"),
    [
        (Case(train(resources={"instance": "Standard_NC4as_T4_v3"})), "StandardNCASv3_T4Family"),
        (Case(train(resources={"instance": "Standard_NC4as_T4_v3"}), zone=clusters()), "StandardNCASv3_T4Family"),
    ],
    ids=["serverless", "cluster"],
)
def test_a_quota_that_azure_does_not_name_is_that_of_the_jobs_vm_size(case: Case, family: str) -> None:
    opened, _, naps = session(MISSING, answer(200, {}), OUT, zone=case.zone)
    made = AzureMLBackend(case.zone, user="ada", sleep=naps.append)
    made._session = opened
    with pytest.raises(QuotaExceeded, match=f"the job's VM size counts to {family}") as caught:
        made.submit(case.render())
    assert caught.value.quota == family
    assert caught.value.remedy.startswith(f"ask for more of {family} at https://ml.azure.com/quota")


def test_a_submission_in_which_everything_is_slow_ends_within_what_its_lease_is_reckoned_by() -> None:
    wanted, busy = request(), refusal(503, "ServerBusy", "busy")
    busy.headers["Retry-After"] = "600"
    throttled = refusal(429, "TooManyRequests", "wait")
    throttled.headers["Retry-After"] = "600"
    slow, (environment, job) = [busy] * len(PAUSES), wanted.operations
    there = version(environment.body["properties"]["image"])
    opened, wire, naps = session(
        *slow, MISSING, *slow, refusal(409, "Conflict", "exists"), *slow, there, throttled, *slow, MISSING,
        http.ServiceResponseTimeoutError("slow"), *slow, answer(200, {"id": job.path}), zone=open_zone(),
    )  # fmt: skip
    made = AzureMLBackend(open_zone(), user="ada", sleep=naps.append)
    made._session = opened
    assert made.submit(wanted) == job.path
    calls = sum(call.options["connection_timeout"] + call.options["read_timeout"] for call in wire.seen)
    assert calls + sum(naps) + REFRESH == SLOWEST
    assert naps[len(PAUSES) * 3] == PATIENCE, "as long as Azure asks for, within reason"


# Watching


def described(status: str) -> Any:
    properties = {"status": status, "limits": {"timeout": "PT60S"}}
    return answer(
        200, {"name": "a", "properties": properties, "systemData": {"createdAt": "2026-11-21T08:00:00Z"}}
    )


def record(**times: str) -> Any:
    return answer(200, {"successfulResults": {"a": {"runMetadata": {"runId": "a", **times}}}, "failedResults": {}})


def failed(code: str, message: str, inner: str = "") -> Any:
    error = {"code": code, "message": message, "innerError": {"code": inner}}
    return answer(200, {"successfulResults": {}, "failedResults": {"a": {"error": error}}})


STARTED = "2026-11-21T08:05:00Z"
ENDED = "2026-11-21T08:06:00Z"


@pytest.mark.parametrize(
    "owing",
    [failed("ServiceError", "Something broke"), record(startTimeUtc=STARTED), answer(200, {})],
    ids=["failed for this one", "no end yet", "nothing of it"],
)
def test_what_run_history_owes_for_one_job_is_waited_for_so_that_a_timeout_is_one(owing: Any) -> None:
    made, _ = backend(
        described("Canceled"), owing, described("Canceled"), record(startTimeUtc=STARTED, endTimeUtc=ENDED)
    )
    meanwhile = made.poll(["a"])["a"]
    assert (meanwhile.state, meanwhile.vendor_state, meanwhile.ended_at) == (State.STOPPING, "Canceled", None)
    final = made.poll(["a"])["a"]
    assert (final.state, final.billable_seconds) == (State.TIMED_OUT, 60)


@pytest.mark.parametrize(
    "none",
    [
        failed("UserError", "Run a was not found."),
        failed("UserError", "No run a", "NotFoundError"),
        failed("NotFound", "There is none"),
    ],
)
def test_a_job_that_never_had_a_run_ends_without_one(none: Any) -> None:
    made, _ = backend(described("Canceled"), none)
    assert made.poll(["a"])["a"].state is State.CANCELLED


def test_run_history_that_is_busy_for_a_moment_is_asked_again_by_a_public_zone() -> None:
    busy = refusal(503, "ServerBusy", "busy")
    made, wire = backend(described("Completed"), busy, record(startTimeUtc=STARTED, endTimeUtc=ENDED))
    assert made.poll(["a"])["a"].state is State.SUCCEEDED
    assert len(wire.seen) == 3


def test_a_private_zone_waits_for_a_connection_to_run_history_once_in_a_while() -> None:
    whole, nowhere, now = (
        record(startTimeUtc=STARTED, endTimeUtc=ENDED),
        http.ServiceRequestTimeoutError("slow"),
        [NOW],
    )
    opened, wire, naps = session(
        described("Completed"), nowhere, described("Completed"), described("Completed"), whole
    )
    made = AzureMLBackend(golden_zone(), user="ada", sleep=naps.append, clock=lambda: now[0])
    made._session = opened
    assert made.poll(["a"])["a"].state is State.SUCCEEDED
    assert (len(wire.seen), naps) == (2, [])
    assert made.poll(["a"])["a"].times_unknown
    assert len(wire.seen) == 3, "it was not asked again"
    now[0] += CLOSED
    assert made.poll(["a"])["a"].billable_seconds == 60, "somebody may be inside by now"


DOWN = [
    refusal(503, "ServerBusy", "busy"),
    http.ServiceRequestError("refused"),
    answer(200, b"<html>proxy</html>"),
]


@pytest.mark.parametrize("down", DOWN, ids=["busy", "no connection", "a proxy's page"])
def test_while_run_history_is_down_states_are_known_and_no_job_ends_before_it_was_down_for_long(down: Any) -> None:
    def both(call: Call) -> Any:
        if "batchrundata" not in call.url:
            return described("Running" if call.url.endswith("/b") else "Completed")
        if isinstance(down, Exception):
            raise down
        return down

    now = [NOW]
    opened, _, naps = session(both, zone=open_zone())
    made = AzureMLBackend(open_zone(), user="ada", sleep=naps.append, clock=lambda: now[0])
    made._session = opened
    seen = made.poll(["a", "b"])
    assert (seen["a"].state, seen["a"].vendor_state) == (State.RUNNING, "Completed")
    assert seen["b"].state is State.RUNNING
    now[0] += SILENT
    seen = made.poll(["a", "b"])
    assert (seen["a"].state, seen["a"].billable_seconds) == (State.SUCCEEDED, None)
    assert "why and how long is not known here" in seen["a"].reason


def test_what_run_history_forbids_is_said() -> None:
    made, _ = backend(described("Completed"), refusal(401, "Unauthorized", "no"))
    with pytest.raises(AuthError):
        made.poll(["a"])
