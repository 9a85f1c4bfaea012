"""What botocore raises, as an error a user can act on: not signed in, not allowed, quota, gone, or not reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dispatcher.backends.faults import NotAllowed, QuotaExceeded, RoleNotAssumable, Throttled, clause
from dispatcher.errors import (
    AlreadyExistsError,
    AuthError,
    CapacityError,
    DispatchError,
    NotFoundError,
    NotInstalledError,
    Problem,
    QuotaError,
    SpecError,
    UnreachableError,
    UsageError,
)

if TYPE_CHECKING:
    from dispatcher.backends.sagemaker.session import Session

_SIGNED_OUT = {
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "MissingAuthenticationToken",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "403"}
_THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "SlowDown",
}
_ABSENT = {"ResourceNotFound", "ResourceNotFoundException", "NoSuchBucket", "NoSuchKey", "404"}
_CAPACITY = {"CapacityError", "InsufficientCapacity", "InsufficientInstanceCapacity"}

_ROLE_NOT_ASSUMED = re.compile(r"(could not|cannot|unable to) assume role", re.IGNORECASE)
_MISSING = re.compile(r"not found|could not find|does not exist", re.IGNORECASE)
_QUOTA = re.compile(r"service limit '([^']+)'")
_ACTION = re.compile(r"perform:? ([a-z0-9-]+:[A-Za-z0-9*]+)")


@contextmanager
def translated(session: Session) -> Iterator[None]:
    """Raise what happens inside as DispatchErrors; the original stays attached as the cause."""
    try:
        import botocore.exceptions as boto
        from botocore.parsers import ResponseParserError
    except ImportError as error:
        raise NotInstalledError("aws", error) from error
    try:
        yield
    except boto.ClientError as error:
        raise of_answer(error, session) from error
    except boto.BotoCoreError as error:
        raise of_client(error, session) from error
    except ResponseParserError as error:
        # A proxy or captive portal answered in AWS's place; what became of the request is unknown.
        raise UnreachableError(
            f"something other than AWS in {session.zone.region} answered: {clause(str(error))[:200]}",
            "check the proxy, VPN and endpoint settings; then try again",
        ) from error


def tried_before(error: DispatchError) -> bool:
    """Whether botocore had tried the refused call before: the effect of a try without an answer may be there."""
    answer = getattr(error.__cause__, "response", None) or {}
    return int(answer.get("ResponseMetadata", {}).get("RetryAttempts", 0)) > 0


def of_answer(error: Any, session: Session) -> DispatchError:
    """Translate an error that AWS answered with (botocore's ClientError)."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    text = str(error.response.get("Error", {}).get("Message", "")) or code
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    operation = str(error.operation_name)
    if code in _SIGNED_OUT:
        return AuthError(f"not signed in to AWS: {operation} was refused, {clause(text)}", session.sign_in())
    if code in _DENIED:
        return _denied(operation, text, session)
    if code in _THROTTLED:
        return Throttled(
            f"AWS throttles {operation} ({text}), and still did after every retry", "wait a minute and try again"
        )
    if code == "ResourceLimitExceeded":
        return _quota(text, session)
    if code == "ResourceInUse":
        return AlreadyExistsError(f"{operation}: {text}")
    if code in _CAPACITY:
        return CapacityError(f"AWS has no capacity: {text}", "try later, another type, or another region")
    if code in _ABSENT or (
        code == "ValidationException" and operation.startswith("Describe") and _MISSING.search(text)
    ):
        return NotFoundError(f"{operation}: {text}")
    if code == "ValidationException" and _ROLE_NOT_ASSUMED.search(text):
        return RoleNotAssumable(
            f"SageMaker cannot assume the execution role: {text}",
            "a new role takes up to a minute to spread; otherwise run `pulumi up` on the zone's stack",
        )
    if code in ("ValidationException", "ValidationError"):
        return SpecError([Problem(f"SageMaker {operation}", None, "", text)])
    if status >= 500:
        return UnreachableError(
            f"AWS failed at {operation} ({code}: {text})", "nothing to change here: try again later"
        )
    return DispatchError(f"AWS refused {operation}: {code}: {text}")


def _denied(operation: str, text: str, session: Session) -> AuthError:
    found = _ACTION.search(text)
    service = "sts" if operation.startswith("Assume") else "s3" if operation.endswith("Object") else "sagemaker"
    action = found[1] if found else f"{service}:{operation}"
    agent = session.zone.identities.agent
    if action == "sts:AssumeRole":
        return RoleNotAssumable(
            f"not allowed to become the zone's agent role {agent}: {clause(text)}",
            "have your identity added to `principals` of the zone, or set `identity: ambient` on the queue",
        )
    if session.identity == "ambient":
        remedy = f"your own identity needs {action}; `identity: agent` on the queue uses the zone's role instead"
    elif action in session.zone.actions.agent:
        remedy = (
            f"the contract grants it to {agent}: wait a minute if that is new, for a grant takes so long to "
            "spread; otherwise run `pulumi up` on the zone's stack, which gives it again"
        )
    else:
        remedy = (
            f"it is not among the actions of {agent}: run `pulumi up` on the zone's stack, then `dispatch sync`"
        )
    return NotAllowed(f"not allowed: {action} was denied ({clause(text)})", remedy, action)


def _quota(text: str, session: Session) -> QuotaError:
    found = _QUOTA.search(text)
    quota = found[1] if found else ""
    region = session.zone.region
    page = f"https://{region}.console.aws.amazon.com/servicequotas/home/services/sagemaker/quotas"
    return QuotaExceeded(
        f"quota of account {session.zone.account} in {region}: {quota or 'SageMaker'} is used up: {text}",
        f"ask for more of {quota!r} at {page}, or name other hardware" if quota else f"see {page}",
        quota,
    )


def of_client(error: Any, session: Session) -> DispatchError:
    """Translate an error that never left this machine or never came back (botocore's BotoCoreError)."""
    import botocore.exceptions as boto

    signed_out = (
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.CredentialRetrievalError,
        boto.SSOError,
        boto.TokenRetrievalError,
    )
    if isinstance(error, signed_out):
        return AuthError(f"not signed in to AWS: {clause(str(error))}", session.sign_in())
    if isinstance(error, boto.ProfileNotFound):
        return AuthError(f"not signed in to AWS: {clause(str(error))}", "run: aws configure list-profiles")
    if isinstance(error, boto.ParamValidationError):
        return SpecError([Problem("SageMaker", None, "", " ".join(str(error).split()))])
    lost = (boto.HTTPClientError, boto.EndpointConnectionError, boto.ConnectionError, boto.IncompleteReadError)
    if isinstance(error, lost):
        region = session.zone.region
        return UnreachableError(
            f"AWS in {region} did not answer: {clause(str(error))}",
            "check the network, VPN and proxy; then try again",
        )
    return UsageError(f"the AWS configuration does not work: {clause(str(error))}", "run: aws configure list")
