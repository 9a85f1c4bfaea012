"""That an agent is there: its name on the ledger's list, and its health file, kept fresh while it works."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dispatcher.clock import Clock, stamp
from dispatcher.errors import DispatchError, UsageError
from dispatcher.ledger import AgentRow, Ledger

BEAT = 15.0
"""Seconds between two signs of life."""

GONE = 120.0
"""Seconds without a sign of life after which an agent of another machine is gone, and its name free."""

STUCK = 1800.0
"""Seconds without a step that ended, or renewed its lease, after which an agent gives no more signs of life: no
call takes that long."""


@dataclass(slots=True)
class Presence:
    """One agent's. `clock` is the ledger's, `wall` this machine's, `steady` one that nobody sets. `health` is the
    file, written as a whole or not at all."""

    row: AgentRow
    clock: Clock
    wall: Clock
    steady: Clock
    alive: Callable[[str], bool | None]
    health: Path | None = None
    taken: bool = False
    """Whether another agent has the name by now."""
    _state: dict[str, Any] = field(default_factory=dict)
    _beaten: float = float("-inf")
    _moved: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check_in(self, ledger: Ledger) -> None:
        """Take the name. Raises UsageError when an agent that may still run has it."""
        self.moved()
        known = {one.name: one for one in ledger.agents()}
        other = known.get(self.row.name)
        gone = [other.owner] if other is not None and self.alive(other.owner) is False else []
        if self._write(ledger, self.clock, gone):
            return
        where = f" ({other.owner}, seen {other.seen_at})" if other else ""
        raise UsageError(
            f"an agent named {self.row.name} is at work already{where}",
            f"name this one with --name, or wait: a name is free {GONE:.0f} s after its agent was last seen",
        )

    def moved(self) -> None:
        """Note that a step ended: it is not stuck."""
        self._moved = self.steady()

    def tell(self, **facts: Any) -> None:
        """What its health file and its row say of it from the next sign of life on."""
        with self._lock:
            self._state |= facts

    def beat(self, ledger: Callable[[], Ledger], *, now: bool = False) -> None:
        """Give a sign of life, when it is time for one or `now`. That the ledger is away is no reason not to."""
        with self._lock:
            if not now and self.steady() - self._beaten < BEAT:
                return
            if self.steady() - self._moved > STUCK:
                return
            self._beaten = self.steady()
            self._write_health()
        with contextlib.suppress(DispatchError):
            opened = ledger()
            self.taken = self.taken or not self._write(opened, opened.clock or self.clock)

    def check_out(self, ledger: Ledger) -> None:
        """Take the name off the list, and the health file away."""
        if self.health is not None:
            self.health.unlink(missing_ok=True)
        ledger.check_out(self.row.name, self.row.token)

    def _write(self, ledger: Ledger, clock: Clock, gone: Sequence[str] = ()) -> bool:
        now = clock()
        row = replace(self.row, seen_at=stamp(now), document=json.dumps(self._state, default=str))
        return ledger.check_in(row, stale=stamp(now - GONE), dead=gone)

    def _write_health(self) -> None:
        if self.health is None:
            return
        row = {"name": self.row.name, "pid": os.getpid(), "started_at": self.row.started_at}
        write_whole(self.health, {**row, "seen_at": stamp(self.wall()), **self._state})

    @contextlib.contextmanager
    def pulse(self, beside: Callable[[], Ledger]) -> Iterator[None]:
        """Give signs of life from a thread too, for as long as the body runs: a step may take its time."""
        over = threading.Event()
        opened: list[Ledger] = []

        def ledger() -> Ledger:
            if not opened:
                opened.append(beside())
            return opened[0]

        def run() -> None:
            while not over.wait(BEAT):
                self.beat(ledger)
            for one in opened:
                one.close()

        thread = threading.Thread(target=run, name="pulse", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def write_whole(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON file so that a reader finds all of it; that it cannot be written is told by its age."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(document, default=str) + "\n")
        part.replace(path)
