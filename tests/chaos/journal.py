"""What each process of a run did and when, line by line, in files that outlive the SIGKILL of their writer."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Line = dict[str, Any]
"""`t` (the run's clock), `process` and `thread` (who wrote it), `what`, and whatever belongs to that."""


class Journal:
    """The lines of this process; each is in the kernel's hands when `note` returns."""

    def __init__(self, folder: Path, process: str, clock: Callable[[], float]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.process = process
        self.latest: str | None = None
        """The id that was last given out for recording."""
        self._clock = clock
        self._file = os.open(folder / f"{process}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, what: str, **more: object) -> None:
        """Add a line; a write that fails is the run's failure."""
        if what == "add?":
            self.latest = str(more["id"])
        line = {"t": self._clock(), "thread": threading.get_ident(), "what": what, **more}
        os.write(self._file, (json.dumps(line) + "\n").encode())


@dataclass
class Reader:
    """All journals of a run, each line read once."""

    folder: Path
    _read: dict[Path, int] = field(default_factory=dict)

    def fresh(self) -> list[Line]:
        """The lines written since the last call, in the order of their time. A line that is half there waits."""
        found: list[Line] = []
        for path in sorted(self.folder.glob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                whole, newline, _ = file.read().rpartition(b"\n")
            self._read[path] = self._read.get(path, 0) + len(whole) + len(newline)
            found += [{**json.loads(line), "process": path.stem} for line in whole.splitlines()]
        return sorted(found, key=lambda line: float(line["t"]))
