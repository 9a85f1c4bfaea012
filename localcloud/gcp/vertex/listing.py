"""customJobs.list: its filter, order and pages."""

from __future__ import annotations

import base64
import fnmatch
import functools
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localcloud.gcp import filters, times
from localcloud.gcp.api import Request
from localcloud.gcp.errors import invalid, unsupported
from localcloud.gcp.filters import Comparison
from localcloud.gcp.vertex import proto
from localcloud.gcp.vertex.record import CustomJob

_USUAL, _MOST = 100, 100

# What each field can be compared by (ListCustomJobsRequest, `filter`).
_OPERATORS: Mapping[str, tuple[str, ...]] = {
    "display_name": ("=", "!=", ":"),
    "state": ("=", "!="),
    "create_time": ("=", "!=", "<", "<=", ">", ">="),
    "labels": ("=", ":"),
}
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
    "<": lambda have, want: have < want,
    "<=": lambda have, want: have <= want,
    ">": lambda have, want: have > want,
    ">=": lambda have, want: have >= want,
}


def jobs(request: Request, found: Iterable[CustomJob]) -> dict[str, Any]:
    """The answer of customJobs.list; newest first. What the filter cannot say is refused, never left out."""
    if request.query.get("readMask"):
        raise unsupported("readMask")
    tree = filters.parse(request.query.get("filter", ""))
    for comparison in filters.comparisons(tree):
        _check(comparison)
    wanted = [job for job in found if filters.holds(tree, functools.partial(_matches, job))]
    wanted.sort(key=lambda job: (job.created, job.id), reverse=True)
    page, token = _page(wanted, request)
    integers = integers_asked(request)
    answer: dict[str, Any] = {"customJobs": [job.document(integers=integers) for job in page]} if page else {}
    return answer | token


def integers_asked(request: Request) -> bool:
    """Whether enums are to be numbers: `$alt=json;enum-encoding=int`, as Google's own clients ask."""
    return "enum-encoding=int" in request.query.get("$alt", request.query.get("alt", ""))


def _page(found: list[CustomJob], request: Request) -> tuple[list[CustomJob], dict[str, str]]:
    """One page; the token knows the last job of it, so that new jobs do not move the next, and the filter."""
    try:
        size = int(request.query.get("pageSize") or 0)
    except ValueError as error:
        raise invalid("Invalid page size.") from error
    if size < 0:
        raise invalid("Invalid page size.")
    same, token = request.query.get("filter", ""), request.query.get("pageToken")
    if token:
        try:
            created, id, made_for = json.loads(base64.urlsafe_b64decode(token))
        except ValueError as error:
            raise invalid("Invalid page token.") from error
        if made_for != same:
            raise invalid("The page token belongs to a request with another filter.")
        found = [job for job in found if (job.created, job.id) < (created, id)]
    size = min(size or _USUAL, _MOST)
    if len(found) <= size:
        return found, {}
    last = found[size - 1]
    text = json.dumps([last.created, last.id, same])
    return found[:size], {"nextPageToken": base64.urlsafe_b64encode(text.encode()).decode()}


def _check(comparison: Comparison) -> None:
    field = comparison.path[0] if comparison.path else comparison.value
    allowed = _OPERATORS.get(field)
    depth = 2 if field == "labels" else 1
    if allowed is None or comparison.operator not in allowed or len(comparison.path) < depth:
        raise invalid(f'Invalid filter: unsupported comparison "{comparison.name}{comparison.operator}..."')
    if len(comparison.path) > depth:
        raise invalid(f'Invalid filter: unknown field "{comparison.name}"; quote a key that has dots')
    if field == "labels" and comparison.operator == ":" and comparison.value != "*":
        raise invalid('Invalid filter: labels take "=" and ":*"')
    if field == "create_time":
        times.nanoseconds(comparison.value)
    if field == "state":
        _state(comparison.value)


def _state(text: str) -> int:
    """A state by name or number. Raises GoogleError."""
    try:
        return int(text) if text.isdigit() else proto.state_number(text.removeprefix("JOB_STATE_"))
    except KeyError as error:
        raise invalid(f'Invalid filter: "{text}" is no JobState') from error


def _matches(job: CustomJob, comparison: Comparison) -> bool:
    operator, want = comparison.operator, comparison.value
    match comparison.path[0]:
        case "display_name":
            if operator == ":":
                return fnmatch.fnmatchcase(job.label, want if "*" in want else f"*{want}*")
            return _ORDER[operator](job.label, want)
        case "state":
            return _ORDER[operator](proto.state_number(job.state), _state(want))
        case "create_time":
            return _ORDER[operator](int(job.created * 1e6) * 1000, times.nanoseconds(want))
        case _:
            key = comparison.path[1]
            if operator == ":":
                return key in job.message.labels
            return _ORDER[operator](dict(job.message.labels).get(key), want)
