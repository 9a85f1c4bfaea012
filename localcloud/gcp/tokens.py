"""Bearer tokens: who holds which, until when, and the one key whose signatures are believed."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.gcp import key
from localcloud.gcp.accounts import ServiceAccounts
from localcloud.gcp.errors import GoogleError, info
from localcloud.gcp.state import State

TESTING = "testing"
"""Always taken, for programs that are given a token instead of credentials (the provider's `accessToken`)."""

HOUR = 3600.0
_SKEW = 300.0  # seconds a client's clock may be wrong, as Google's token endpoint allows
_MISSING = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other "
    "valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_WRONG = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


class JwtError(ValueError):
    """A token that is no JWT, is not signed by the local key, or is out of time; the text says which."""


@dataclass(frozen=True, slots=True)
class Token:
    """Who acts with it, and until when in seconds since 1970."""

    holder: str
    expires: float
    scopes: Sequence[str] = ()


@dataclass
class Tokens:
    """The tokens issued so far."""

    state: State
    _issued: dict[str, Token] = field(default_factory=dict)

    def issue(self, holder: str, seconds: float = HOUR, scopes: Sequence[str] = ()) -> tuple[str, Token]:
        """A new opaque token."""
        now = self.state.clock()
        text = "ya29.local." + secrets.token_urlsafe(32)
        with self.state.lock:
            self._issued = {old: token for old, token in self._issued.items() if token.expires > now - HOUR}
            self._issued[text] = token = Token(holder, now + seconds, tuple(scopes))
        return text, token

    def holder(self, authorization: str | None) -> str:
        """Who a call comes from, empty without credentials. Raises GoogleError for a token that is not ours."""
        if authorization is None:
            return ""
        kind, _, text = authorization.strip().partition(" ")
        text = text.strip()
        if kind.lower() != "bearer" or not text:
            raise unauthenticated("CREDENTIALS_MISSING")
        if text == TESTING:
            return TESTING
        if text.count(".") == 2 and text.startswith("ey"):
            # What Google's clients send for a service-account key without scopes: a JWT of their own making.
            try:
                return str(claims(self.state, text)["iss"])
            except JwtError as error:
                raise unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED") from error
        with self.state.lock:
            token = self._issued.get(text)
        if token is None:
            raise unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED")
        if token.expires <= self.state.clock():
            raise unauthenticated("ACCESS_TOKEN_EXPIRED")
        return token.holder


def unauthenticated(reason: str) -> GoogleError:
    """The refusal of a call without credentials, or with wrong or old ones."""
    message = _MISSING if reason == "CREDENTIALS_MISSING" else _WRONG
    return GoogleError("UNAUTHENTICATED", message, details=[info(reason)])


def claims(state: State, jwt: str) -> Mapping[str, Any]:
    """The claims of a JWT that the place's key signed and whose time has come and not gone. Raises JwtError."""
    head, _, signature = jwt.rpartition(".")
    try:
        found: dict[str, Any] = json.loads(_decode(head.partition(".")[2]))
        expires, issued, issuer = float(found["exp"]), float(found["iat"]), found["iss"]
        signed = _decode(signature)
    except (ValueError, KeyError, TypeError) as error:
        raise JwtError("it is no JWT with iss, iat and exp") from error
    if not key.signed(state.place, head.encode(), signed):
        raise JwtError("its signature is not of this cloud's key")
    with state.lock:
        if issuer != key.EMAIL and state.store(ServiceAccounts).find(str(issuer)) is None:
            raise JwtError(f"there is no account {issuer}")
    now = state.clock()
    if not issued - _SKEW <= now <= expires + _SKEW or expires - issued > HOUR + _SKEW:
        raise JwtError("it is out of its time")
    return found


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
