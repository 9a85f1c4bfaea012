"""Every error of Google Cloud and of its client as one a user can act on, without a network."""

from __future__ import annotations

import dataclasses

import google.auth.exceptions as auth
import pytest
import requests
import requests.exceptions as http

from dispatcher.backends.faults import NotAllowed, QuotaExceeded, RoleNotAssumable, Throttled
from dispatcher.backends.vertex import faults
from dispatcher.backends.vertex.caller import Caller
from dispatcher.contract import Actions
from dispatcher.errors import (
    AlreadyExistsError,
    AuthError,
    CapacityError,
    DispatchError,
    NotFoundError,
    SpecError,
    UnreachableError,
    UsageError,
)
from tests.backends.vertex.doubles import answer, golden_zone, info, refusal

CALLER = Caller(golden_zone(), "agent")
QUOTA = (
    "The following quota metrics exceed quota limits: "
    "aiplatform.googleapis.com/custom_model_training_nvidia_l4_gpus"
)
RATE = (
    "Quota exceeded for quota metric 'Resource management (CRUD) requests' and limit 'Resource management (CRUD) "
    "requests per minute' of service 'aiplatform.googleapis.com' for consumer 'project_number:1'."
)
DENIED = (
    "Permission 'aiplatform.customJobs.create' denied on resource "
    "'//aiplatform.googleapis.com/projects/p/locations/us-central1' (or it may not exist)."
)
ACT_AS = "You do not have permission to act as service_account: x@p.iam.gserviceaccount.com. (or it may not exist)"
TOKEN = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
AGENTS = (
    "Service agents are being provisioned "
    "(https://cloud.google.com/vertex-ai/docs/general/access-control#service-agents). Please try again."
)

CREATE = "CreateCustomJob"
ANSWERS = [
    (CREATE, refusal(429, "RESOURCE_EXHAUSTED", QUOTA), QuotaExceeded, "custom_model_training_nvidia_l4_gpus"),
    (CREATE, refusal(429, "RESOURCE_EXHAUSTED", "Some new words"), QuotaExceeded, "Some new words"),
    (
        CREATE,
        refusal(
            429, "RESOURCE_EXHAUSTED", "No.", info("QUOTA_EXCEEDED", quota_metric="aiplatform.googleapis.com/x")
        ),
        QuotaExceeded,
        "aiplatform.googleapis.com/x is used up",
    ),
    ("ListCustomJobs", refusal(429, "RESOURCE_EXHAUSTED", RATE), Throttled, "throttles ListCustomJobs"),
    (CREATE, refusal(429, "RESOURCE_EXHAUSTED", "No.", info("RATE_LIMIT_EXCEEDED")), Throttled, "throttles"),
    (
        CREATE,
        refusal(429, "RESOURCE_EXHAUSTED", "Resources are insufficient in region: us-central1."),
        CapacityError,
        "no capacity",
    ),
    (
        CREATE,
        refusal(
            503, "UNAVAILABLE", "The zone 'a' does not have enough resources available to fulfill the request"
        ),
        CapacityError,
        "no capacity",
    ),
    (
        CREATE,
        refusal(403, "PERMISSION_DENIED", DENIED),
        NotAllowed,
        "aiplatform.customJobs.create was denied to gcp-euw4",
    ),
    (
        CREATE,
        refusal(403, "PERMISSION_DENIED", "No.", info("IAM_PERMISSION_DENIED", permission="storage.objects.get")),
        NotAllowed,
        "storage.objects.get was denied",
    ),
    (CREATE, refusal(400, "INVALID_ARGUMENT", ACT_AS), NotAllowed, "iam.serviceAccounts.actAs was denied"),
    (
        CREATE,
        refusal(403, "PERMISSION_DENIED", "API has not been used", info("SERVICE_DISABLED")),
        faults.NotReady,
        "an API is not enabled in acme-ml-eu",
    ),
    (
        CREATE,
        refusal(403, "PERMISSION_DENIED", "Request is prohibited", info("SECURITY_POLICY_VIOLATED")),
        AuthError,
        "service perimeter refused CreateCustomJob",
    ),
    (
        "ListLogEntries",
        refusal(403, "PERMISSION_DENIED", "The API requires a quota project, which is not set by default."),
        AuthError,
        "set-quota-project acme-ml-eu",
    ),
    (CREATE, refusal(400, "FAILED_PRECONDITION", AGENTS), faults.NotReady, "still making its service agents"),
    (CREATE, refusal(401, "UNAUTHENTICATED", "Bad token."), AuthError, "gcloud auth application-default login"),
    (
        "CancelCustomJob",
        refusal(404, "NOT_FOUND", "The CustomJob does not exist."),
        NotFoundError,
        "does not exist",
    ),
    ("X", refusal(409, "ALREADY_EXISTS", "there"), AlreadyExistsError, "there"),
    ("X", refusal(409, "ABORTED", "conflict"), UnreachableError, "ABORTED"),
    ("X", refusal(504, "DEADLINE_EXCEEDED", "slow"), UnreachableError, "DEADLINE_EXCEEDED: slow"),
    ("X", refusal(500, "INTERNAL", "Internal error encountered."), UnreachableError, "failed at X"),
    ("X", refusal(503, "UNAVAILABLE", "The service is currently unavailable."), UnreachableError, "UNAVAILABLE"),
    (CREATE, refusal(400, "INVALID_ARGUMENT", "machine type x is not supported"), SpecError, "machine type x"),
    (CREATE, refusal(400, "FAILED_PRECONDITION", "The bucket is in location `us`"), SpecError, "location `us`"),
    ("X", refusal(501, "UNIMPLEMENTED", "no"), DispatchError, "UNIMPLEMENTED"),
    ("X", refusal(418, "TEAPOT", "short"), DispatchError, "refused X: TEAPOT: short"),
    ("GetObject", answer(404, b"No such object: bucket/name"), NotFoundError, "No such object"),
    (
        "ListObjects",
        answer(404, {"error": {"code": 404, "message": "The bucket does not exist."}}),
        NotFoundError,
        "bucket",
    ),
    (
        "X",
        answer(403, b"<html>Please sign in to the wireless network</html>"),
        UnreachableError,
        "something other",
    ),
    ("X", answer(400, {"detail": "who are you"}), UnreachableError, "something other than Google Cloud"),
    ("X", answer(502, b""), UnreachableError, "UNAVAILABLE"),
]


@pytest.mark.parametrize(("operation", "given", "kind", "words"), ANSWERS)
def test_an_answer_of_google_becomes_its_error(
    operation: str, given: requests.Response, kind: type[DispatchError], words: str
) -> None:
    error = faults.of_answer(given, operation, CALLER)
    assert type(error) is kind
    assert words in str(error)
    assert "\n" not in error.message


def test_fields_that_the_service_names_are_each_a_problem() -> None:
    bad = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [
            {"field": "custom_job.job_spec", "description": "is missing"},
            {"field": "custom_job.display_name", "description": "is too long"},
        ],
    }
    error = faults.of_answer(refusal(400, "INVALID_ARGUMENT", "List of errors", bad), CREATE, CALLER)
    assert isinstance(error, SpecError)
    assert [(one.path, one.rule) for one in error.problems] == [
        ("custom_job.job_spec", "is missing"),
        ("custom_job.display_name", "is too long"),
    ]


IMPERSONATE = "Unable to acquire impersonated credentials"


def denied(reason: str) -> str:
    """A refusal to become the agent, as google-auth passes it on: the answer's text."""
    return refusal(403, "PERMISSION_DENIED", "no", info(reason)).raw.getvalue().decode()


CLIENT = [
    (
        auth.DefaultCredentialsError("Your default credentials were not found. To set up x, see y"),
        AuthError,
        "login",
    ),
    (auth.RefreshError("Reauthentication is needed. Please run `gcloud auth`"), AuthError, "not signed in"),
    (auth.RefreshError("invalid_grant: Bad Request", {"error": "invalid_grant"}), AuthError, "not signed in"),
    (auth.RefreshError("internal_failure", retryable=True), UnreachableError, "gave no token"),
    (auth.MalformedError("no project_id"), AuthError, "not signed in"),
    (
        auth.RefreshError(IMPERSONATE, refusal(403, "PERMISSION_DENIED", TOKEN).raw.getvalue().decode()),
        RoleNotAssumable,
        "not allowed to become the zone's agent account gcp-euw4-agent@",
    ),
    (
        auth.RefreshError(IMPERSONATE, refusal(404, "NOT_FOUND", "Not found; Gaia id").raw.getvalue().decode()),
        RoleNotAssumable,
        "Gaia id",
    ),
    (
        auth.RefreshError(IMPERSONATE, refusal(401, "UNAUTHENTICATED", "Bad token").raw.getvalue().decode()),
        AuthError,
        "not signed in to Google Cloud: Bad token",
    ),
    (
        auth.RefreshError(IMPERSONATE, denied("SERVICE_DISABLED")),
        faults.NotReady,
        "an API is not enabled",
    ),
    (
        auth.RefreshError(IMPERSONATE, denied("SECURITY_POLICY_VIOLATED")),
        AuthError,
        "service perimeter refused GenerateAccessToken",
    ),
    (
        auth.RefreshError(IMPERSONATE, denied("USER_PROJECT_DENIED")),
        AuthError,
        "set-quota-project acme-ml-eu",
    ),
    (
        auth.RefreshError(IMPERSONATE, refusal(503, "UNAVAILABLE", "busy").raw.getvalue().decode()),
        UnreachableError,
        "no token for gcp-euw4-agent",
    ),
    (auth.RefreshError(IMPERSONATE, "<html>"), UnreachableError, "no token for"),
    (auth.TransportError("connection refused"), UnreachableError, "did not answer CreateCustomJob"),
    (http.ConnectionError("refused"), UnreachableError, "check the network, VPN and proxy"),
    (http.ConnectTimeout("slow"), UnreachableError, "did not answer"),
    (http.ReadTimeout("slow"), UnreachableError, "did not answer"),
    (http.SSLError("certificate"), UnreachableError, "did not answer"),
    (http.ProxyError("proxy"), UnreachableError, "did not answer"),
    (http.ChunkedEncodingError("broke"), UnreachableError, "did not answer"),
    (http.InvalidProxyURL("x"), UsageError, "configuration does not work"),
]


@pytest.mark.parametrize(("raised", "kind", "words"), CLIENT, ids=lambda value: type(value).__name__)
def test_an_error_of_the_client_becomes_its_error(
    raised: Exception, kind: type[DispatchError], words: str
) -> None:
    with pytest.raises(kind) as caught, faults.translated(CREATE, CALLER):
        raise raised
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert caught.value.remedy
    assert caught.value.__cause__ is raised


def test_a_mistake_of_ours_is_not_dressed_up_as_one_of_the_cloud() -> None:
    with pytest.raises(KeyError), faults.translated(CREATE, CALLER):
        raise KeyError("name")


def test_only_what_may_pass_by_itself_says_so() -> None:
    def of(status: int, code: str, text: str) -> DispatchError:
        return faults.of_answer(refusal(status, code, text), CREATE, CALLER)

    assert of(403, "PERMISSION_DENIED", DENIED).propagating
    assert of(400, "INVALID_ARGUMENT", ACT_AS).propagating
    assert of(400, "FAILED_PRECONDITION", AGENTS).propagating
    assert not of(429, "RESOURCE_EXHAUSTED", QUOTA).propagating
    assert not of(401, "UNAUTHENTICATED", "Bad token").propagating
    assert not of(400, "FAILED_PRECONDITION", "The bucket is in location `us`").propagating


def test_the_remedy_of_a_denial_depends_on_who_was_denied_and_what_the_contract_grants() -> None:
    def remedy(caller: Caller) -> str:
        return faults.of_answer(refusal(403, "PERMISSION_DENIED", DENIED), CREATE, caller).remedy

    bare = dataclasses.replace(golden_zone(), actions=Actions())
    assert "the contract grants it" in remedy(CALLER)
    assert "wait some minutes if that is new" in remedy(CALLER)
    assert "otherwise run `pulumi up`" in remedy(CALLER)
    assert "`pulumi up`" in remedy(Caller(bare, "agent"))
    assert "`identity: agent`" in remedy(Caller(golden_zone(), "ambient"))


def test_a_quota_keeps_its_name_and_where_to_ask_for_more() -> None:
    error = faults.of_answer(refusal(429, "RESOURCE_EXHAUSTED", QUOTA), CREATE, CALLER)
    assert isinstance(error, QuotaExceeded)
    assert error.quota == "aiplatform.googleapis.com/custom_model_training_nvidia_l4_gpus"
    assert "iam-admin/quotas?project=acme-ml-eu" in error.remedy


@pytest.mark.parametrize(
    ("given", "later"),
    [
        (refusal(503, "UNAVAILABLE", "x"), True),
        (refusal(500, "INTERNAL", "x"), True),
        (refusal(429, "RESOURCE_EXHAUSTED", RATE), True),
        (refusal(429, "RESOURCE_EXHAUSTED", QUOTA), False),
        (refusal(403, "PERMISSION_DENIED", DENIED), False),
        (refusal(404, "NOT_FOUND", "x"), False),
    ],
)
def test_a_read_is_repeated_when_the_service_is_busy_and_not_when_it_said_no(
    given: requests.Response, later: bool
) -> None:
    assert faults.busy(given) is later
