"""Processes the host starts: each in a group of its own, interrupted first and killed only if it stays."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

GRACE = 4.0
"""Seconds between the interrupt and the kill: less than the 5 the engine grants the host itself."""


class Children:
    """The running children of one host; after `stop_all` no new one starts."""

    def __init__(self, grace: float = GRACE) -> None:
        self._grace = grace
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._interrupted: set[subprocess.Popen[bytes]] = set()
        self._stopping = False

    def start(
        self,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        directory: str | None = None,
        output: int | IO[Any] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start `command`; `output` is subprocess.PIPE to read both streams, None to share the host's own.

        Raises InterruptedError when the host is already being stopped.
        """
        with self._lock:
            if self._stopping:
                raise InterruptedError("the language host is stopping")
            # A group of its own: when the run ends the engine interrupts the host's whole group at once,
            # and a program must then hear it from here, exactly once, with time to clean up.
            process = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=directory or None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            self._running.add(process)
        return process

    def finished(self, process: subprocess.Popen[bytes]) -> None:
        """Forget a child that has ended."""
        with self._lock:
            self._running.discard(process)
            self._interrupted.discard(process)

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """Interrupt the child's group and, after the grace period, kill what is left of it. Returns at once."""
        self._interrupt(process)
        threading.Thread(target=self._kill_later, args=(process,), daemon=True).start()

    def stop_all(self) -> None:
        """Stop every child and wait until all are gone."""
        with self._lock:
            self._stopping = True
            running = list(self._running)
        for process in running:
            self._interrupt(process)
        for process in running:
            self._kill_later(process)

    def _interrupt(self, process: subprocess.Popen[bytes]) -> None:
        """Once only: the end of a run reaches us as a cancelled call and as a signal."""
        with self._lock:
            first = process not in self._interrupted
            self._interrupted.add(process)
        if first and process.poll() is None:
            _signal_group(process, signal.SIGINT)

    def _kill_later(self, process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(self._grace)
            return
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
