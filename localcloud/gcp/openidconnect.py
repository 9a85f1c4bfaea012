"""openidconnect.googleapis.com: whose credentials a caller has."""

from __future__ import annotations

from localcloud.gcp.api import Api, Request, Route
from localcloud.gcp.state import State


def user_info(state: State, request: Request) -> object:
    return {"sub": request.holder, "email": request.holder, "email_verified": True}


API = Api([Route("GET", "/v1/userinfo", "userinfo", user_info)])
