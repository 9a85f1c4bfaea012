"""A node's output becomes lines with times, handed on a few times a second."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_FLUSH_SECONDS = 0.2
LONGEST = 256 * 1024 - 26
"""Bytes of one line, after which it is cut: what the services take of one event."""

Line = tuple[float, str]
"""When it came, in seconds since 1970, and the text without its end."""


@dataclass
class Stream:
    """Lines of one node on their way to wherever its cloud keeps logs; `send` takes them in order."""

    send: Callable[[Sequence[Line]], None]
    _lines: list[Line] = field(default_factory=list)
    _rest: bytes = b""

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
            if self._lines and time.monotonic() - sent >= _FLUSH_SECONDS:
                self.flush()
                sent = time.monotonic()
        self.add(b"\n")
        self.flush()

    def start(self, pipe: int) -> threading.Thread:
        thread = threading.Thread(target=self.pump, args=(pipe,), daemon=True)
        thread.start()
        return thread

    def add(self, data: bytes) -> None:
        """Take raw output; whole lines get the time of now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) > LONGEST:
            lines.append(self._rest[:LONGEST])
            self._rest = self._rest[LONGEST:]
        now = time.time()
        for line in lines:
            # A progress bar redraws its line: what a terminal shows in the end is what counts.
            shown = next((part for part in reversed(line.split(b"\r")) if part.strip()), b"")
            for start in range(0, len(shown), LONGEST):
                self._lines.append((now, shown[start : start + LONGEST].decode(errors="replace")))

    def say(self, text: str) -> None:
        """A line of the container runtime's own."""
        self.add(text.encode() + b"\n")
        self.flush()

    def flush(self) -> None:
        if self._lines:
            self.send(self._lines)
        self._lines = []
