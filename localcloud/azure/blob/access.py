"""Who may read a blob without a token: whoever has an address that was signed for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from localcloud.azure.errors import AzureError
from localcloud.azure.plane import Request
from localcloud.azure.state import State
from localcloud.place import AZURE

VERSION = "2024-11-04"
_FORM = "%Y-%m-%dT%H:%M:%SZ"


def address(state: State, account: str, container: str, blob: str, seconds: float = 8 * 3600) -> str:
    """An address that reads one blob for a time, as a service hands it out (a shared access signature)."""
    path = f"/{account}/{container}/{blob}"
    ends = datetime.fromtimestamp(state.clock() + seconds, UTC).strftime(_FORM)
    query = urlencode({"sv": VERSION, "sr": "b", "sp": "r", "se": ends, "sig": _signature(state, path, ends)})
    return f"{state.url}{AZURE}/blob{quote(path)}?{query}"


def _signature(state: State, path: str, ends: str) -> str:
    digest = hmac.new(state.secret.encode(), f"{path}\n{ends}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def signed(state: State, request: Request) -> bool:
    """Whether the address itself is proof enough. Raises AzureError when it is wrong or too old."""
    given = request.query.get("sig")
    if given is None:
        return False
    names, ends = request.names, request.query.get("se", "")
    path = f"/{names.get('account')}/{names.get('container')}/{names.get('blob')}"
    try:
        over = datetime.strptime(ends, _FORM).replace(tzinfo=UTC).timestamp() <= state.clock()
    except ValueError:
        over = True
    right = hmac.compare_digest(given.encode(), _signature(state, path, ends).encode())
    if over or not right or request.call.method not in ("GET", "HEAD"):
        raise AzureError(
            403,
            "AuthenticationFailed",
            "Server failed to authenticate the request. Make sure the value of Authorization header is formed "
            "correctly including the signature.",
        )
    return True
