"""What was asked of the server, for tests that compare wire bodies with what they meant to send."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from localcloud.server.seen import Seen

_KEPT = 5_000


@dataclass
class Record:
    """The last calls, oldest first."""

    _entries: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seen: Seen, time: float, status: int, fault: str | None) -> None:
        """Keep one answered call. `status` is 0 when no answer was sent."""
        with self._lock:
            self._entries.append(
                {
                    "number": next(self._numbers),
                    "time": time,
                    "service": seen.service,
                    "operation": seen.operation,
                    "region": seen.region,
                    "parameters": seen.parameters,
                    "body": seen.parameters if seen.body is None else seen.body,
                    "status": status,
                    "fault": fault,
                }
            )

    def find(self, service: str = "", operation: str = "") -> list[dict[str, Any]]:
        with self._lock:
            return [
                entry
                for entry in self._entries
                if service in ("", entry["service"]) and operation in ("", entry["operation"])
            ]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
