"""The frame of a REST API of Google's: requests taken apart, documents as answers, lists in pages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from localcloud.gcp.errors import invalid
from localcloud.server import rest
from localcloud.server.wire import Call

if TYPE_CHECKING:
    from localcloud.gcp.state import State


@dataclass(frozen=True)
class Request(rest.Request):
    """One call of an API of Google's."""

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
    def _routes(self) -> rest.Routes[Route]:
        return rest.Routes(self.routes)

    def find(self, call: Call, service: str, path: str) -> tuple[Request, Route | None]:
        """The request and the route that answers it; None when no method of the API has such a path."""
        if found := self._routes.find(call.method, path):
            route, names = found
            return Request(call, service, path, route.operation, names), route
        return Request(call, service, path), None
