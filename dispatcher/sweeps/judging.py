"""What a tick does for sweeps: read what trials reported, stop where a rule says so, close what is done."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from dispatcher.backends.base import State as Word
from dispatcher.backends.base import Submission
from dispatcher.clock import moment
from dispatcher.errors import DispatchError, NotFoundError, UnreachableError
from dispatcher.ledger import Entry, MetricRow, SweepRow
from dispatcher.ledger.rows import QUEUED
from dispatcher.scheduling.work import Report, Work
from dispatcher.sites import LOCAL
from dispatcher.sweeps import reported, rules, state
from dispatcher.sweeps.reported import Reported
from dispatcher.sweeps.state import ENDED, RUNNING, STOPPED, STOPPING, State

LAG = 10.0
"""Seconds after a job's end in which a cloud may still be adding lines to its log."""
MISSED = 120.0
"""Seconds after its end for which a log that says nothing of the metric is read again."""
PATIENCE = 60.0
"""Seconds that a tick gives to one log."""
UNREAD = 300.0
"""Seconds after its end for which a trial whose log is not read yet keeps others of its sweep waiting."""
GIVEN_UP = 86_400.0
"""Seconds after its end for which a log that cannot be had is asked for again."""


def judge(work: Work, report: Report, queues: Collection[str] | None = None, *, observing: bool = True) -> None:
    """Look at every sweep that has not ended, or at those in some queues. What cannot be read now waits.

    Logs are read by one process at a time, and only while `observing`; what the ledger itself shows is acted on by
    whoever is about to send. `report.held` gets the trials that are not to be sent now: a log that is not read yet
    may end their sweep.
    """
    waiting = () if observing else work.ledger.waiting_queues()
    for row in work.ledger.sweeps((RUNNING, STOPPING)):
        try:
            queue = json.loads(row.document)["queue"]
            if (queues is not None and queue not in queues) or not (observing or queue in waiting):
                continue
            found = state.read(work.ledger, row, work.clock())
            if observing and work.turn(_turn(work, found)):
                look(work, found, report)
            else:
                _hold_to_rules(work, found, report)
            report.held |= _held(work, _again(work, found))
        except UnreachableError:
            raise  # the ledger's own: everything waits for it
        except DispatchError as error:
            report.errors.append((error, ()))


def _hold_to_rules(work: Work, found: State, report: Report) -> None:
    """Stop a sweep by those rules that need no log, whoever reads the logs."""
    if found.row.state == RUNNING and _apply_rules(work, found):
        found = _again(work, found)
    if found.row.state == STOPPING:
        withdraw(work, found, report)


def _held(work: Work, found: State) -> set[str]:
    """What waits of a sweep with a target while the result of a trial, which may have reached it, is unknown."""
    metric = found.sweep.metric
    if metric is None or metric.target is None:
        return set()
    since = work.clock() - UNREAD
    ended = [one.entry for one in found.trials if one.value is None and one.entry.state == Word.SUCCEEDED]
    recent = [entry for entry in ended if moment(entry.ended_at or work.now()) > since]
    kept = {row.submission: row for row in work.ledger.metrics([entry.id for entry in recent])}
    lags = {entry.id: LAG if entry.cloud != LOCAL else 0.0 for entry in recent}
    if all(_settled(entry, kept.get(entry.id), lags[entry.id]) for entry in recent):
        return set()
    return {one.entry.id for one in found.trials if one.entry.state == QUEUED}


def _turn(work: Work, found: State) -> str:
    """The name of the turn to judge the sweeps of a queue; what runs on people's machines is for each to judge."""
    return f"sweeps {found.queue}" + (f" {work.host}" if found.queue == LOCAL else "")


def look(work: Work, found: State, report: Report) -> None:
    """Read, stop and close one sweep as far as it can be done now."""
    told, unread = _read(work, found, report)
    found = _again(work, found) if told else found
    if found.row.state == RUNNING and _apply_rules(work, found):
        found = _again(work, found)
    if found.row.state == STOPPING and withdraw(work, found, report):
        found = _again(work, found)
    if all(trial.entry.final for trial in found.trials) and not unread:
        _close(work, found)


def stop(work: Work, row: SweepRow, reason: str) -> bool:
    """Let no further trial start; False when it was stopped before, or has ended."""
    return work.ledger.change_sweep(row.id, {"state": STOPPING, "reason": reason}, state=RUNNING)


def end_running(work: Work, found: State) -> None:
    """Ask what runs of a sweep to stop; a tick takes that to the cloud."""
    for trial in found.trials:
        entry = trial.entry
        if not entry.final and entry.state != QUEUED and not entry.cancel_requested_at:
            asked = {"cancel_requested_at": work.now(), "cancelled_by": f"sweep {found.row.id}"}
            work.ledger.change(entry.id, asked, work.event(entry, "cancel asked", reason=found.row.reason))


def withdraw(work: Work, found: State, report: Report) -> bool:
    """End the trials of a stopped sweep that wait, and tell whether there were any.

    Those that run go on to their end, unless they would only cost more.
    """
    if rules.spent(found) is not None:
        end_running(work, found)
    waiting = [trial.entry for trial in found.trials if trial.entry.state == QUEUED]
    for entry in waiting:
        work.end(entry, Word.CANCELLED, f"sweep {found.row.id} stopped: {found.row.reason}", report)
    return bool(waiting)


def _again(work: Work, found: State) -> State:
    row = work.ledger.sweep(found.row.id) or found.row
    return state.read(work.ledger, row, work.clock())


def _apply_rules(work: Work, found: State) -> bool:
    reason = rules.spent(found) or rules.reached(found) or rules.failing(found)
    return reason is not None and stop(work, found.row, reason)


def _close(work: Work, found: State) -> None:
    """A sweep that was not stopped ends when every trial has; one that was, when what ran has.

    One that was stopped too late for any of its trials, all of which succeeded, has ended as any other.
    """
    now = work.now()
    if found.row.state == STOPPING:
        done = found.over and all(trial.entry.state == Word.SUCCEEDED for trial in found.trials)
        work.ledger.change_sweep(
            found.row.id, {"state": ENDED if done else STOPPED, "ended_at": now}, state=STOPPING
        )
    elif found.over:
        work.ledger.change_sweep(found.row.id, {"state": ENDED, "ended_at": now}, state=RUNNING)


def _read(work: Work, found: State, report: Report) -> tuple[bool, bool]:
    """Read the metric of every trial that has succeeded since.

    Return whether anything was recorded, and whether a log has to be read again later.
    """
    metric = found.sweep.metric
    if metric is None:
        return False, False
    kept = {one.submission: one for one in work.ledger.metrics([trial.entry.id for trial in found.trials])}
    told = unread = False
    for trial in found.trials:
        entry = trial.entry
        lag = LAG if entry.cloud != LOCAL else 0.0
        if entry.state != Word.SUCCEEDED or _settled(entry, kept.get(entry.id), lag):
            continue
        if entry.cloud == LOCAL and work.ledger.shareable and entry.host != work.host:
            unread = True
            continue
        try:
            said = _said(work, entry, metric.name)
        except DispatchError as error:
            report.errors.append((error, (entry.id,)))
            work.unable(_turn(work, found), error)
            unread = unread or work.clock() < moment(entry.ended_at or work.now()) + GIVEN_UP
            continue
        value = said.value if said is not None and reported.finite(said) else None
        row = MetricRow(entry.id, metric.name, said.step if said else None, value, work.now())
        work.ledger.record_metrics([row])
        told = True
        work.progress()
        unread = unread or not _settled(entry, row, lag)
    return told, unread


def _settled(entry: Entry, row: MetricRow | None, lag: float) -> bool:
    """Whether a trial's log was read when nothing could come any more."""
    if row is None:
        return False
    patience = lag if row.value is not None or lag == 0 else MISSED
    return moment(row.at) >= moment(entry.ended_at or row.at) + patience


def _said(work: Work, entry: Entry, name: str) -> Reported | None:
    """What a job said last of its metric, in its latest attempt that said anything; None when none did.

    An attempt that the cloud has forgotten said nothing.
    """
    backend = work.site(entry).backend
    until = work.clock() + PATIENCE
    for attempt in range(entry.attempt, 0, -1):
        try:
            lines = (line.text for line in backend.logs(Submission(entry.id, attempt, entry.slug).name))
            said = reported.last(_in_time(work, lines, until)).get(name)
        except NotFoundError:
            continue
        if said is not None:
            return said
    return None


def _in_time(work: Work, lines: Iterator[str], until: float) -> Iterator[str]:
    """The lines as long as there is time; a log without end holds up nobody's queue."""
    for number, line in enumerate(lines):
        if number % 1000 == 999 and work.clock() > until:
            return
        yield line
