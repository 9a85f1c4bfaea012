"""A job's lines from Cloud Logging: all tasks of all pools, paged, in time order, followed within the quota.

Cloud Logging answers 60 `entries.list` calls a minute to a whole project, whoever makes them, and that quota
cannot be raised (docs.cloud.google.com/logging/quotas, read 2026-09-12). So a follower asks at most every two
seconds, less often while nothing comes, and takes being throttled for a reason to wait, not to stop.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dispatcher.backends.base import LogLine
from dispatcher.backends.faults import Throttled
from dispatcher.backends.following import follow
from dispatcher.backends.vertex.observe import log_filter

if TYPE_CHECKING:
    from dispatcher.backends.vertex.session import Session

PAGE = 1000
"""Entries of one answer, the API's maximum (google.logging.v2.ListLogEntriesRequest.page_size)."""
SERVICE = "service"
"""Task under which Vertex itself writes what it does ("Waiting for job to be provisioned."): no node printed that,
and `show` says it better."""
SHORTEST, LONGEST = 2.0, 20.0
"""Seconds between two looks while lines arrive, and when nothing has come for a while."""
OVERLAP = 60
"""Seconds before the newest line that are read again: nodes write at their own pace, and lines come late."""


@dataclass(slots=True)
class LogReader:
    """Reads one job's entries; `resource` is its resource name, `since` when it was created (RFC 3339)."""

    session: Session
    resource: str
    since: str | None = None
    _newest: str | None = None
    _known: dict[str, str] = field(default_factory=dict)

    def read(self) -> Iterator[LogLine]:
        """Yield what is there now, a page at a time."""
        for entry in self._entries(self.since):
            yield _line(entry)

    def follow(self, done: Callable[[], bool], sleep: Callable[[float], None]) -> Iterator[LogLine]:
        """Yield lines as they come until `done()` and two quiet looks; each look is in time order by itself."""
        return follow(self._look, done, sleep, shortest=SHORTEST, longest=LONGEST)

    def _look(self) -> list[LogLine]:
        """Read what is new: the last minute again, without the entries that have been seen."""
        lines: list[LogLine] = []
        start = _before(self._newest, OVERLAP) if self._newest else self.since
        try:
            for entry in self._entries(start):
                key, time = _key(entry), str(entry.get("timestamp", ""))
                if key not in self._known:
                    self._known[key] = time
                    self._newest = max(self._newest or "", time)
                    lines.append(_line(entry))
        except Throttled:
            return lines  # what was read is kept, and the rest comes with a later look
        if self._newest:
            horizon = _before(self._newest, OVERLAP)
            self._known = {key: time for key, time in self._known.items() if _at(time) >= _at(horizon)}
        return lines

    def _entries(self, start: str | None) -> Iterator[Mapping[str, Any]]:
        project = self.session.zone.project
        wanted = log_filter(self.resource) + (f' AND timestamp>="{start}"' if start else "")
        asked: dict[str, Any] = {
            "resourceNames": [f"projects/{project}"],
            "filter": wanted,
            "orderBy": "timestamp asc",
            "pageSize": PAGE,
        }
        while True:
            answer = self.session.call("ListLogEntries", "logging", "v2/entries:list", body=asked)
            yield from (entry for entry in answer.get("entries", ()) if _task(entry) != SERVICE)
            if not answer.get("nextPageToken"):
                return
            asked = {**asked, "pageToken": answer["nextPageToken"]}


def _line(entry: Mapping[str, Any]) -> LogLine:
    """Read an entry: a container's line is text, or the `message` of a structured one."""
    payload = entry.get("jsonPayload")
    text = entry.get("textPayload")
    if text is None and isinstance(payload, Mapping):
        message = payload.get("message")
        text = message if isinstance(message, str) else json.dumps(payload, ensure_ascii=False, sort_keys=True)
    node = _task(entry) or str(entry.get("logName", "")).rpartition("/")[2]
    moment = _at(str(entry.get("timestamp", "")))
    return LogLine(int(moment.timestamp() * 1000), node, str(text or "").rstrip("\n"))


def _task(entry: Mapping[str, Any]) -> str:
    return str(entry.get("resource", {}).get("labels", {}).get("task_name", ""))


def _key(entry: Mapping[str, Any]) -> str:
    """What makes an entry itself: Logging takes entries of one log, time and insertId for the same one."""
    return f"{entry.get('logName')} {entry.get('timestamp')} {entry.get('insertId')}"


def _at(time: str) -> datetime:
    try:
        return datetime.fromisoformat(time)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def _before(time: str, seconds: int) -> str:
    earlier = _at(time).astimezone(UTC) - timedelta(seconds=seconds)
    return earlier.isoformat(timespec="microseconds").replace("+00:00", "Z")
