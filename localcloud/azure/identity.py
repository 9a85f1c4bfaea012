"""Managed identities as App Service gives them to its programs: an address that hands out tokens.

Without a client id the token is the signed-in person's; with one it is the user-assigned identity's that has it.
"""

from __future__ import annotations

import hmac

from localcloud.azure.arm.authorization import identity
from localcloud.azure.errors import AzureError, in_words
from localcloud.azure.plane import Plane, Request, Route, routed
from localcloud.azure.state import CLI, PERSON, State
from localcloud.azure.tokens import DAY, Tokens

VERSION = "2019-08-01"


def token(state: State, request: Request) -> object:
    """A token for a resource. Source: learn.microsoft.com/azure/app-service/overview-managed-identity (REST)."""
    header = request.call.lower.get("x-identity-header", "")
    if not hmac.compare_digest(header.encode(), state.secret.encode()):
        raise AzureError(403, "Forbidden", "The X-IDENTITY-HEADER header is missing or wrong.")
    if request.query.get("api-version") != VERSION:
        raise AzureError(400, "BadRequest", f"The api-version has to be {VERSION}.")
    resource, client = request.query.get("resource", ""), request.query.get("client_id", "")
    if not resource:
        raise AzureError(400, "BadRequest", "The resource is missing.")
    if request.query.keys() & {"object_id", "principal_id", "mi_res_id", "msi_res_id"}:
        raise AzureError(400, "BadRequest", "localcloud finds identities by client_id only.")
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


PLANE = Plane(routed("identity", [Route("GET", "", "GetToken", token)]), in_words)
