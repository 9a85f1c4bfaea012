"""All running jobs of a server, whatever cloud they are on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.jobs.images import Images
from localcloud.jobs.run import Run

STOP_SECONDS = 120.0
"""Between SIGTERM and SIGKILL, as SageMaker has it (StopTrainingJob); Vertex AI does not say how long it waits."""

_END_SECONDS = 5.0


@dataclass
class Runner:
    """Runs each job in a thread; `home` holds their directories, `fault_for` hands out faults meant for one."""

    home: Path
    images: Images
    fault_for: Callable[[str, Run], Mapping[str, Any] | None] = lambda kind, run: None
    stop_seconds: float = STOP_SECONDS
    _runs: dict[str, tuple[Run, threading.Thread]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, run: Run) -> None:
        thread = threading.Thread(target=self._live, args=(run,), name=run.name, daemon=True)
        with self._lock:
            self._runs[run.key] = run, thread
        thread.start()

    def _live(self, run: Run) -> None:
        run.live()
        with self._lock:
            self._runs.pop(run.key, None)

    def stop(self, key: str) -> None:
        with self._lock:
            found = self._runs.get(key)
        if found:
            found[0].stop()

    def poke(self) -> None:
        """Make every run look for faults again."""
        for run, _ in self._all():
            run.poke()

    def running(self) -> list[str]:
        """Names of jobs that have not ended."""
        return sorted(run.name for run, _ in self._all())

    def kill(self) -> None:
        """End every job at once; returns when they are gone."""
        for run, _ in self._all():
            run.kill()
        for _, thread in self._all():
            thread.join(_END_SECONDS)

    def _all(self) -> list[tuple[Run, threading.Thread]]:
        with self._lock:
            return list(self._runs.values())

    def image(self, reference: str) -> Path | None:
        return self.images.find(reference)

    def fault(self, kind: str, run: Run) -> Mapping[str, Any] | None:
        return self.fault_for(kind, run)
