"""Answers as the `requests` library has them, and a session whose transport hands out prepared ones."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from dispatcher.backends.vertex.session import Session
from dispatcher.contract import GcpZone, parse

GOLDEN = Path(__file__).parents[2] / "golden" / "contracts" / "gcp.json"


def golden_zone() -> GcpZone:
    """Return the zone of the golden GCP contract."""
    (zone,) = parse(json.loads(GOLDEN.read_text())).zones.values()
    assert isinstance(zone, GcpZone)
    return zone


def answer(status: int, content: object, **headers: str) -> requests.Response:
    """Return an answer; anything but bytes becomes JSON."""
    response = requests.Response()
    response.status_code = status
    response.headers.update(headers)
    response.raw = io.BytesIO(content if isinstance(content, bytes) else json.dumps(content).encode())
    return response


def refusal(status: int, code: str, message: str, *details: Mapping[str, Any]) -> requests.Response:
    """Return an error answer in the form of Google's newer APIs."""
    error = {"code": status, "message": message, "status": code, **({"details": list(details)} if details else {})}
    return answer(status, {"error": error})


def info(reason: str, **metadata: str) -> dict[str, Any]:
    """Return an ErrorInfo detail."""
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    return {"@type": kind, "reason": reason, "domain": "googleapis.com", "metadata": metadata}


@dataclass
class Wire:
    """A transport: every request is kept, and the next of `answers` given or raised."""

    answers: Iterator[Any]
    seen: list[dict[str, Any]] = field(default_factory=list)

    def request(self, method: str, url: str, **rest: Any) -> Any:
        self.seen.append({"method": method, "url": url, **rest})
        given = next(self.answers)
        given = given(self.seen[-1]) if callable(given) and not isinstance(given, type) else given
        if isinstance(given, Exception):
            raise given
        return given


def session(*answers: Any, identity: str = "agent", **options: Any) -> tuple[Session, Wire, list[float]]:
    """Return a session that is signed in, its wire, and the pauses it made. The last of `answers` may be a
    function of the request, which then answers for ever."""
    naps: list[float] = []
    made = Session(golden_zone(), identity=identity, user="ada", sleep=naps.append, **options)
    wire = Wire(_endless(answers))
    made._http = wire
    return made, wire, naps


def _endless(answers: tuple[Any, ...]) -> Iterator[Any]:
    yield from answers
    last = answers[-1] if answers else None
    while isinstance(last, Callable):  # type: ignore[arg-type] # a class of the typing kind works here
        yield last
