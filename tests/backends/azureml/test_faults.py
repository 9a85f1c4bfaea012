"""Every error of Azure and of its client as one a user can act on, without a network."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import yaml
from azure.core import exceptions as http
from azure.identity import CredentialUnavailableError

import infra.azure
from dispatcher.backends.azureml import faults
from dispatcher.backends.azureml.caller import Caller
from dispatcher.backends.faults import NotAllowed, QuotaExceeded, Throttled
from dispatcher.contract import Actions
from dispatcher.errors import (
    AlreadyExistsError,
    AuthError,
    CapacityError,
    DispatchError,
    NotFoundError,
    PolicyRefusal,
    SpecError,
    UnreachableError,
    UsageError,
)
from tests.backends.azureml.cases import golden_zone
from tests.backends.azureml.doubles import Response, answer, refusal

CALLER = Caller(golden_zone(), "agent")
PUT = "PutJob"
JOBS = "Microsoft.MachineLearningServices/workspaces/jobs/write"
DENIED = (
    f"The client 'ada@example.org' with object id '1' does not have authorization to perform action '{JOBS}' over "
    "scope '/subscriptions/1' or the scope is invalid. If access was recently granted, please refresh your "
    "credentials."
)
ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
LINKED = (
    f"The client 'ada' with object id '1' has permission to perform action '{JOBS}' on scope '/x'; however, it "
    f"does not have permission to perform action(s) '{ASSIGN}' on the linked scope(s) '/y' or the linked scope(s) "
    "are invalid."
)
# Words as they were reported: dotnet/machinelearning-modelbuilder#2140, scylladb/scylla-cluster-tests#12948.
FAMILY = (
    "The specified subscription has a Standard NC family vCPU quota of 0 and cannot accomodate for at least 1 "
    "requested managed compute nodes which maps to 12 vCPUs."
)
CORES = "Operation could not be completed as it results in exceeding approved standardFSv2Family Cores quota."
TOTAL = (
    "The specified subscription has a total vCPU quota of 4 and cannot accomodate for at least 1 requested node."
)
OUT = "OutOfQuota: Not enough cluster CPU quota."
PRIVATE = "Access to workspace was denied based on workspace private link configuration."
XML = (
    b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><Error><Code>%s</Code>'
    b"<Message>%s\nRequestId:1\nTime:2</Message></Error>"
)


def blob(status: int, code: bytes, message: bytes) -> Response:
    return answer(status, XML % (code, message))


ANSWERS = [
    (PUT, refusal(400, "UserError", FAMILY), QuotaExceeded, "westeurope: Standard NC family is used up"),
    (PUT, refusal(409, "OperationNotAllowed", CORES), QuotaExceeded, "standardFSv2Family is used up"),
    (PUT, refusal(400, "UserError", TOTAL), QuotaExceeded, "westeurope: total is used up"),
    (PUT, refusal(400, "OutOfQuota", OUT), QuotaExceeded, "Azure ML is used up: OutOfQuota"),
    ("GetJob", refusal(429, "TooManyRequests", "Too many requests."), Throttled, "throttles GetJob"),
    (PUT, refusal(409, "SkuNotAvailable", "SkuNotAvailable: not in this location"), CapacityError, "no capacity"),
    (PUT, refusal(409, "AllocationFailed", "We do not have enough"), CapacityError, "no capacity"),
    (PUT, refusal(403, "AuthorizationFailed", DENIED), NotAllowed, f"not allowed: {JOBS} was denied"),
    (PUT, refusal(403, "LinkedAuthorizationFailed", LINKED), NotAllowed, f"not allowed: {ASSIGN} was denied"),
    (PUT, refusal(403, "Forbidden", "No."), NotAllowed, "not allowed: PutJob was denied (No)"),
    (PUT, refusal(403, "RequestDisallowedByPolicy", "by 'no-gpu'"), PolicyRefusal, "Azure Policy refused PutJob"),
    ("GetJob", refusal(502, "UserError", PRIVATE), faults.NotFromHere, "own network only"),
    ("GetJob", refusal(403, "Forbidden", "Public network access is disabled."), faults.NotFromHere, "own network"),
    ("GetJob", refusal(401, "ExpiredAuthenticationToken", "expired"), AuthError, "not signed in to Azure"),
    (PUT, refusal(409, "MissingSubscriptionRegistration", "not registered"), AuthError, "is not registered"),
    ("GetJob", refusal(404, "UserError", "Job not found"), NotFoundError, "GetJob: Job not found"),
    ("GetJob", refusal(404, "ResourceGroupNotFound", "gone"), faults.ZoneGone, "the zone is not there"),
    ("GetWorkspace", refusal(404, "ResourceNotFound", "gone"), faults.ZoneGone, "the zone is not there"),
    (PUT, refusal(400, "UserError", "A job with this name already exists."), AlreadyExistsError, "already exists"),
    (PUT, refusal(409, "Conflict", "another operation is in progress"), UnreachableError, "Conflict"),
    (PUT, refusal(412, "PreconditionFailed", "etag"), UnreachableError, "PreconditionFailed"),
    (PUT, refusal(500, "InternalServerError", "Oops."), UnreachableError, "failed at PutJob"),
    (PUT, answer(503, b""), UnreachableError, "status 503"),
    (PUT, refusal(400, "UserError", "The VM size is not supported"), SpecError, "Azure ML PutJob: The VM size"),
    (PUT, refusal(400, "InvalidApiVersionParameter", "no"), DispatchError, "does not know version 2025-12-01"),
    (PUT, refusal(418, "Teapot", "short"), DispatchError, "refused PutJob: Teapot: short"),
    ("ListBlobs", blob(404, b"ContainerNotFound", b"The container is gone."), NotFoundError, "container is gone"),
    ("GetBlob", blob(503, b"ServerBusy", b"busy"), UnreachableError, "ServerBusy: busy"),
    ("GetBlob", blob(403, b"AuthorizationFailure", b"no"), faults.NotFromHere, "own network only"),
    ("GetBlob", blob(403, b"AuthorizationPermissionMismatch", b"no"), NotAllowed, "GetBlob was denied"),
    ("GetBlob", answer(404, b"", x_ms_error_code="BlobNotFound"), NotFoundError, "BlobNotFound"),
    (
        PUT,
        answer(403, b"<html>Please sign in to the wireless network</html>"),
        UnreachableError,
        "something other",
    ),
    (PUT, answer(302, b""), UnreachableError, "something other than Azure in westeurope answered PutJob"),
    (PUT, answer(400, b"[1]"), UnreachableError, "something other than Azure"),
    (PUT, answer(403, b"<?xml not really"), UnreachableError, "something other than Azure"),
]


@pytest.mark.parametrize(("operation", "given", "kind", "words"), ANSWERS)
def test_an_answer_of_azure_becomes_its_error(
    operation: str, given: Response, kind: type[DispatchError], words: str
) -> None:
    error = faults.of_answer(given, operation, CALLER)
    assert type(error) is kind
    assert words in str(error)
    assert "\n" not in error.message
    assert "RequestId" not in error.message


def test_details_that_the_service_names_are_each_a_problem() -> None:
    details = [
        {"target": "properties.command", "message": "is empty"},
        {"target": "properties.limits", "message": "is odd"},
        {"code": "OnlyACode"},
    ]
    error = faults.of_answer(refusal(400, "ValidationError", "Invalid", details=details), PUT, CALLER)
    assert isinstance(error, SpecError)
    assert [(one.path, one.rule) for one in error.problems] == [
        ("properties.command", "is empty"),
        ("properties.limits", "is odd"),
    ]


CHAIN = (
    "DefaultAzureCredential failed to retrieve a token from the included credentials.\n"
    "Attempted credentials:\n\tAzureCliCredential: Please run 'az login' to set up an account"
)
EXPIRED = "AzureCliCredential: ERROR: AADSTS700082: The refresh token has expired due to inactivity.\nTrace ID: 1"
NO_SUCH = "No User Assigned Managed Identity found for client_id '00000000-1111-4222-8333-666666666666'."
CLIENT = [
    (CredentialUnavailableError(CHAIN), AuthError, "nor `az login` is there"),
    (
        http.ClientAuthenticationError(EXPIRED),
        AuthError,
        "not signed in to Azure: AADSTS700082: The refresh token",
    ),
    (http.ClientAuthenticationError(NO_SUCH), AuthError, "does not carry the zone's agent identity"),
    (http.ServiceRequestError("refused"), faults.NoConnection, "did not answer PutJob"),
    (http.ServiceRequestTimeoutError("slow"), faults.NoConnection, "did not answer"),
    (http.ServiceResponseError("reset"), UnreachableError, "check the network, VPN and proxy"),
    (http.ServiceResponseTimeoutError("slow"), UnreachableError, "did not answer"),
    (http.IncompleteReadError("broke"), UnreachableError, "did not answer"),
    (http.DecodeError("odd"), UnreachableError, "broke off"),
    (http.AzureError("odd"), UsageError, "configuration does not work"),
]


@pytest.mark.parametrize(("raised", "kind", "words"), CLIENT, ids=lambda value: type(value).__name__)
def test_an_error_of_the_client_becomes_its_error(
    raised: Exception, kind: type[DispatchError], words: str
) -> None:
    with pytest.raises(kind) as caught, faults.translated(PUT, CALLER):
        raise raised
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert caught.value.remedy
    assert "\n" not in caught.value.message
    assert caught.value.__cause__ is raised


def test_a_mistake_of_ours_is_not_dressed_up_as_one_of_the_cloud() -> None:
    with pytest.raises(KeyError), faults.translated(PUT, CALLER):
        raise KeyError("name")


def test_only_what_may_pass_by_itself_says_so() -> None:
    assert faults.of_answer(refusal(403, "AuthorizationFailed", DENIED), PUT, CALLER).propagating
    assert not faults.of_answer(refusal(400, "UserError", FAMILY), PUT, CALLER).propagating
    assert not faults.of_answer(refusal(502, "UserError", PRIVATE), PUT, CALLER).propagating
    assert not faults.of_answer(refusal(401, "InvalidAuthenticationToken", "x"), PUT, CALLER).propagating


def test_the_remedy_of_a_denial_names_the_role_that_allows_it_or_that_there_is_none() -> None:
    def remedy(text: str, code: str = "AuthorizationFailed") -> str:
        return faults.of_answer(refusal(403, code, text), PUT, CALLER).remedy

    assert "role `<zone> submits jobs <digits>` on the workspace" in remedy(DENIED)
    assert "role `<zone> runs jobs as another <digits>` on its execution identity" in remedy(LINKED)
    other = "perform action 'Microsoft.Network/virtualNetworks/read' over"
    assert "the zone gives nobody one: run `pulumi up`" in remedy(other)
    granted = dataclasses.replace(golden_zone(), actions=Actions(("Microsoft.Network/virtualNetworks/read",)))
    given = refusal(403, "AuthorizationFailed", other)
    assert "have yourself added" in faults.of_answer(given, PUT, Caller(granted, "agent")).remedy


def test_the_roles_of_a_zone_are_called_as_it_builds_them() -> None:
    table = yaml.safe_load((Path(infra.azure.__file__).parent / "data" / "roles.yaml").read_text())
    named = [re.search(r"`<zone> (.+) <digits>`", role) for _, role in faults._ROLES]
    built = {found[1] for found in named if found}
    assert len(built) == 2
    assert built <= set(table["custom"])
    every = [action for role in built for action in table["custom"][role]]
    assert {JOBS, ASSIGN} <= set(every)


def test_a_quota_keeps_its_family_and_where_to_ask_for_more() -> None:
    error = faults.of_answer(refusal(400, "UserError", FAMILY), PUT, CALLER)
    assert isinstance(error, QuotaExceeded)
    assert error.quota == "Standard NC family"
    assert "https://ml.azure.com/quota" in error.remedy
    government = Caller(dataclasses.replace(golden_zone(), azure_cloud="usgovernment"), "agent")
    assert (
        "https://ml.azure.us/quota" in faults.of_answer(refusal(400, "UserError", FAMILY), PUT, government).remedy
    )


@pytest.mark.parametrize(
    ("given", "later"),
    [
        (refusal(503, "ServerBusy", "x"), True),
        (refusal(500, "InternalServerError", "x"), True),
        (answer(504, b"<html>"), True),
        (refusal(429, "TooManyRequests", "x"), True),
        (refusal(429, "QuotaExceeded", TOTAL), False),
        (refusal(502, "UserError", PRIVATE), False),
        (refusal(403, "AuthorizationFailed", DENIED), False),
        (refusal(404, "NotFound", "x"), False),
    ],
)
def test_a_read_is_repeated_when_the_service_is_busy_and_not_when_it_said_no(given: Response, later: bool) -> None:
    assert faults.busy(given) is later


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"x_ms_retry_after_ms": "250", "Retry_After": "7"}, 0.25),
        ({"Retry_After": "Fri, 21 Nov 2026 10:00:00 GMT"}, 0.0),
        ({}, 0.0),
    ],
)
def test_how_long_azure_asks_to_wait(headers: dict[str, str], seconds: float) -> None:
    assert faults.retry_after(answer(429, {}, **headers)) == seconds
