"""What Google Cloud answers, and what its client raises, as an error a user can act on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dispatcher.backends.faults import NotAllowed, QuotaExceeded, RoleNotAssumable, Throttled, clause
from dispatcher.backends.vertex import observe
from dispatcher.errors import (
    AlreadyExistsError,
    AuthError,
    CapacityError,
    DispatchError,
    NotFoundError,
    Problem,
    SpecError,
    UnreachableError,
    UsageError,
)

if TYPE_CHECKING:
    from dispatcher.backends.vertex.caller import Caller

_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    416: "OUT_OF_RANGE",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""HTTP status -> canonical code (google/rpc/code.proto), for answers that name none, as those of Cloud Storage."""
_LATER = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "ABORTED", "CANCELLED"}
"""Codes that say nothing of the request: it may or may not have had its effect."""

_METRIC = re.compile(r"\b[a-z0-9-]+\.googleapis\.com/[a-z0-9_/]+")
_PERMISSION = re.compile(r"[Pp]ermission '([A-Za-z0-9.]+)' denied")
_ACT_AS = re.compile(r"permission to act as service.?account", re.IGNORECASE)
_PROVISIONING = re.compile(r"service agents? (are|is) being provisioned", re.IGNORECASE)
_RATE = re.compile(r"per ?minute|rate.?limit", re.IGNORECASE)
_SIGNED_OUT = re.compile(
    r"invalid_grant|invalid_client|reauth|expired|revoked|account has been deleted", re.IGNORECASE
)


class NotReady(AuthError):
    """Something Google makes or switches on by itself in a new project is not there yet: nobody is allowed."""

    propagating = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer: HTTP status, canonical code, text, and typed details by the last word of their type."""

    status: int
    code: str
    text: str
    details: Mapping[str, Mapping[str, Any]]

    @property
    def reason(self) -> str:
        """The machine-readable reason, such as `SERVICE_DISABLED`; empty when there is none."""
        return str(self.details.get("ErrorInfo", {}).get("reason", ""))

    @property
    def permission(self) -> str:
        """The permission that was missing; empty when the answer does not name it."""
        named = self.details.get("ErrorInfo", {}).get("metadata", {}).get("permission")
        found = _PERMISSION.search(self.text)
        return str(named or (found[1] if found else ""))


def read(status: int, content: bytes | str) -> Refusal | None:
    """Take an error answer apart; None when it is not Google's (a proxy's page, say)."""
    text = content.decode(errors="replace") if isinstance(content, bytes) else content
    usual = _CODES.get(status, "UNKNOWN")
    try:
        document = json.loads(text)
    except ValueError:
        # Downloads are refused in plain text; markup is somebody else's.
        return None if "<" in text[:200] else Refusal(status, usual, text.strip()[:500] or usual, {})
    document = document[0] if isinstance(document, list) and document else document
    error = document.get("error") if isinstance(document, Mapping) else None
    if not isinstance(error, Mapping):
        return None
    details = {
        str(one.get("@type", "")).rpartition(".")[2]: one
        for one in error.get("details", ())
        if isinstance(one, Mapping)
    }
    return Refusal(status, str(error.get("status") or usual), str(error.get("message") or usual), details)


def document(answer: Any, operation: str, caller: Caller) -> dict[str, Any]:
    """Return the JSON object of an answer that is not an error."""
    try:
        found = answer.json() if answer.content else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _foreign(operation, caller)
    return found


def busy(answer: Any) -> bool:
    """Whether an answer says that the service cannot now, so that a read may be tried again."""
    if answer.status_code in (408, 500, 502, 503, 504):
        return True
    found = read(answer.status_code, answer.content) if answer.status_code == 429 else None
    return found is not None and _throttled(found)


def passing(error: Exception) -> bool:
    """Whether an exception of the client says that no answer came, so that a read may be tried again."""
    import google.auth.exceptions
    import requests.exceptions as http

    if isinstance(error, google.auth.exceptions.GoogleAuthError):
        return isinstance(error, google.auth.exceptions.TransportError) or bool(error.retryable)
    return isinstance(error, (http.ConnectionError, http.Timeout, http.ChunkedEncodingError))


@contextmanager
def translated(operation: str, caller: Caller) -> Iterator[None]:
    """Raise what google-auth and requests raise inside as DispatchErrors; the original stays attached."""
    try:
        yield
    except DispatchError:
        raise
    except Exception as error:
        found = of_client(error, operation, caller)
        if found is None:
            raise
        raise found from error


def of_answer(answer: Any, operation: str, caller: Caller) -> DispatchError:
    """Translate an answer of status 400 and more."""
    found = read(answer.status_code, answer.content)
    return _foreign(operation, caller) if found is None else of_refusal(found, operation, caller)


def of_refusal(found: Refusal, operation: str, caller: Caller) -> DispatchError:
    """Translate an error that Google answered with."""
    text = clause(found.text)
    if found.code == "UNAUTHENTICATED":
        return AuthError(f"not signed in to Google Cloud: {operation} was refused, {text}", caller.sign_in())
    if observe.cause(found.text) == "capacity":
        return CapacityError(
            f"Google Cloud has no capacity: {text}", "try later, other hardware, or another region"
        )
    if found.code == "RESOURCE_EXHAUSTED":
        if _throttled(found):
            return Throttled(f"Google Cloud throttles {operation}: {text}", "wait a minute and try again")
        return _quota(found, caller)
    if _PROVISIONING.search(found.text):
        return NotReady(
            f"Vertex AI is still making its service agents in {caller.zone.project}: {text}",
            "it takes a few minutes in a new project; then try again",
        )
    if found.code == "PERMISSION_DENIED" or _ACT_AS.search(found.text):
        return _denied(found, operation, caller)
    if found.code == "NOT_FOUND":
        return NotFoundError(f"{operation}: {text}")
    if found.code == "ALREADY_EXISTS":
        return AlreadyExistsError(f"{operation}: {text}")
    if found.code in _LATER or (found.status >= 500 and found.code != "UNIMPLEMENTED"):
        return UnreachableError(
            f"Google Cloud failed at {operation} ({found.code}: {text})", "nothing to change here: try again later"
        )
    if found.code in ("INVALID_ARGUMENT", "OUT_OF_RANGE", "FAILED_PRECONDITION"):
        source = f"Vertex AI {operation}"
        wrong = found.details.get("BadRequest", {}).get("fieldViolations", ())
        named = [
            Problem(source, None, str(one.get("field", "")), str(one.get("description", ""))) for one in wrong
        ]
        return SpecError(named or [Problem(source, None, "", found.text)])
    return DispatchError(f"Google Cloud refused {operation}: {found.code}: {text}")


def _throttled(found: Refusal) -> bool:
    """Tell too many calls a minute, which pass, from too much hardware, which does not."""
    return found.reason == "RATE_LIMIT_EXCEEDED" or bool(_RATE.search(found.text))


def _quota(found: Refusal, caller: Caller) -> QuotaExceeded:
    metrics = _METRIC.findall(found.text)
    named = found.details.get("ErrorInfo", {}).get("metadata", {}).get("quota_metric")
    quota = ", ".join(metrics) or str(named or "")
    zone = caller.zone
    page = f"https://console.cloud.google.com/iam-admin/quotas?project={zone.project}"
    return QuotaExceeded(
        f"quota of {zone.project} in {zone.region}: {quota or 'Vertex AI'} is used up: {clause(found.text)}",
        f"ask for more of {quota} at {page}, or name other hardware" if quota else f"see {page}",
        quota,
    )


def _denied(found: Refusal, operation: str, caller: Caller) -> DispatchError:
    if by_project := _by_project(found, operation, caller):
        return by_project
    zone, text = caller.zone, clause(found.text)
    permission = found.permission or ("iam.serviceAccounts.actAs" if _ACT_AS.search(found.text) else operation)
    if caller.identity == "ambient":
        remedy = (
            f"your own identity needs {permission}; `identity: agent` on the queue uses the zone's account instead"
        )
    elif permission in zone.actions.agent:
        remedy = (
            f"the contract grants it to {caller.who}: wait some minutes if that is new, for a grant takes so long "
            "to spread; otherwise run `pulumi up` on the zone's stack, which gives it again"
        )
    else:
        remedy = (
            f"it is not among the permissions of {caller.who}: run `pulumi up` on the zone's stack, "
            "then `dispatch sync`"
        )
    return NotAllowed(f"not allowed: {permission} was denied to {caller.who} ({text})", remedy, permission)


def _by_project(found: Refusal, operation: str, caller: Caller) -> DispatchError | None:
    """A refusal that no permission of anybody's would change; None when it is not one."""
    zone, text = caller.zone, clause(found.text)
    if found.reason == "SERVICE_DISABLED":
        return NotReady(
            f"an API is not enabled in {zone.project}: {text}",
            "run `pulumi up` on the zone's stack, which enables it; that takes a few minutes to spread",
        )
    if found.reason == "SECURITY_POLICY_VIOLATED" or "vpcServiceControlsUniqueIdentifier" in found.text:
        return AuthError(
            f"not allowed from here: the zone's service perimeter refused {operation} ({text})",
            "work from inside the perimeter, or have your network or identity added to its ingress rules",
        )
    if found.reason == "USER_PROJECT_DENIED" or "quota project" in found.text:
        return AuthError(
            f"not allowed to bill calls to a project: {text}",
            f"run: gcloud auth application-default set-quota-project {zone.project}",
        )
    return None


def of_client(error: Exception, operation: str, caller: Caller) -> DispatchError | None:
    """Translate an error that never left this machine or never came back; None for one that is neither's."""
    import google.auth.exceptions as auth
    import requests.exceptions as http

    text = clause(str(error.args[0] if error.args else error))
    if isinstance(error, auth.DefaultCredentialsError):
        return AuthError(f"not signed in to Google Cloud: {text.partition('. To set up')[0]}", caller.sign_in())
    if isinstance(error, (auth.TransportError, http.ConnectionError, http.Timeout, http.ChunkedEncodingError)):
        return UnreachableError(
            f"Google Cloud in {caller.zone.region} did not answer {operation}: {clause(str(error))[:300]}",
            "check the network, VPN and proxy; then try again",
        )
    if isinstance(error, auth.RefreshError):
        return _of_refresh(error, text, operation, caller)
    if isinstance(error, auth.GoogleAuthError):
        return AuthError(f"not signed in to Google Cloud: {text}", caller.sign_in())
    if isinstance(error, http.RequestException):
        return UsageError(f"the Google Cloud configuration does not work: {text}", "run: gcloud config list")
    return None


def _of_refresh(error: Any, text: str, operation: str, caller: Caller) -> DispatchError:
    """A token could not be had: the user's own is at an end, or the agent may not be (yet) become."""
    agent = caller.zone.identities.agent
    answer = error.args[1] if len(error.args) > 1 else None
    found = read(0, answer) if isinstance(answer, str) else None
    if not text.startswith("Unable to acquire impersonated credentials"):
        if error.retryable and not _SIGNED_OUT.search(text):
            return UnreachableError(f"Google Cloud gave no token for {operation}: {text}", "try again later")
        return AuthError(f"not signed in to Google Cloud: {text}", caller.sign_in())
    if found is None or found.code in _LATER or found.code == "RESOURCE_EXHAUSTED":
        why = clause(found.text) if found else text
        return UnreachableError(f"no token for {agent}: {why}", "nothing to change here: try again later")
    if found.code == "UNAUTHENTICATED":
        return AuthError(f"not signed in to Google Cloud: {clause(found.text)}", caller.sign_in())
    if by_project := _by_project(found, "GenerateAccessToken", caller):
        return by_project
    return RoleNotAssumable(
        f"not allowed to become the zone's agent account {agent}: {clause(found.text)}",
        "a new grant takes minutes to spread; otherwise have your identity added to `principals` of the zone, "
        "or set `identity: ambient` on the queue",
    )


def _foreign(operation: str, caller: Caller) -> UnreachableError:
    # A proxy or captive portal answered in Google's place; what became of the request is unknown.
    return UnreachableError(
        f"something other than Google Cloud in {caller.zone.region} answered {operation}",
        "check the proxy, VPN and endpoint settings; then try again",
    )
