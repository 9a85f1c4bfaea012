"""The agents of an opened dispatcher: putting one together, who is at work, and what the clouds have of ours."""

from __future__ import annotations

import functools
import os
import platform
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dispatcher import __version__
from dispatcher.agent.journal import Form, Journal
from dispatcher.agent.loop import Agent
from dispatcher.agent.presence import Presence
from dispatcher.agent.reconciling import Reconciliation, reconcile
from dispatcher.agent.turns import Turns
from dispatcher.clock import Clock
from dispatcher.ledger import AgentRow
from dispatcher.queue import Queue
from dispatcher.sites import LOCAL, Line, line
from dispatcher.steadiness import Steadiness, steady

if TYPE_CHECKING:
    from dispatcher.backends.base import Backend
    from dispatcher.opened import Opened


@dataclass(frozen=True, slots=True)
class Agents:
    """What `dispatch agent` does. Every method may raise DispatchError (dispatcher.errors)."""

    opened: Opened

    def make(
        self,
        *,
        queues: Sequence[str] = (),
        job_types: Sequence[str] = (),
        name: str | None = None,
        health: Path | None = None,
        write: Callable[[str], None] = lambda line: None,
        form: Form = "text",
        steady: Clock = steady,
    ) -> Agent:
        """An agent for some queues and job types, or for all. Raises NotFoundError for a queue that is not there.

        `name` is by default the machine's with the number of the process, `health` a file that it keeps fresh.
        `write` takes the lines of its journal.
        """
        for queue in queues:
            line(self.opened.reading, queue)
        work, token = self.opened.work(), secrets.token_hex(8)
        named = name or f"{work.host}-{os.getpid()}"
        row = AgentRow(named, token, work.owner, work.host, work.now(), work.now())
        # A clock that machines share is the database's, and may not be there when a sign of life is due.
        wall = work.clock if work.ledger.clock is None else time.time
        presence = Presence(row, work.clock, wall, steady, work.alive, health)
        presence.tell(version=__version__, queues=list(queues), job_types=list(job_types))
        return Agent(
            dispatcher=self.opened,
            presence=presence,
            turns=Turns(lambda: self.opened.ledger, work.clock, steady, work.owner, token, work.alive),
            steadiness=Steadiness(work.clock, steady),
            journal=Journal(write, work.clock, named, form, self.opened.redactor.text),
            steady=steady,
            queues=tuple(queues) or None,
            job_types=tuple(job_types),
        )

    def list(self) -> Sequence[AgentRow]:
        """The agents that have checked in and not out, by name."""
        return self.opened.reading.agents()

    def reconcile(self, queues: Sequence[str] = ()) -> Reconciliation:
        """Compare the ledger with the clouds behind some queues, or with all of them and this machine."""
        zones = self._zones(queues)
        return reconcile(self.opened.reading, zones, self.opened.clock(), platform.node())

    def _zones(self, queues: Sequence[str]) -> Iterator[tuple[str, Callable[[], Backend]]]:
        """Each zone, and what opens its cloud, as the identity of one of its queues."""
        places = self.opened.places(write=False)
        rows = [row.name for row in self.opened.reading.queues() if not row.retired]
        found = [line(self.opened.reading, queue) for queue in queues or [*rows, LOCAL]]
        lines = {one.queue.zone: one for one in reversed(found)}
        if not queues:
            for row in self.opened.reading.zones():
                lines.setdefault(row.name, Line(Queue(name=row.name, zone=row.name), None, row))
        for zone, one in sorted(lines.items()):
            yield zone, functools.partial(places.backend, one)
