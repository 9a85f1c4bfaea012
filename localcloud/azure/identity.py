"""Managed identities: an address that hands out tokens, in App Service's form and in Azure ML's for its jobs.

The programs of this place are given (App Service's form) the token of the signed-in person or, with a client id,
that of the user-assigned identity. A job's programs are given (Azure ML's form, an older one) that of the job's
identity, by its client id: as on a cluster that has no system-assigned one. Sources:
learn.microsoft.com/azure/app-service/overview-managed-identity (REST); azure-identity, _credentials/azure_ml.py.
"""

from __future__ import annotations

import hmac

from localcloud.azure.arm.authorization import identity
from localcloud.azure.errors import AzureError, in_words
from localcloud.azure.plane import Plane, Request, Route, routed
from localcloud.azure.state import CLI, PERSON, State
from localcloud.azure.tokens import DAY, Tokens
from localcloud.jobs.badges import Badges
from localcloud.place import AZURE

VERSION, JOB_VERSION = "2019-08-01", "2017-09-01"


class Clusters:
    """The badges of identities that jobs run as."""

    def __init__(self, state: State) -> None:
        self.badges = Badges()


def lent(state: State, client: str) -> dict[str, str]:
    """Variables that lead a job's programs to tokens of its identity; none without one."""
    if not client:
        return {}
    secret = state.store(Clusters).badges.lend(client)
    return {"MSI_ENDPOINT": f"{state.url}{AZURE}/identity/job", "MSI_SECRET": secret}


def job_token(state: State, request: Request) -> object:
    """A token of a job's own identity."""
    own = state.store(Clusters).badges.holder(request.call.lower.get("secret", ""))
    if own is None:
        raise AzureError(403, "Forbidden", "The secret header is missing or wrong.")
    client = request.query.get("clientid", "")
    if client != own:
        which = f"client id {client}" if client else "the system-assigned identity"
        raise AzureError(400, "BadRequest", f"No managed identity found for {which}: the job's is {own}.")
    return _issue(state, request, JOB_VERSION, client)


def token(state: State, request: Request) -> object:
    """A token for a program of this place."""
    header = request.call.lower.get("x-identity-header", "")
    if not hmac.compare_digest(header.encode(), state.secret.encode()):
        raise AzureError(403, "Forbidden", "The X-IDENTITY-HEADER header is missing or wrong.")
    if request.query.keys() & {"object_id", "principal_id", "mi_res_id", "msi_res_id"}:
        raise AzureError(400, "BadRequest", "localcloud finds identities by client_id only.")
    return _issue(state, request, VERSION, request.query.get("client_id", ""))


def _issue(state: State, request: Request, version: str, client: str) -> object:
    if request.query.get("api-version") != version:
        raise AzureError(400, "BadRequest", f"The api-version has to be {version}.")
    resource = request.query.get("resource", "")
    if not resource:
        raise AzureError(400, "BadRequest", "The resource is missing.")
    oid, app = PERSON, CLI
    if client:
        with state.lock:
            found = identity(state, client)
        if found is None:
            raise AzureError(
                400, "BadRequest", f"No User Assigned Managed Identity found for client_id '{client}'."
            )
        oid, app = str(found.properties["principalId"]), client
    text, expires = state.store(Tokens).issue(oid, app, resource, DAY)
    return {
        "access_token": text,
        "client_id": app,
        "expires_on": str(expires),
        "resource": resource,
        "token_type": "Bearer",
    }


PLANE = Plane(
    routed("identity", [Route("GET", "", "GetToken", token), Route("GET", "/job", "GetJobToken", job_token)]),
    in_words,
)
