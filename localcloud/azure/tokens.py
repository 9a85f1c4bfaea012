"""Bearer tokens: JWTs for one audience, that name who acts, signed with a key that only this server has."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.azure.errors import AzureError, unauthenticated
from localcloud.azure.state import PERSON, TENANT, State

TESTING = "testing"
"""Always taken, as the signed-in person's: for programs that are given a token instead of credentials."""

DAY = 86_400.0
"""Seconds that a token of a managed identity is good for."""
_AUTHORITY = f"https://login.windows.net/{TENANT}"


@dataclass
class Tokens:
    """Makes and reads tokens."""

    state: State
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def issue(self, oid: str, client: str, audience: str, seconds: float = DAY) -> tuple[str, int]:
        """A token for an object id, and when it ends in whole seconds since 1970."""
        now = int(self.state.clock())
        ends = now + int(seconds)
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{TENANT}/",
            "iat": now,
            "nbf": now,
            "exp": ends,
            "appid": client,
            "idtyp": "user" if oid == PERSON else "app",
            "oid": oid,
            "sub": oid,
            "tid": TENANT,
            "ver": "1.0",
        }
        head = f"{_encoded({'typ': 'JWT', 'alg': 'HS256'})}.{_encoded(claims)}"
        return f"{head}.{self._signature(head)}", ends

    def holder(self, authorization: str | None, audiences: Sequence[str]) -> str:
        """The object id of who calls. Raises AzureError for a token that is missing, wrong, old or for another."""
        kind, _, text = (authorization or "").strip().partition(" ")
        text = text.strip()
        if kind.lower() != "bearer" or not text:
            raise unauthenticated(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
                _AUTHORITY,
            )
        if text == TESTING:
            return PERSON
        claims = self._claims(text)
        if claims is None:
            raise unauthenticated("InvalidAuthenticationToken", "The access token is invalid.", _AUTHORITY)
        if claims["exp"] <= self.state.clock():
            raise expired()
        if str(claims["aud"]).rstrip("/") not in audiences:
            raise unauthenticated(
                "InvalidAuthenticationTokenAudience",
                "The access token has been obtained for wrong audience or resource "
                f"'{claims['aud']}'. It should exactly match with one of the allowed audiences "
                f"{', '.join(repr(one) for one in audiences)}.",
                _AUTHORITY,
            )
        return str(claims["oid"])

    def _claims(self, text: str) -> Mapping[str, Any] | None:
        head, _, signature = text.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(head).encode()):
            return None
        found: dict[str, Any] = json.loads(_decoded(head.partition(".")[2]))
        return found

    def _signature(self, head: str) -> str:
        digest = hmac.new(self._key, head.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def expired() -> AzureError:
    """The refusal of a token whose time is over."""
    return unauthenticated(
        "ExpiredAuthenticationToken",
        "The access token expiry UTC time is earlier than current UTC time.",
        _AUTHORITY,
    )


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
