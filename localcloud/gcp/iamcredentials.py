"""iamcredentials.googleapis.com: one identity becomes a service account for a while."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from localcloud.gcp.accounts import ServiceAccounts
from localcloud.gcp.api import Api, Request, Route
from localcloud.gcp.errors import invalid, not_found
from localcloud.gcp.state import State
from localcloud.gcp.tokens import HOUR, Tokens


def generate_access_token(state: State, request: Request) -> object:
    """A token of an account that exists, for at most an hour (projects.serviceAccounts.generateAccessToken).

    Who may impersonate whom is not evaluated: a denial has to be asked for as a fault.
    """
    email = request.names["name"].rpartition("/")[2]
    scopes = request.body.get("scope") or []
    if not scopes:
        raise invalid("Request contains an invalid argument: scope is required.")
    lifetime = str(request.body.get("lifetime", f"{HOUR:.0f}s"))
    found = re.fullmatch(r"(\d+(?:\.\d{1,9})?)s", lifetime)
    if found is None or not 0 < float(found[1]) <= HOUR:
        raise invalid("Request contains an invalid argument: lifetime is more than 0s and at most 3600s.")
    with state.lock:
        account = state.store(ServiceAccounts).find(email)
    if account is None:
        raise not_found(f"Not found; Gaia id not found for email {email}")
    text, token = state.store(Tokens).issue(account.email, float(found[1]), scopes)
    expires = datetime.fromtimestamp(int(token.expires), UTC)
    return {"accessToken": text, "expireTime": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}


API = Api(
    [
        Route(
            "POST",
            "/v1/{name=projects/*/serviceAccounts/*}:generateAccessToken",
            "GenerateAccessToken",
            generate_access_token,
        )
    ]
)
