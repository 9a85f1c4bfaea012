"""What Azure answers, and what its client raises, as an error a user can act on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dispatcher.backends.azureml import observe, place
from dispatcher.backends.faults import NotAllowed, QuotaExceeded, Throttled, clause
from dispatcher.errors import (
    AlreadyExistsError,
    AuthError,
    CapacityError,
    DispatchError,
    NotFoundError,
    PolicyRefusal,
    Problem,
    SpecError,
    UnreachableError,
    UsageError,
)

if TYPE_CHECKING:
    from dispatcher.backends.azureml.caller import Caller

_ACTION = re.compile(r"perform action(?:\(s\))? '([^']+)'")
_LINKED = re.compile(r"not have permission to perform action\(s\) '([^']+)'")
_FAMILY = re.compile(
    r"\b(?:standard ?\w+ ?family|total|low[- ]priority)(?= (?:vCPUs?|cores) quota)", re.IGNORECASE
)
"""The pool in texts such as `has a Standard NC family vCPU quota of 0` (dotnet/machinelearning-modelbuilder#2140)
and `exceeding approved standardFSv2Family Cores quota` (scylladb/scylla-cluster-tests#12948)."""
_QUOTA = re.compile(r"\bquota\b", re.IGNORECASE)
_PRIVATE = re.compile(r"private link configuration|public network access", re.IGNORECASE)
"""As in `Access to workspace was denied based on workspace private link configuration`, which comes with any
status (MicrosoftDocs/azure-docs#90426: 502)."""
_EXISTS = re.compile(r"already (?:exists|registered)", re.IGNORECASE)
"""As in `Environment test_env with version 6 is already registered and cannot be changed`
(Azure/azure-cli-extensions#5440)."""
_MISSING = re.compile(r"not ?found|could not be found|does not exist", re.IGNORECASE)
_SIGNED_OUT = re.compile(r"AADSTS\d+: [^\r\n]*")
_NOT_REGISTERED = ("MissingSubscriptionRegistration", "SubscriptionNotRegistered")
GET_WORKSPACE = "GetWorkspace"
"""Asks for the workspace itself: the answer to a question for a job does not always tell which of the two is not
there."""
_ZONE_GONE = (
    "ResourceGroupNotFound",
    "SubscriptionNotFound",
    "ParentResourceNotFound",
    "InvalidSubscriptionId",
    "WorkspaceNotFound",
)
_ROLES = (
    ("Microsoft.MachineLearningServices/", "the zone's role `<zone> submits jobs <digits>` on the workspace"),
    (
        "Microsoft.ManagedIdentity/",
        "the zone's role `<zone> runs jobs as another <digits>` on its execution identity",
    ),
    ("Microsoft.Storage/", "Storage Blob Data Reader on the zone's containers"),
)
"""Beginning of an action -> the role that allows it, by the name that the portal shows, which the zone's
`submitters` hold (infra/azure/data/roles.yaml)."""

_CODE = "the zone's role `<zone> adds code <digits>` on its container of data"
"""The same for what only code needs."""


class NotFromHere(AuthError):
    """The zone's workspace or storage answers in its own network only; who asks makes no difference."""


class ZoneGone(UsageError):
    """The workspace that the contract names does not exist; that says nothing of any job."""


class NoConnection(UnreachableError):
    """Nothing was sent: the address has no way there, as that of a private zone from outside."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer: HTTP status, Azure's code, its text, and what `details` add, as (target, text)."""

    status: int
    code: str
    text: str
    details: Sequence[tuple[str, str]] = ()

    @property
    def action(self) -> str:
        """The action that was denied; empty when the answer does not name it."""
        found = _LINKED.search(self.text) or _ACTION.search(self.text)
        return found[1] if found else ""


def read(status: int, content: bytes, code: str = "") -> Refusal | None:
    """Take an error answer apart, JSON or a Blob service's XML; None when it is not Azure's (a proxy's page, say).

    `code` is the answer's header x-ms-error-code, which is all that some answers say.
    """
    text = content.decode(errors="replace").lstrip("\ufeff").strip()
    if text.startswith("<?xml") or text.startswith("<Error>"):
        return _of_xml(status, text)
    try:
        document = json.loads(text) if text else {}
    except ValueError:
        return None
    error = document.get("error", document) if isinstance(document, Mapping) else None
    if isinstance(error, Mapping) and error.get("code"):
        details = [
            (str(one.get("target") or ""), str(one.get("message") or ""))
            for one in error.get("details") or ()
            if isinstance(one, Mapping) and one.get("message")
        ]
        return Refusal(status, str(error["code"]), str(error.get("message") or error["code"]), tuple(details))
    if code or status >= 500:
        return Refusal(status, code or str(status), code or f"status {status}")
    return None


def missing(failed: Any) -> bool:
    """Whether an answer for one run among many says that there is no such run (run history's ErrorResponse).

    It has no HTTP status of its own, so its code, the codes within it, or its text have to say so.
    """
    return bool(_MISSING.search(json.dumps(failed)))


def _of_xml(status: int, text: str) -> Refusal | None:
    from xml.etree import ElementTree

    try:
        error = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None
    code = error.findtext("Code")
    # The text ends in lines with the request's id and time.
    return Refusal(status, code, (error.findtext("Message") or code).partition("\n")[0]) if code else None


def document(answer: Any, operation: str, caller: Caller) -> dict[str, Any]:
    """Return the JSON object of an answer that is not an error; empty when it has no content."""
    try:
        found = json.loads(answer.content) if answer.content else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise foreign(operation, caller)
    return found


def busy(answer: Any) -> bool:
    """Whether an answer says that the service cannot now, so that a read may be tried again."""
    if answer.status_code not in (408, 429, 500, 502, 503, 504):
        return False
    found = _read(answer)
    lasting = found is not None and (_PRIVATE.search(found.text) or _QUOTA.search(found.text))
    return not lasting and (found is not None or answer.status_code != 429)


def retry_after(answer: Any) -> float:
    """The seconds that a busy service asks to wait; 0 when it does not, or when there was no answer."""
    if answer is None:
        return 0.0
    milliseconds = str(answer.headers.get("x-ms-retry-after-ms", ""))
    seconds = str(answer.headers.get("Retry-After", ""))
    if milliseconds.isdecimal():
        return int(milliseconds) / 1000
    return float(seconds) if seconds.isdecimal() else 0.0


def passing(error: Exception) -> bool:
    """Whether an exception of the client says that no answer came, so that a read may be tried again."""
    from azure.core import exceptions

    broken = (exceptions.ServiceRequestError, exceptions.ServiceResponseError, exceptions.IncompleteReadError)
    return isinstance(error, broken)


@contextmanager
def translated(operation: str, caller: Caller) -> Iterator[None]:
    """Raise what azure-identity and azure-core raise inside as DispatchErrors; the original stays attached."""
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
    """Translate an answer of status 300 and more, whose content has been read."""
    found = _read(answer)
    if found is None:
        return foreign(operation, caller)
    error = of_refusal(found, operation, caller)
    if isinstance(error, Throttled):
        error.after = retry_after(answer)
    return error


def _read(answer: Any) -> Refusal | None:
    return read(answer.status_code, answer.content, str(answer.headers.get("x-ms-error-code", "")))


def of_refusal(found: Refusal, operation: str, caller: Caller) -> DispatchError:
    """Translate an error that Azure answered with."""
    text = clause(found.text)
    if found.status == 401:
        return AuthError(f"not signed in to Azure: {operation} was refused, {text}", caller.sign_in())
    if found.code == "AuthorizationFailure" or _PRIVATE.search(found.text):
        # The Blob service says AuthorizationFailure when the network rules say no.
        return NotFromHere(
            f"not allowed from here: {operation} is answered in the zone's own network only ({text})",
            "run it on a machine in that network; docs/azure-zone.md says what works from where",
        )
    if found.code == "RequestDisallowedByPolicy":
        return PolicyRefusal(
            f"Azure Policy refused {operation}: {text}",
            "the policy is your organisation's: change the job, or have the zone exempted",
        )
    if _QUOTA.search(found.text) and found.status in (400, 403, 409, 429):
        return _quota(found, caller)
    if observe.cause(found.text) == "capacity" or found.code == "AllocationFailed":
        return CapacityError(f"Azure has no capacity: {text}", "try later, another VM size, or another region")
    if found.status == 429:
        return Throttled(f"Azure throttles {operation}: {text}", "wait a minute and try again")
    if found.code in _NOT_REGISTERED:
        return AuthError(
            f"a resource provider is not registered in subscription {caller.zone.subscription}: {text}",
            "run `pulumi up` on the zone's stack, which registers it; that takes a few minutes",
        )
    if found.status == 403:
        return _denied(found, operation, caller)
    if found.status in (404, 410):
        return _absent(found, operation, caller)
    twice = found.status == 409 and operation == place.PUT_ENVIRONMENT
    if twice or (found.status in (400, 409) and _EXISTS.search(found.text)):
        return AlreadyExistsError(f"{operation}: {text}")
    if found.status >= 500 or found.status in (408, 409, 412):
        # 409 and 412: something else is being done to the same thing at this moment.
        return UnreachableError(
            f"Azure failed at {operation} ({found.code}: {text})", "nothing to change here: try again later"
        )
    if found.code in ("InvalidApiVersionParameter", "NoRegisteredProviderFound", "InvalidResourceType"):
        version = place.cloud(caller.zone).api_version
        return DispatchError(
            f"Azure in {caller.zone.region} does not know version {version} of Azure ML: {text}",
            "upgrade launchway, or use another region",
        )
    if found.status == 400:
        source = f"Azure ML {operation}"
        named = [Problem(source, None, target, rule) for target, rule in found.details]
        return SpecError(named or [Problem(source, None, "", found.text)])
    return DispatchError(f"Azure refused {operation}: {found.code}: {text}")


def _quota(found: Refusal, caller: Caller) -> QuotaExceeded:
    named = _FAMILY.search(found.text)
    quota, zone = named[0] if named else "", caller.zone
    page = f"{place.cloud(zone).studio}/quota"
    return QuotaExceeded(
        f"quota of subscription {zone.subscription} in {zone.region}: {quota or 'Azure ML'} is used up: "
        f"{clause(found.text)}",
        _more(quota, page) if quota else f"see {page}",
        quota,
    )


def of_family(error: QuotaExceeded, family: str, caller: Caller) -> QuotaExceeded:
    """Return the error of a quota that Azure did not name with the family that the job's VM size counts to."""
    page = f"{place.cloud(caller.zone).studio}/quota"
    return QuotaExceeded(f"{error.message}; the job's VM size counts to {family}", _more(family, page), family)


def _more(quota: str, page: str) -> str:
    return f"ask for more of {quota} at {page}, or name other hardware"


def _denied(found: Refusal, operation: str, caller: Caller) -> DispatchError:
    text, zone = clause(found.text), caller.zone
    action = found.action or operation
    role = next((role for start, role in _ROLES if action.startswith(start)), "")
    if found.code == "AuthorizationPermissionMismatch":
        role = _CODE if operation in ("HeadBlob", "PutBlob") else _ROLES[-1][1]
    needs = f"{role} allows it" if role else "a role that allows it is needed"
    if action in zone.actions.agent or role:
        remedy = f"{needs}: a new grant takes minutes to spread; otherwise have yourself added to `submitters`"
    else:
        remedy = f"{needs}, and the zone gives nobody one: run `pulumi up` on its stack, then `dispatch sync`"
    return NotAllowed(f"not allowed: {action} was denied ({text})", remedy, action)


def _absent(found: Refusal, operation: str, caller: Caller) -> DispatchError:
    workspace = place.workspace_id(caller.zone)
    if found.code in _ZONE_GONE or operation == GET_WORKSPACE:
        return ZoneGone(
            f"the zone is not there: {operation}: {clause(found.text)}",
            f"its workspace is {workspace}: run `pulumi up`, then `dispatch sync`. A workspace that was deleted "
            "keeps its name for 14 days, so it comes back under another one",
        )
    return NotFoundError(f"{operation}: {clause(found.text)}")


def of_client(error: Exception, operation: str, caller: Caller) -> DispatchError | None:
    """Translate an error that never left this machine or never came back; None for one that is neither's."""
    from azure.core import exceptions

    text = clause(str(error))
    if isinstance(error, exceptions.ClientAuthenticationError):
        return _signed_out(str(error), caller)
    if passing(error):
        kind = NoConnection if isinstance(error, exceptions.ServiceRequestError) else UnreachableError
        return kind(
            f"Azure in {caller.zone.region} did not answer {operation}: {text[:300]}",
            "check the network, VPN and proxy; then try again",
        )
    if isinstance(error, exceptions.HttpResponseError):
        return UnreachableError(f"the answer to {operation} broke off: {text[:300]}", "try again")
    if isinstance(error, exceptions.AzureError):
        return UsageError(f"the Azure configuration does not work: {text[:300]}", caller.sign_in())
    return None


def _signed_out(text: str, caller: Caller) -> AuthError:
    """Nobody is signed in, or no longer. azure-identity tells at length what it tried; the reason is one line."""
    found = _SIGNED_OUT.search(text)
    client = caller.client
    if client and "No User Assigned" in text:
        why = f"this machine does not carry the zone's agent identity (client id {client})"
        return AuthError(f"not signed in to Azure: {why}", "give it that identity, or set `identity: ambient`")
    why = (
        clause(found[0])[:300]
        if found
        else "neither a service principal, a managed identity nor `az login` is there"
    )
    return AuthError(f"not signed in to Azure: {why}", caller.sign_in())


def foreign(operation: str, caller: Caller) -> UnreachableError:
    """Something answered in Azure's place, a proxy or captive portal; what became of the request is unknown."""
    return UnreachableError(
        f"something other than Azure in {caller.zone.region} answered {operation}",
        "check the proxy, VPN and endpoint settings; then try again",
    )
