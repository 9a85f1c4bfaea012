"""logging.googleapis.com, the part about entries: write and list."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping
from typing import Any

from localcloud.gcp import filters
from localcloud.gcp.api import Api, Request, Route
from localcloud.gcp.errors import invalid, not_found
from localcloud.gcp.logging.entries import Entries, check, matches
from localcloud.gcp.state import State, is_project

_USUAL, _MOST = 50, 1000
_LIST = frozenset(("resourceNames", "filter", "orderBy", "pageSize", "pageToken"))
_WRITE = frozenset(("logName", "resource", "labels", "entries", "partialSuccess", "dryRun"))


def list_entries(state: State, request: Request) -> object:
    """entries.list: by time, oldest first unless asked otherwise; a page token goes on where the page ended."""
    sent = _known(request.body, _LIST)
    for name in sent.get("resourceNames") or []:
        _project(str(name))
    if not sent.get("resourceNames"):
        raise invalid("One or more resource_names is required")
    tree = filters.parse(str(sent.get("filter") or ""))
    for comparison in filters.comparisons(tree):
        check(comparison)
    order = str(sent.get("orderBy") or "timestamp asc")
    if order not in ("timestamp asc", "timestamp desc", "timestamp"):
        raise invalid(f"Invalid order_by: {order!r}; there are 'timestamp asc' and 'timestamp desc'")
    size = sent.get("pageSize") or _USUAL
    if not isinstance(size, int) or size < 0:
        raise invalid("page_size must be positive")
    with state.lock:
        entries = list(state.store(Entries).entries)
    # What comes later does not move what was counted: a token knows the last entry there was.
    newest, start = _token(sent.get("pageToken"), entries[-1].number if entries else 0)
    found = [
        entry
        for entry in entries
        if entry.number <= newest and filters.holds(tree, functools.partial(matches, entry.document))
    ]
    found.sort(key=lambda entry: (entry.time, entry.number), reverse=order.endswith("desc"))
    end = start + min(size, _MOST)
    answer: dict[str, Any] = {}
    if found[start:end]:
        answer["entries"] = [dict(entry.document) for entry in found[start:end]]
    if end < len(found):
        answer["nextPageToken"] = base64.urlsafe_b64encode(f"{newest}:{end}".encode()).decode()
    return answer


def _token(token: object, newest: int) -> tuple[int, int]:
    if not token:
        return newest, 0
    try:
        known, _, start = base64.urlsafe_b64decode(str(token)).decode().partition(":")
        return int(known), int(start)
    except ValueError as error:
        raise invalid("page_token doesn't match arguments from the request") from error


def write_entries(state: State, request: Request) -> object:
    """entries.write: all or nothing."""
    sent = _known(request.body, _WRITE)
    shared = {name: sent[name] for name in ("logName", "resource", "labels") if sent.get(name)}
    documents = []
    for entry in sent.get("entries") or []:
        labels = {**shared.get("labels", {}), **entry.get("labels", {})}
        document = {**shared, **entry, **({"labels": labels} if labels else {})}
        for required in ("logName", "resource"):
            if required not in document:
                raise invalid(f"{required} is required in every entry or in the request")
        _project("/".join(str(document["logName"]).split("/")[:2]))
        documents.append(document)
    if not sent.get("dryRun"):
        with state.lock:
            for document in documents:
                state.store(Entries).add(document)
    return {}


def _known(body: Mapping[str, Any], names: frozenset[str]) -> Mapping[str, Any]:
    if unknown := sorted(body.keys() - names):
        raise invalid(f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.')
    return body


def _project(name: str) -> None:
    parts = name.split("/")
    if parts[0] != "projects" or len(parts) < 2:
        raise invalid(f"{name} is not the name of a project")
    if not is_project(parts[1]):
        raise not_found(f"Project {parts[1]} does not exist")


API = Api(
    [
        Route("POST", "/v2/entries:list", "ListLogEntries", list_entries),
        Route("POST", "/v2/entries:write", "WriteLogEntries", write_entries),
    ]
)
