"""REST calls taken apart for the APIs that are served here: routes as templates over paths, query, JSON body.

A route's template is in the notation of `google.api.http`, such as `/v1/{name=projects/*/locations/*}:verb`:
`*` is one segment of the path, `**` any number of them, a bare `{name}` one segment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import parse_qs, unquote

from localcloud.server.wire import Call


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


class Routed(Protocol):
    """What a table of routes needs of one."""

    @property
    def method(self) -> str: ...

    @property
    def template(self) -> str: ...


R = TypeVar("R", bound=Routed)


class Routes(Generic[R]):
    """Routes of one API, the most particular template first: the one with most characters of its own."""

    def __init__(self, routes: Iterable[R]) -> None:
        ordered = sorted(routes, key=lambda route: len(_literal(route.template)), reverse=True)
        self._compiled = [(compile_template(route.template), route) for route in ordered]

    def find(self, method: str, path: str) -> tuple[R, dict[str, str]] | None:
        """The route that answers, and what its variables stand for; None when no method has such a path."""
        for pattern, route in self._compiled:
            if route.method == method and (found := pattern.fullmatch(path)):
                return route, {name: unquote(value) for name, value in found.groupdict().items()}
        return None


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
