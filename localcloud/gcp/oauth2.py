"""oauth2.googleapis.com: a JWT signed with the place's key becomes an access token (RFC 7523)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from localcloud.gcp import tokens
from localcloud.gcp.api import Api, Request, Route
from localcloud.gcp.state import State
from localcloud.server.wire import Answer

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def token(state: State, request: Request) -> object:
    """The token endpoint; its errors are OAuth's (RFC 6749, 5.2), not the APIs'."""
    form = dict(parse_qsl(request.call.body.decode(errors="replace")))
    if form.get("grant_type") != GRANT:
        return _refusal("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
    try:
        found = tokens.claims(state, form.get("assertion", ""))
    except tokens.JwtError as error:
        return _refusal("invalid_grant", f"Invalid JWT: {error}")
    if "target_audience" in found:
        return _refusal("invalid_request", "localcloud does not emulate ID tokens")
    scopes = str(found.get("scope", "")).split()
    if not scopes:
        return _refusal("invalid_scope", "Empty or missing scope not allowed.")
    text, _ = state.store(tokens.Tokens).issue(str(found["iss"]), scopes=scopes)
    return {"access_token": text, "expires_in": int(tokens.HOUR) - 1, "token_type": "Bearer"}


def _refusal(error: str, description: str) -> Answer:
    document: dict[str, Any] = {"error": error, "error_description": description}
    return Answer.json(document, 400)


API = Api([Route("POST", "/token", "Token", token)], anonymous=True)
