"""How the clouds are reached from a container: one HTTPS or metadata call, again for what passes by itself."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

WAITS = (0.5, 1.0, 2.0)
"""Seconds between tries: what has to fail fails within seconds, what only has to wait a little does not."""
SILENT = 12.0
"""Seconds after which nobody is tried again who has not answered at all."""
ALL = 30.0
"""Seconds that the secrets of a job may take together before nobody else is asked."""
PASSING = frozenset({429, 500, 502, 503, 504})
"""Statuses that mean: the same again a little later."""
_MOST = 1 << 20  # bytes of an answer; the largest secret of any store has 64 KiB
_SHOWN = 300  # characters of a store's words in a line


_Holder = TypeVar("_Holder")


class Refused(Exception):
    """A secret cannot be had: why, in one line, and what to do about it."""

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(f"{why}: {remedy}" if remedy else why)


class Unreachable(Exception):
    """No answer came; the text says why."""


class Answer(NamedTuple):
    """What a service answered. `headers` are by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> dict[str, Any]:
        """The JSON object of the body; empty when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Call(NamedTuple):
    """One request. `direct` ones never go through a proxy: metadata endpoints are on the machine itself."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    direct: bool = False
    seconds: float = 10.0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry credentials to an address that nobody chose."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def send(call: Call) -> Answer:
    """Make a call, as it is. Raises Unreachable when there is no answer."""
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if call.direct:
        handlers.append(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(call.url, call.body, dict(call.headers), method=call.method)
    try:
        try:
            answer = urllib.request.build_opener(*handlers).open(request, timeout=call.seconds)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(int(answer.status), headers, answer.read(_MOST))
    except (OSError, HTTPException, ValueError) as error:
        raise Unreachable(f"{urlsplit(call.url).netloc} cannot be reached: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            "its certificate cannot be verified; does the image have CA certificates (package ca-certificates)? "
            f"({cause.verify_message})"
        )
    return str(cause) or type(cause).__name__


class World:
    """The container's environment, and what would be a network and a clock outside of a test.

    `now` gives seconds since 1970, `clock` seconds that nobody sets, `sleep` waits so many. It remembers who did
    not answer and who did not let us in: a job with many secrets, on machines that are paid for, fails as fast as
    with one.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        send: Callable[[Call], Answer] = send,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.environment = environment
        self.send, self.sleep, self.now, self.clock = send, sleep, now, clock
        self._ends: float | None = None
        self._silent: dict[str, str] = {}
        self._holders: dict[str, Any] = {}

    def ask(self, call: Callable[[], Call], passing: Callable[[Answer], bool] | None = None) -> Answer:
        """Make a call until it is answered with something that does not pass by itself, four times at most.

        `call` makes each anew (a signature has a time); `passing` knows more such answers than the statuses do.
        Raises Unreachable.
        """
        began = self.clock()
        if self._ends is None:
            self._ends = began + ALL
        for wait in (*WAITS, None):
            asked = call()
            host = urlsplit(asked.url).netloc
            if host in self._silent:
                raise Unreachable(self._silent[host])
            left = self._ends - self.clock()
            if left <= 0:
                raise Unreachable(f"{host} was not asked: what was asked before took {ALL:g} s")
            try:
                answer = self.send(asked._replace(seconds=min(asked.seconds, left)))
            except Unreachable as gone:
                if wait is None or self.clock() + wait >= min(began + SILENT, self._ends):
                    self._silent[host] = str(gone)
                    raise
            else:
                again = answer.status in PASSING or (passing is not None and passing(answer))
                if wait is None or not again or self.clock() + wait >= self._ends:
                    return answer
            self.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def once(self, cloud: str, sign_in: Callable[[], _Holder]) -> _Holder:
        """Return what a cloud lets us in with, asked for once; a refusal is as lasting. Raises Refused."""
        if cloud not in self._holders:
            try:
                self._holders[cloud] = sign_in()
            except Refused as refused:
                self._holders[cloud] = refused
        held = self._holders[cloud]
        if isinstance(held, Refused):
            raise held
        return cast("_Holder", held)

    def local(self, name: str) -> str:
        """A loopback address that takes a cloud's place, without a slash at its end; empty when there is none.

        Any other host is passed over: a job may point `AWS_ENDPOINT_URL` at a store of its own, which must see
        neither its credentials nor what it asks for here.
        """
        url = self.environment.get(name, "").rstrip("/")
        return url if url and is_loopback(url) else ""


def is_loopback(url: str) -> bool:
    """Whether a URL stays on this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or (host.startswith("127.") and host.replace(".", "").isdigit())


def said(*words: object) -> str:
    """What a service said, fit for one line of a log."""
    text = " ".join(" ".join(str(word) for word in words if word).split())
    clean = "".join(letter for letter in text if letter.isprintable())
    return clean if len(clean) <= _SHOWN else f"{clean[:_SHOWN]}..."
