"""The frame of a REST API: routes in Google's own notation, requests taken apart, documents as answers.

A route's template is the `google.api.http` one of the method, such as `/v1/{name=projects/*/locations/*}:verb`:
`*` is one segment of the path, `**` any number of them, a bare `{name}` one segment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from localcloud.gcp.errors import invalid
from localcloud.server.wire import Call

if TYPE_CHECKING:
    from localcloud.gcp.state import State


@dataclass(frozen=True)
class Request:
    """One call of an API: `path` is the API's own, `names` what the template's variables stand for, decoded.

    `holder` is who calls (empty when anonymous); `lag` asks a list to leave out what is younger, in seconds.
    """

    call: Call
    service: str
    path: str
    operation: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    holder: str = ""
    lag: float = 0

    @cached_property
    def query(self) -> Mapping[str, str]:
        """Query parameters; of repeated ones the last."""
        return {name: values[-1] for name, values in self.queries.items()}

    @cached_property
    def queries(self) -> Mapping[str, list[str]]:
        """Query parameters with all their values."""
        return parse_qs(self.call.target.partition("?")[2], keep_blank_values=True)

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object of the body, empty when there is none. Raises GoogleError."""
        try:
            document = json.loads(self.call.body or b"{}")
        except ValueError as error:
            raise invalid(f"Invalid JSON payload received. {error}") from error
        if not isinstance(document, dict):
            raise invalid("Invalid JSON payload received. The root is not an object.")
        return document

    @property
    def region(self) -> str:
        """The location in the path, as in `locations/us-central1` or `regions/us-central1`; empty without one."""
        found = re.search(r"/(?:locations|regions)/([^/:?]+)", self.path)
        return found[1] if found else ""

    @cached_property
    def sent(self) -> Mapping[str, Any]:
        """The JSON object of the body, empty for anything else: for faults and the record, which refuse none."""
        if "json" not in self.call.lower.get("content-type", ""):
            return {}
        try:
            document = json.loads(self.call.body or b"{}")
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Body, query and names together: what faults match."""
        return {**self.sent, **self.query, **self.names}

    def page(self, entries: Sequence[Any], usual: int, most: int) -> tuple[list[Any], dict[str, str]]:
        """One page of a list by `pageSize` and `pageToken`, and the `nextPageToken` to answer with."""
        return page(entries, self.query.get("pageSize"), self.query.get("pageToken"), usual, most)


def page(
    entries: Sequence[Any], size: object, token: str | None, usual: int, most: int
) -> tuple[list[Any], dict[str, str]]:
    """One page of a list and the `nextPageToken` to answer with. Raises GoogleError for a wrong size or token.

    A size of 0 is the `usual` one, and more than the `most` a service gives is cut, as AIP-158 says.
    """
    try:
        count = int(str(size or 0))
        start = int(token or 0)
    except ValueError as error:
        raise invalid("Invalid page size or page token.") from error
    if count < 0 or start < 0 or start > len(entries):
        raise invalid("Invalid page size or page token.")
    end = start + min(count or usual, most)
    return list(entries[start:end]), ({"nextPageToken": str(end)} if end < len(entries) else {})


Respond = Callable[["State", Request], object]
"""Answers a request with a JSON document (None is `{}`) or a whole Answer. Raises GoogleError."""


@dataclass(frozen=True, slots=True)
class Route:
    """`operation` is the method's name in the vendor's own API definition, such as `CreateCustomJob`."""

    method: str
    template: str
    operation: str
    respond: Respond


@dataclass(frozen=True)
class Api:
    """One service. `anonymous` lets calls without credentials in."""

    routes: Sequence[Route]
    anonymous: bool = False

    @cached_property
    def _compiled(self) -> list[tuple[re.Pattern[str], Route]]:
        # The most particular template first: the one with most characters of its own.
        ordered = sorted(self.routes, key=lambda route: len(_literal(route.template)), reverse=True)
        return [(compile_template(route.template), route) for route in ordered]

    def find(self, call: Call, service: str, path: str) -> tuple[Request, Route | None]:
        """The request and the route that answers it; None when no method of the API has such a path."""
        for pattern, route in self._compiled:
            if route.method == call.method and (found := pattern.fullmatch(path)):
                named = {name: unquote(value) for name, value in found.groupdict().items()}
                return Request(call, service, path, route.operation, named), route
        return Request(call, service, path), None


def _literal(template: str) -> str:
    return re.sub(r"\{\w+\}|\{\w+=|[{}*]", "", template)


def compile_template(template: str) -> re.Pattern[str]:
    """A template as a pattern over raw paths, whose groups are still percent-encoded."""
    parts = re.split(r"\{(\w+)(?:=([^}]*))?\}", template)
    pattern = re.escape(parts[0])
    for name, inner, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        pattern += f"(?P<{name}>{_segments(inner or '*')}){re.escape(after)}"
    return re.compile(pattern)


def _segments(inner: str) -> str:
    return re.escape(inner).replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
