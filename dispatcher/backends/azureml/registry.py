"""Signing in to Azure Container Registry: a token of Entra is exchanged for one of the registry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dispatcher.backends import image_reference
from dispatcher.errors import AuthError, UnreachableError, UsageError
from dispatcher.images import transport
from dispatcher.images.login import Login

if TYPE_CHECKING:
    from dispatcher.backends.azureml.session import Session
    from dispatcher.images.transport import Transport

USER = "00000000-0000-0000-0000-000000000000"
"""The name that goes with a token of the registry (github.com/Azure/acr, docs/AAD-OAuth.md)."""


def login(session: Session, host: str, calls: Transport) -> Login:
    """Return a login for one registry, good for three hours. Raises AuthError and friends.

    UsageError is for what is no host: the token below may do all that its owner may, so that what an address would
    read as another host never sees it.
    """
    if not image_reference.is_host(host):
        raise UsageError(f"{host!r} is not the host of a registry")
    form = {"grant_type": "access_token", "service": host, "access_token": session.token()}
    identity = "whoever is signed in to Azure here"
    root = transport.stand_in() or f"https://{host}"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    content = urlencode(form).encode()
    with calls.send("POST", f"{root}/oauth2/exchange", kind, transport.whole(content), len(content)) as answer:
        if answer.status in (400, 401, 403):
            raise AuthError(
                f"{host} takes no token of {identity}: {answer.words() or answer.status}", session.caller.sign_in()
            )
        try:
            return Login(host, USER, str(json.loads(answer.read())["refresh_token"]), identity)
        except (ValueError, KeyError, TypeError) as error:
            raise UnreachableError(f"{host} answered {answer.status}, and is no Azure registry") from error
