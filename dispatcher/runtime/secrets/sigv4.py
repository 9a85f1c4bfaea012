"""AWS's request signatures, version 4, of requests with a body that is whole and headers that are sent once.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

from __future__ import annotations

import hashlib
import hmac
import posixpath
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """A role's short-lived credentials; `token` is empty for those that last."""

    access_key: str
    secret_key: str
    token: str = ""


class Request(NamedTuple):
    """What is signed: all `headers` are, by whatever spelling."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


class Scope(NamedTuple):
    """Where a signature counts: `seconds` since 1970, region and the service's signing name."""

    seconds: float
    region: str
    service: str

    @property
    def time(self) -> str:
        return datetime.fromtimestamp(self.seconds, timezone.utc).strftime("%Y%m%dT%H%M%SZ")

    @property
    def text(self) -> str:
        return f"{self.time[:8]}/{self.region}/{self.service}/aws4_request"


def sign(request: Request, scope: Scope, credentials: Credentials) -> dict[str, str]:
    """Return the headers with which to send a request: its own, the time, the session token and the signature."""
    headers = {**request.headers, "Host": urlsplit(request.url).netloc, "X-Amz-Date": scope.time}
    if credentials.token:
        headers["X-Amz-Security-Token"] = credentials.token
    whole = request._replace(headers=headers)
    signature = signed(to_sign(canonical(whole), scope), scope, credentials)
    named = f"Credential={credentials.access_key}/{scope.text}, SignedHeaders={_names(headers)}"
    return {**headers, "Authorization": f"{ALGORITHM} {named}, Signature={signature}"}


def canonical(request: Request) -> str:
    """Return the canonical request: the form of a request that both sides agree on."""
    url = urlsplit(request.url)
    lines = sorted((name.lower(), " ".join(value.split())) for name, value in request.headers.items())
    return "\n".join(
        [
            request.method,
            _path(url.path),
            _query(url.query),
            *(f"{name}:{value}" for name, value in lines),
            "",
            _names(request.headers),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )


def to_sign(canonical_request: str, scope: Scope) -> str:
    """Return the string to sign."""
    digest = hashlib.sha256(canonical_request.encode()).hexdigest()
    return "\n".join([ALGORITHM, scope.time, scope.text, digest])


def signed(text: str, scope: Scope, credentials: Credentials) -> str:
    """Return the signature of a string to sign, by a key that is good for a day, a region and a service."""
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.text.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _names(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(name.lower() for name in headers))


def _path(path: str) -> str:
    """The path without `.`, `..` and empty segments, encoded once more than it came (twice, but for Amazon S3)."""
    plain = "/" + posixpath.normpath(path or "/").lstrip("/")
    return quote(plain if plain == "/" or not path.endswith("/") else f"{plain}/", safe="/-_.~")


def _query(query: str) -> str:
    """The parameters in the order of their encoded names, then values."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    encoded = ((quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~")) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))
