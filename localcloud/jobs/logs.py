"""A node's output becomes CloudWatch log events: one stream per node, as SageMaker names them."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

GROUP = "/aws/sagemaker/TrainingJobs"
_FLUSH_SECONDS = 0.2
# PutLogEvents: at most 10,000 events and 1,048,576 bytes, each event counted with 26 bytes more.
_MAX_EVENTS = 10_000
_MAX_BYTES = 1_048_576
_OVERHEAD = 26
_MAX_EVENT = 256 * 1024 - _OVERHEAD


@dataclass
class Stream:
    """Lines of one node on their way to its log stream; `logs` is a boto3 client."""

    logs: Any
    name: str
    _events: list[dict[str, Any]] = field(default_factory=list)
    _rest: bytes = b""

    def open(self) -> None:
        """Make the group and the stream; either may be there already."""
        exists = self.logs.exceptions.ResourceAlreadyExistsException
        with contextlib.suppress(exists):
            self.logs.create_log_group(logGroupName=GROUP)
        with contextlib.suppress(exists):
            self.logs.create_log_stream(logGroupName=GROUP, logStreamName=self.name)

    def pump(self, pipe: int) -> None:
        """Read a pipe until nobody writes to it any more, sending what came a few times a second."""
        sent = time.monotonic()
        # poll, not select: a server with many connections has descriptors beyond select's 1024.
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while True:
            if poll.poll(_FLUSH_SECONDS * 1000):
                data = os.read(pipe, 65_536)
                if not data:
                    break
                self.add(data)
            if self._events and time.monotonic() - sent >= _FLUSH_SECONDS:
                self.flush()
                sent = time.monotonic()
        self.add(b"\n")
        self.flush()

    def start(self, pipe: int) -> threading.Thread:
        thread = threading.Thread(target=self.pump, args=(pipe,), daemon=True)
        thread.start()
        return thread

    def add(self, data: bytes) -> None:
        """Take raw output; whole lines become events with the time of now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) > _MAX_EVENT:
            lines.append(self._rest[:_MAX_EVENT])
            self._rest = self._rest[_MAX_EVENT:]
        now = int(time.time() * 1000)
        for line in lines:
            # A progress bar redraws its line: what a terminal shows in the end is what counts.
            shown = next((part for part in reversed(line.split(b"\r")) if part.strip()), b"")
            for start in range(0, len(shown), _MAX_EVENT):
                text = shown[start : start + _MAX_EVENT].decode(errors="replace")
                self._events.append({"timestamp": now, "message": text})

    def say(self, text: str) -> None:
        """A line of the container runtime's own."""
        self.add(text.encode() + b"\n")
        self.flush()

    def flush(self) -> None:
        for batch in _batches(self._events):
            self.logs.put_log_events(logGroupName=GROUP, logStreamName=self.name, logEvents=batch)
        self._events = []


def _batches(events: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    for event in events:
        weight = len(event["message"].encode()) + _OVERHEAD
        if batch and (len(batch) == _MAX_EVENTS or size + weight > _MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += weight
    if batch:
        yield batch
