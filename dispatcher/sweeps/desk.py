"""What sweeps need of a dispatcher: more than a desk, for they plan jobs and run ticks themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dispatcher.scheduling.desk import Desk

if TYPE_CHECKING:
    from dispatcher.clock import Clock, Sleep
    from dispatcher.job import Job
    from dispatcher.ledger import Entry, Ledger
    from dispatcher.planning import Plan
    from dispatcher.scheduling.work import Report, Work
    from dispatcher.sites import Line, Sites


class Sweeping(Desk, Protocol):
    """A desk that can look, plan jobs and run the queues."""

    @property
    def reading(self) -> Ledger: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def sleep(self) -> Sleep: ...

    def places(self, *, write: bool) -> Sites: ...

    def work(self) -> Work: ...

    def plan(
        self,
        job: Job | Callable[[Line], Job],
        queue: str | None = None,
        *,
        prices: str | Path | None = None,
        ask: bool = False,
    ) -> Plan: ...

    def start(self, entry: Entry) -> Report: ...

    def tick(self, *, queues: Sequence[str] | None = None, observe: bool = True) -> Report: ...
