"""One scheduling tick over one ledger: adopt what a crash left behind, observe what runs, submit what may go."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dispatcher.backends.base import State
from dispatcher.errors import DispatchError
from dispatcher.ledger import Entry, Filter
from dispatcher.scheduling import attempts
from dispatcher.scheduling.observing import Observer
from dispatcher.scheduling.submitting import Submitter
from dispatcher.scheduling.work import Report, Work
from dispatcher.sites import LOCAL
from dispatcher.sweeps import judging


def tick(work: Work, *, queues: Iterable[str] | None = None, observe: bool = True) -> Report:
    """Run one tick, for some queues or all; without `observe`, what runs is not looked at."""
    report = Report()
    work.ledger.remember("last_tick_at", work.now())
    observer = Observer(work)
    submitter = Submitter(work, observer)
    wanted = None if queues is None else frozenset(queues)
    active = [entry for entry in _active(work, wanted, observe) if _here(work, entry)]
    for entry in active:
        if entry.state == State.SUBMITTING and not work.stopping():
            submitter.recover(entry, report)
    if observe:
        observer.observe([entry for entry in active if entry.state != State.SUBMITTING], report)
    attempts.judge_waiting(work, wanted, report)
    if observe:
        judging.judge(work, report, wanted)
    submitter.withdraw(wanted, report)
    for queue in work.ledger.waiting_queues():
        if wanted is None or queue in wanted:
            submitter.submit_from(queue, report)
    return report


def _active(work: Work, queues: Collection[str] | None, observe: bool) -> list[Entry]:
    """What is sent or runs; without `observe` only what is being sent, for many thousands may run."""
    if observe:
        return work.ledger.active(queues)
    sending = work.ledger.entries(Filter(states=(State.SUBMITTING.value,)), None)
    return [entry for entry in sending if queues is None or entry.queue in queues]


def _here(work: Work, entry: Entry) -> bool:
    """Whether a job can be seen from this machine: one that runs as a process of another can not."""
    return entry.cloud != LOCAL or not work.ledger.shareable or entry.host == work.host


def look(work: Work, entries: Iterable[Entry]) -> Report:
    """Observe some jobs only."""
    report = Report()
    sent = [e for e in entries if e.cloud_name and not e.final and e.state != State.SUBMITTING]
    on_cloud = [entry for entry in sent if _here(work, entry)]
    Observer(work).observe(on_cloud, report)
    return report


def press(work: Work, entry: Entry) -> Report:
    """Carry out the cancel that an entry asks for; one whose fate is unknown is looked up first."""
    report = Report()
    observer = Observer(work)
    if entry.state == State.SUBMITTING:
        Submitter(work, observer).recover(entry, report)
        entry = work.ledger.entry(entry.id) or entry
    if not entry.final and entry.cloud_name and entry.state not in (State.QUEUED, State.SUBMITTING):
        try:
            site = work.site(entry)
        except DispatchError as error:
            work.unseen([entry], error, report)
        else:
            observer.press_cancel(entry, None, site, report)
    return report
