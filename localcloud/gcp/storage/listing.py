"""objects.list: prefix and delimiter, pages that stay right while objects come and go."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from localcloud.gcp.api import Request
from localcloud.gcp.errors import invalid, unsupported
from localcloud.gcp.state import State
from localcloud.gcp.storage import access
from localcloud.objects import Object

_PAGE = 1000


def objects(state: State, request: Request) -> object:
    """One page of objects and prefixes, in the order of their names' bytes."""
    query = request.query
    for name in ("matchGlob", "filter"):
        if query.get(name):
            raise unsupported(f"{name} in lists of objects")
    size = access.number(request, "maxResults")
    if size is not None and size < 0:
        raise invalid(f"Invalid value for maxResults: {size}")
    limit = min(size or _PAGE, _PAGE)
    after = _after(query.get("pageToken"))
    with state.lock:
        bucket = access.bucket_of(state, request)
        versions = access.flag(request, "versions")
        items: list[dict[str, Any]] = []
        prefixes: list[str] = []
        last = after
        for key, found in _entries(bucket.objects.all(versions=versions), request):
            if after is not None and key <= after:
                continue
            if len(items) + len(prefixes) == limit:
                return _answer(items, prefixes, last)
            last = key
            if found is None:
                prefixes.append(key[0])
            else:
                items.append(access.resource(state, bucket, found))
    return _answer(items, prefixes, None)


Key = tuple[str, int]


def _entries(found: list[Object], request: Request) -> Iterator[tuple[Key, Object | None]]:
    """Objects and, as None, prefixes; each prefix once."""
    query = request.query
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    start, end = query.get("startOffset", ""), query.get("endOffset", "")
    trailing = access.flag(request, "includeTrailingDelimiter")
    seen: set[str] = set()
    for one in found:
        name = one.name
        if not name.startswith(prefix) or name < start or (end and name >= end):
            continue
        head, cut, tail = name.removeprefix(prefix).partition(delimiter) if delimiter else (name, "", "")
        if cut:
            group = prefix + head + cut
            if group not in seen:
                seen.add(group)
                yield (group, 0), None
            if tail or not trailing:
                continue
        yield (name, one.generation), one


def _answer(items: list[dict[str, Any]], prefixes: list[str], last: Key | None) -> dict[str, Any]:
    answer: dict[str, Any] = {"kind": "storage#objects"}
    if items:
        answer["items"] = items
    if prefixes:
        answer["prefixes"] = prefixes
    if last is not None:
        answer["nextPageToken"] = base64.urlsafe_b64encode(f"{last[1]}:{last[0]}".encode()).decode()
    return answer


def _after(token: str | None) -> Key | None:
    """The last entry of the page before."""
    if not token:
        return None
    try:
        generation, _, name = base64.urlsafe_b64decode(token).decode().partition(":")
        return name, int(generation)
    except ValueError as error:
        raise invalid("Invalid value for pageToken") from error
