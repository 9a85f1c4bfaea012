"""A job on its way in: recorded as queued with its code kept, started when there is room, else made ready."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dispatcher.errors import DispatchError
from dispatcher.ledger import Entry, Event
from dispatcher.ledger.rows import QUEUED
from dispatcher.scheduling.desk import Desk
from dispatcher.scheduling.work import Report, Site
from dispatcher.sites import attempt, job_of

if TYPE_CHECKING:
    from dispatcher.planning import Plan


class Ticking(Desk, Protocol):
    """A desk that can run the queues."""

    def tick(self, *, queues: Sequence[str] | None = None, observe: bool = True) -> Report: ...


def enqueue(dispatcher: Desk, plan: Plan, archives: Path) -> Entry:
    """Record a planned job as queued, and keep its code in the directory `archives`."""
    import platform

    from dispatcher import planning
    from dispatcher.scheduling import admission

    if plan.packed is not None:
        from dispatcher.code import keeping

        keeping.keep(plan.packed, archives)
    admission.check_shared([plan.line.queue], dispatcher.ledger)
    now = dispatcher.stamp()
    entry = planning.entry(plan, who=dispatcher.who, host=platform.node(), now=now)
    event = Event(entry.id, now, "queued", dispatcher.who, json.dumps({"queue": entry.queue}))
    dispatcher.ledger.add(entry, event)
    return entry


def start(dispatcher: Ticking, entry: Entry, site: Callable[[Entry], Site]) -> Report:
    """Run a tick for the queue of a new entry; what runs there is only looked at when there is no room."""
    report = dispatcher.tick(queues=[entry.queue], observe=False)
    if dispatcher.show(entry.id).state == QUEUED and report.error_of(entry.id) is None:
        report = dispatcher.tick(queues=[entry.queue])
    waiting = dispatcher.show(entry.id)
    if waiting.state == QUEUED and report.error_of(entry.id) is None and job_of(waiting).code is not None:
        _stage(site(waiting), waiting, report)
    return report


def _stage(site: Site, entry: Entry, report: Report) -> None:
    """Put what a job goes with into its zone although it has to wait: whoever sends it may not have it."""
    try:
        site.stage(site.render(entry, attempt(entry)))
    except DispatchError as error:
        report.errors.append((error, (entry.id,)))
