"""A job's lines from CloudWatch: every stream of every node, paged, in time order, followed without hammering."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from dispatcher.backends.base import LogLine
from dispatcher.backends.following import follow
from dispatcher.backends.sagemaker.observe import LOG_GROUP

SHORTEST = 1.0
"""Seconds between two looks while lines arrive."""
LONGEST = 10.0
"""Seconds between two looks when nothing has come for a while."""

_STREAM = re.compile(r"/(?P<node>.+?)(?:-\d{6,})?$")
_ORDER = attrgetter("time")


@dataclass(frozen=True, slots=True)
class LogReader:
    """Reads the streams `<job>/algo-<n>-<time>`. The slash matters: job `a` must not show lines of job `ab`."""

    client: Any
    job: str

    def read(self) -> Iterator[LogLine]:
        """Yield what is there now, merged from all streams, holding one page of each at a time."""
        yield from heapq.merge(*(self._stream(name) for name in self._streams()), key=_ORDER)

    def follow(self, done: Callable[[], bool], sleep: Callable[[float], None]) -> Iterator[LogLine]:
        """Yield lines as they come until `done()` and two quiet looks; each look is sorted by itself."""
        tokens: dict[str, str] = {}

        def look() -> list[LogLine]:
            return sorted((line for name in self._streams() for line in self._stream(name, tokens)), key=_ORDER)

        yield from follow(look, done, sleep, shortest=SHORTEST, longest=LONGEST)

    def _streams(self) -> list[str]:
        names: list[str] = []
        asked: dict[str, Any] = {
            "logGroupName": LOG_GROUP,
            "logStreamNamePrefix": f"{self.job}/",
            "orderBy": "LogStreamName",
            "limit": 50,
        }
        while True:
            try:
                answer = self.client.describe_log_streams(**asked)
            except self.client.exceptions.ResourceNotFoundException:
                return names  # the group appears with the account's first line
            names += [stream["logStreamName"] for stream in answer.get("logStreams", ())]
            if not answer.get("nextToken"):
                return names
            asked["nextToken"] = answer["nextToken"]

    def _stream(self, name: str, tokens: dict[str, str] | None = None) -> Iterator[LogLine]:
        """Yield a stream from its start, or from where `tokens` says the last look ended."""
        found = _STREAM.search(name)
        node = found["node"] if found else name
        token = (tokens or {}).get(name)
        while True:
            asked = {"logGroupName": LOG_GROUP, "logStreamName": name, "startFromHead": True}
            try:
                answer = self.client.get_log_events(**asked, **({"nextToken": token} if token else {}))
            except self.client.exceptions.ResourceNotFoundException:
                return  # listed, not readable yet
            for event in answer["events"]:
                yield LogLine(event["timestamp"], node, event["message"])
            after = answer.get("nextForwardToken")
            if tokens is not None and after:
                tokens[name] = after
            if not after or after == token:
                return  # CloudWatch repeats the token at the end of a stream
            token = after
