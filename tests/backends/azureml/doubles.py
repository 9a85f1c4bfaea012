"""Answers as azure-core has them, and a session whose pipeline hands out prepared ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from dispatcher.backends.azureml.session import Session
from dispatcher.contract import AzureZone
from tests.backends.azureml.cases import golden_zone


@dataclass
class Response:
    """An answer; `breaks` is raised behind the last byte of its body."""

    status_code: int
    content: bytes
    headers: dict[str, str] = field(default_factory=dict)
    breaks: Exception | None = None

    def read(self) -> bytes:
        return self.content

    def iter_raw(self) -> Iterator[bytes]:
        yield self.content
        if self.breaks:
            raise self.breaks


def answer(status: int, content: object, **headers: str) -> Response:
    """Return an answer; anything but bytes becomes JSON. `Retry_After` is the header Retry-After."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Response(status, body, {name.replace("_", "-"): text for name, text in headers.items()})


def refusal(status: int, code: str, message: str, **more: Any) -> Response:
    """Return an error answer in Resource Manager's form."""
    return answer(status, {"error": {"code": code, "message": message, **more}})


@dataclass
class Call:
    """A request that was made, and the audience whose token it shows."""

    audience: str
    method: str
    url: str
    query: dict[str, str]
    headers: dict[str, str]
    content: Any
    options: dict[str, Any]


@dataclass
class Wire:
    """Pipelines of all audiences: every request is kept, and the next of `answers` given or raised."""

    answers: Iterator[Any]
    seen: list[Call] = field(default_factory=list)

    def of(self, audience: str) -> Any:
        wire = self

        class Client:
            def send_request(self, request: Any, **options: Any) -> Any:
                return wire.take(audience, request, options)

        return Client()

    def take(self, audience: str, request: Any, options: dict[str, Any]) -> Any:
        parts = urlsplit(request.url)
        bare = parts._replace(query="").geturl()
        query, headers = (
            dict(parse_qsl(parts.query)),
            {name.lower(): text for name, text in request.headers.items()},
        )
        call = Call(audience, request.method, bare, query, headers, request.content, options)
        self.seen.append(call)
        given = next(self.answers)
        given = given(call) if callable(given) and not isinstance(given, type) else given
        if isinstance(given, Exception):
            raise given
        return given


def session(
    *answers: Any, zone: AzureZone | None = None, identity: str = "agent"
) -> tuple[Session, Wire, list[float]]:
    """Return a session that is signed in, its wire, and the pauses it made. The last of `answers` may be a
    function of the request, which then answers for ever."""
    naps: list[float] = []
    made = Session(zone or golden_zone(), identity=identity, user="ada", sleep=naps.append)
    wire = Wire(_endless(answers))
    made._credential = object()
    made._client = wire.of  # type: ignore[method-assign] # the seam between our session and azure-core
    return made, wire, naps


def _endless(answers: tuple[Any, ...]) -> Iterator[Any]:
    yield from answers
    last = answers[-1] if answers else None
    while isinstance(last, Callable):  # type: ignore[arg-type] # a class of the typing kind works here
        yield last
