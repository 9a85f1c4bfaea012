"""HTTP as registries need it: redirects never see our token, this machine needs no proxy, bodies stream."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlsplit

from dispatcher.backends import standin
from dispatcher.backends.user_agent import user_agent
from dispatcher.errors import UnreachableError

ENDPOINT = "DISPATCH_REGISTRY_ENDPOINT"
"""Environment variable: the address of one registry on this machine that stands in for all. An image of
`HOST/NAME` is `HOST/NAME` in it too."""
TIMEOUT, PAUSES = 60.0, (1.0, 3.0)
"""Seconds that a call waits for a connection and each part of an answer, and before its second and third try."""
_BUSY = (429, 500, 502, 503, 504)
_LOST = (urllib.error.URLError, http.client.HTTPException, OSError)

Body = Callable[[], IO[bytes]]
"""Opens the body of a request from its beginning, so that it can be sent again."""


def whole(content: bytes) -> Body:
    """Return a body of bytes that are at hand."""
    return lambda: io.BytesIO(content)


def stand_in() -> str | None:
    """Return the registry that stands in for all; None where the real ones are meant. Raises UsageError."""
    return standin.address(os.environ.get(ENDPOINT), ENDPOINT, "real registries")


@dataclass(frozen=True, slots=True)
class Answer:
    """A registry's answer: its body is read from `stream`, which the caller closes by leaving `send`."""

    url: str
    status: int
    headers: Mapping[str, str]
    stream: IO[bytes]

    def read(self, most: int = 8 << 20) -> bytes:
        """Return the body. Raises UnreachableError for one of more than `most` bytes: it is no document."""
        with _translated(self.url):
            body = self.stream.read(most + 1)
        if len(body) > most:
            raise UnreachableError(f"{urlsplit(self.url).netloc} answered with more than {most} bytes")
        return body

    def words(self) -> str:
        """What the registry says is wrong, in its own words; empty when it says nothing."""
        with contextlib.suppress(ValueError, KeyError, IndexError, TypeError, AttributeError):
            first = json.loads(self.read())["errors"][0]
            return " ".join(str(first.get("message") or first["code"]).split())[:300]
        return ""


@dataclass(frozen=True, slots=True)
class Transport:
    """Sends calls. `user` is named in every one; a call that found no registry, or a busy one, is made again after
    each of `pauses` seconds, which `sleep` waits."""

    user: str
    timeout: float = TIMEOUT
    pauses: tuple[float, ...] = PAUSES
    sleep: Callable[[float], None] = time.sleep

    @contextlib.contextmanager
    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None = None, size: int = 0
    ) -> Iterator[Answer]:
        """Make one call, again after a pause when nothing answered. Raises UnreachableError when nothing does."""
        for pause in (*self.pauses, None):
            with contextlib.ExitStack() as opened:
                try:
                    answer = opened.enter_context(self._once(method, url, headers, body, size))
                except UnreachableError:
                    if pause is None:
                        raise
                else:
                    if answer.status not in _BUSY or pause is None:
                        yield answer
                        return
            self.sleep(pause)

    @contextlib.contextmanager
    def _once(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None, size: int
    ) -> Iterator[Answer]:
        sent = {"User-Agent": user_agent(self.user), **headers}
        if method in ("POST", "PUT"):
            sent["Content-Length"] = str(size)
        with contextlib.ExitStack() as opened:
            content: Any = opened.enter_context(contextlib.closing(body())) if body else None
            if content is None and method in ("POST", "PUT"):
                content = b""
            request = urllib.request.Request(url, data=content, headers=sent, method=method)
            with _translated(url):
                try:
                    found: Any = _opener(url).open(request, timeout=self.timeout)
                except urllib.error.HTTPError as error:
                    found = error  # an answer like any other
            opened.enter_context(contextlib.closing(found))
            yield Answer(url, found.status, found.headers, found)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Layers are kept elsewhere, behind addresses that are signed already: our token is not shown there."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _opener(url: str) -> urllib.request.OpenerDirector:
    local = standin.loopback(urlsplit(url).hostname or "")
    return urllib.request.build_opener(_NoRedirect, *([urllib.request.ProxyHandler({})] if local else []))


@contextlib.contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except _LOST as error:
        reason = getattr(error, "reason", None) or error
        raise UnreachableError(
            f"registry {urlsplit(url).netloc} did not answer: {reason}", "check the network, VPN and proxy"
        ) from error
