"""Every error of AWS and of its client as one a user can act on, without a network."""

from __future__ import annotations

import botocore.exceptions as boto
import pytest

from dispatcher.backends.sagemaker import faults
from dispatcher.backends.sagemaker.session import Session, session_name, source_identity
from dispatcher.errors import (
    AlreadyExistsError,
    AuthError,
    CapacityError,
    DispatchError,
    NotFoundError,
    QuotaError,
    SpecError,
    UnreachableError,
    UsageError,
)
from tests.backends.sagemaker.cases import golden_zone

SESSION = Session(golden_zone(), identity="agent", user="ada")
LIMIT = (
    "The account-level service limit 'ml.p3.2xlarge for training job usage' is 0 Instances, with current "
    "utilization of 0 Instances and a request delta of 1 Instances. Please contact AWS support."
)
DENIED = (
    "User: arn:aws:sts::1:assumed-role/agent/dispatch-ada is not authorized to perform: iam:PassRole on resource: "
    "arn:aws:iam::1:role/x because no identity-based policy allows the iam:PassRole action"
)
ANSWERS: list[tuple[str, str, str, int, type[DispatchError], str]] = [
    (
        "CreateTrainingJob",
        "ResourceLimitExceeded",
        LIMIT,
        400,
        QuotaError,
        "'ml.p3.2xlarge for training job usage'",
    ),
    ("CreateTrainingJob", "ResourceLimitExceeded", "Some new words", 400, QuotaError, "Some new words"),
    ("CreateTrainingJob", "ResourceInUse", "already exists", 400, AlreadyExistsError, "already exists"),
    ("StopTrainingJob", "ResourceNotFound", "Requested resource not found.", 400, NotFoundError, "not found"),
    (
        "DescribeTrainingJob",
        "ValidationException",
        "Requested resource not found.",
        400,
        NotFoundError,
        "not found",
    ),
    ("DescribeTrainingJob", "ValidationException", "Could not find training job", 400, NotFoundError, "find"),
    ("DescribeTrainingJob", "ValidationException", "name too long", 400, SpecError, "name too long"),
    ("CreateTrainingJob", "ValidationException", "bucket not found", 400, SpecError, "bucket not found"),
    (
        "CreateTrainingJob",
        "ValidationException",
        "Could not assume role arn:x",
        400,
        AuthError,
        "Could not assume",
    ),
    ("CreateTrainingJob", "AccessDeniedException", DENIED, 400, AuthError, "iam:PassRole was denied"),
    ("AssumeRole", "AccessDenied", "no", 403, AuthError, "not allowed to become the zone's agent role"),
    ("GetObject", "AccessDenied", "Access Denied", 403, AuthError, "GetObject was denied"),
    (
        "ListTrainingJobs",
        "ThrottlingException",
        "Rate exceeded",
        400,
        UnreachableError,
        "throttles ListTrainingJobs",
    ),
    ("ListObjectsV2", "SlowDown", "Reduce", 503, UnreachableError, "throttles"),
    ("AssumeRole", "ExpiredToken", "The security token is expired", 403, AuthError, "not signed in to AWS"),
    ("CreateTrainingJob", "ExpiredTokenException", "expired", 400, AuthError, "not signed in to AWS"),
    ("CreateTrainingJob", "UnrecognizedClientException", "invalid token", 400, AuthError, "not signed in to AWS"),
    ("AssumeRole", "InvalidClientTokenId", "invalid", 403, AuthError, "not signed in to AWS"),
    ("CreateTrainingJob", "CapacityError", "none left", 400, CapacityError, "no capacity"),
    ("CreateTrainingJob", "InternalFailure", "oops", 500, UnreachableError, "AWS failed at CreateTrainingJob"),
    ("CreateTrainingJob", "ServiceUnavailable", "oops", 503, UnreachableError, "AWS failed"),
    ("CreateTrainingJob", "SomethingNew", "words", 400, DispatchError, "SomethingNew: words"),
    ("CreateTrainingJob", "", "", 400, DispatchError, "AWS refused CreateTrainingJob"),
]


@pytest.mark.parametrize(("operation", "code", "text", "status", "kind", "words"), ANSWERS)
def test_an_answer_of_aws_becomes_its_error(
    operation: str, code: str, text: str, status: int, kind: type[DispatchError], words: str
) -> None:
    answer = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = faults.of_answer(boto.ClientError(answer, operation), SESSION)
    assert isinstance(error, kind)
    assert words in str(error)


CLIENT: list[tuple[Exception, type[DispatchError], str]] = [
    (boto.NoCredentialsError(), AuthError, "not signed in to AWS: Unable to locate credentials"),
    (boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), AuthError, "not signed in"),
    (boto.CredentialRetrievalError(provider="process", error_msg="exit 1"), AuthError, "not signed in"),
    (boto.UnauthorizedSSOTokenError(), AuthError, "not signed in"),
    (boto.SSOTokenLoadError(error_msg="no token"), AuthError, "not signed in"),
    (boto.TokenRetrievalError(provider="sso", error_msg="expired"), AuthError, "not signed in"),
    (boto.ProfileNotFound(profile="x"), AuthError, "(x) could not be found"),
    (boto.EndpointConnectionError(endpoint_url="https://api.sagemaker"), UnreachableError, "did not answer"),
    (boto.ConnectTimeoutError(endpoint_url="https://api.sagemaker"), UnreachableError, "did not answer"),
    (boto.ReadTimeoutError(endpoint_url="https://api.sagemaker"), UnreachableError, "did not answer"),
    (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), UnreachableError, "did not answer"),
    (boto.ConnectionClosedError(endpoint_url="https://api.sagemaker"), UnreachableError, "did not answer"),
    (boto.ProxyConnectionError(proxy_url="http://proxy"), UnreachableError, "check the network, VPN and proxy"),
    (boto.SSLError(endpoint_url="https://api.sagemaker", error="x"), UnreachableError, "did not answer"),
    (boto.ParamValidationError(report="Unknown parameter"), SpecError, "Unknown parameter"),
    (boto.NoRegionError(), UsageError, "You must specify a region"),
    (boto.ConfigParseError(path="/x"), UsageError, "the AWS configuration does not work"),
]


@pytest.mark.parametrize(("raised", "kind", "words"), CLIENT, ids=lambda value: type(value).__name__)
def test_an_error_of_the_client_becomes_its_error(
    raised: Exception, kind: type[DispatchError], words: str
) -> None:
    with pytest.raises(kind) as caught, faults.translated(SESSION):
        raise raised
    assert words in str(caught.value)
    assert caught.value.remedy or kind is SpecError
    assert caught.value.__cause__ is raised


def test_only_what_may_pass_by_itself_says_so() -> None:
    def of(operation: str, code: str, text: str) -> DispatchError:
        return faults.of_answer(boto.ClientError({"Error": {"Code": code, "Message": text}}, operation), SESSION)

    assert of("AssumeRole", "AccessDenied", "no").propagating
    assert of("CreateTrainingJob", "ValidationException", "Could not assume role arn:x").propagating
    assert of("CreateTrainingJob", "AccessDeniedException", DENIED).propagating
    remedy = of("CreateTrainingJob", "AccessDeniedException", DENIED).remedy
    assert "wait a minute if that is new" in remedy
    assert "otherwise run `pulumi up`" in remedy
    assert not of("CreateTrainingJob", "ExpiredToken", "x").propagating
    assert not of("CreateTrainingJob", "ResourceLimitExceeded", LIMIT).propagating


@pytest.mark.parametrize(
    ("user", "session", "identity"),
    [
        ("ada", "dispatch-ada", "ada"),
        ("Ada Lovelace", "dispatch-Ada-Lovelace", "Ada-Lovelace"),
        ("ada@example.org", "dispatch-ada@example.org", "ada@example.org"),
        ("ÄÖÜ", "dispatch-unknown", "unknown"),
        ("", "dispatch-unknown", "unknown"),
        ("x", "dispatch-x", "user-x"),
        ("aws:root", "dispatch-aws-root", "aws-root"),
        ("a" * 100, "dispatch-" + "a" * 55, "a" * 64),
    ],
)
def test_a_person_is_named_in_what_sts_allows(user: str, session: str, identity: str) -> None:
    assert (session_name(user), source_identity(user)) == (session, identity)


@pytest.mark.oracle
def test_the_names_pass_the_vendors_own_limits() -> None:
    import re

    from tests.backends.sagemaker.vendor_oracle import service

    members = service("sts").operation_model("AssumeRole").input_shape.members
    for user in ("", "x", "Ada Łovelace <a@b>", "aws:x", "a" * 300, "\n\t"):
        for shape, value in (
            (members["RoleSessionName"], session_name(user)),
            (members["SourceIdentity"], source_identity(user)),
        ):
            limits = shape.metadata
            assert limits["min"] <= len(value) <= limits["max"]
            assert re.fullmatch(limits["pattern"], value, re.ASCII)


def test_an_answer_that_is_not_aws_s_leaves_the_fate_of_the_request_open() -> None:
    from botocore.parsers import ResponseParserError

    with (
        pytest.raises(UnreachableError, match="something other than AWS in") as caught,
        faults.translated(SESSION),
    ):
        raise ResponseParserError("Unable to parse response: <html>Please sign in to the wireless network</html>")
    assert "proxy" in caught.value.remedy
