"""One scheduling tick over one ledger: adopt what a crash left behind, observe what runs, submit what may go."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dispatcher.backends.base import State
from dispatcher.clock import Clock
from dispatcher.errors import DispatchError
from dispatcher.ledger import Entry, Filter
from dispatcher.scheduling import attempts, sharing, unexpected
from dispatcher.scheduling.observing import Observer
from dispatcher.scheduling.submitting import Submitter
from dispatcher.scheduling.work import Report, Work
from dispatcher.sites import LOCAL
from dispatcher.sweeps import judging


def tick(
    work: Work,
    *,
    queues: Iterable[str] | None = None,
    observe: bool = True,
    clock: Clock | None = None,
    seconds: float | None = None,
) -> Report:
    """Run one tick, for some queues or all; without `observe`, what runs is not looked at.

    `seconds`, by a `clock` (else that of `work`), is for how long it sends; without it, until nothing more may go.
    An error that nobody foresaw ends the step that met it, and no other: it is in the report.
    """
    report = Report()
    time = clock or work.clock
    began = time()
    work.ledger.remember("last_tick_at", work.now())
    observer = Observer(work)
    submitter = Submitter(work, observer)
    wanted = None if queues is None else frozenset(queues)
    active = [entry for entry in _active(work, wanted, observe) if _here(work, entry)]
    for entry in active:
        if entry.state == State.SUBMITTING and not work.stopping():
            with unexpected.sending(work, entry, report):
                submitter.recover(entry, report)
    if observe:
        _observe(work, observer, [entry for entry in active if entry.state != State.SUBMITTING], report)
    with unexpected.step(report):
        attempts.judge_waiting(work, wanted, report)
    with unexpected.step(report):
        judging.judge(work, report, wanted, observing=observe)
    with unexpected.step(report):
        submitter.withdraw(wanted, report)
    report.watched = time() - began
    sharing.send(work, submitter, wanted, report, clock=time, seconds=seconds)
    return report


def _observe(work: Work, observer: Observer, entries: Iterable[Entry], report: Report) -> None:
    zones: dict[str, list[Entry]] = {}
    for entry in entries:
        zones.setdefault(entry.zone, []).append(entry)
    for of_zone in zones.values():
        unexpected.observe(work, of_zone, report, lambda some: observer.observe(some, report))


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
    _observe(work, Observer(work), on_cloud, report)
    return report


def press(work: Work, entry: Entry) -> Report:
    """Carry out the cancel that an entry asks for; one whose fate is unknown is looked up first."""
    report = Report()
    observer = Observer(work)
    if entry.state == State.SUBMITTING:
        with unexpected.sending(work, entry, report):
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
