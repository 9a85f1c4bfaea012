"""What a sweep has come to: its trials, what each reported, the best of them, and what they cost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dispatcher import records
from dispatcher.clock import moment
from dispatcher.job import Job
from dispatcher.ledger import Entry, Ledger, SweepRow
from dispatcher.ledger.rows import QUEUED
from dispatcher.sweeps.sweep import Sweep, Value

RUNNING, STOPPING, STOPPED, ENDED = "running", "stopping", "stopped", "ended"
"""Trials may start; none starts any more, and some still run; none runs any more; all have had their turn."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial as it stands: its latest submission, and the metric that it reported, if any.

    `cost` is what is known of the cost of all of its submissions, None when nothing is.
    """

    number: int
    entry: Entry
    value: float | None
    cost: float | None

    @property
    def point(self) -> Mapping[str, Value]:
        """The values of its parameters."""
        point: Mapping[str, Value] = json.loads(self.entry.parameters or "{}")
        return point


@dataclass(frozen=True)
class State:
    """A sweep at one moment. `wanted` is how many trials it has, `job` theirs without a point's values."""

    row: SweepRow
    sweep: Sweep
    job: Job
    queue: str
    wanted: int
    trials: Sequence[Trial]
    resumed_at: str | None = None

    @cached_property
    def missing(self) -> list[int]:
        """Numbers of trials that were never recorded: whoever started the sweep was interrupted."""
        known = {trial.number for trial in self.trials}
        return [number for number in range(1, self.wanted + 1) if number not in known]

    @cached_property
    def best(self) -> Trial | None:
        """The trial that succeeded with the best metric; of equals the first."""
        metric = self.sweep.metric
        best: Trial | None = None
        for trial in self.trials:
            if metric is None or trial.value is None:  # which only those that succeeded have
                continue
            if best is None or best.value is None or metric.better(trial.value, best.value):
                best = trial
        return best

    @property
    def counts(self) -> Mapping[str, int]:
        """How many trials are in each state."""
        return Counter(trial.entry.state for trial in self.trials)

    @property
    def cost(self) -> float | None:
        """What is known of the cost of all trials; None when nothing is."""
        known = [trial.cost for trial in self.trials if trial.cost is not None]
        return round(sum(known), 4) if known else None

    @property
    def currency(self) -> str | None:
        """The currency of the trials' prices."""
        return next((trial.entry.currency for trial in self.trials if trial.entry.currency), None)

    def forgives(self, entry: Entry) -> bool:
        """Whether a trial ended before the sweep was last resumed, so that its failure counts no more."""
        return self.resumed_at is not None and (entry.ended_at or "") <= self.resumed_at

    @property
    def over(self) -> bool:
        """True when nothing of it runs or waits any more."""
        return all(trial.entry.final for trial in self.trials) and not self.missing

    def as_json(self) -> dict[str, Any]:
        """The document of `sweep status -o json`."""
        row, metric = self.row, self.sweep.metric

        def of(trial: Trial) -> dict[str, Any]:
            values = {"trial": trial.number, "job": trial.entry.id, "state": trial.entry.state}
            told = {"parameters": trial.point, "metric": trial.value, "cost": trial.cost}
            again = {"preemptions": trial.entry.preemptions, "attempt": trial.entry.attempt}
            return {**values, **told, **again, "reason": trial.entry.reason}

        return {
            "id": row.id,
            "name": row.name,
            "state": row.state,
            "reason": row.reason,
            "who": row.who,
            "submitted_at": row.submitted_at,
            "ended_at": row.ended_at,
            "queue": self.queue,
            "method": self.sweep.method,
            "metric": records.plain(metric) if metric else None,
            "best": of(self.best) if self.best else None,
            "cost": self.cost,
            "currency": self.currency,
            "missing": self.missing,
            "trials": [of(trial) for trial in self.trials],
        }


def read(ledger: Ledger, row: SweepRow, now: float) -> State:
    """How a sweep stands in the ledger at the moment `now` (seconds since 1970)."""
    document = json.loads(row.document)
    sweep: Sweep = records.rebuild(Sweep, document["sweep"])
    tries = submissions(ledger, row.id)
    latest = {number: entries[-1] for number, entries in tries.items()}
    name = sweep.metric.name if sweep.metric else None
    metrics = [metric for metric in ledger.metrics([one.id for one in latest.values()]) if metric.name == name]
    values = {metric.submission: metric.value for metric in metrics}
    found = [
        Trial(number, entry, values.get(entry.id), _added(cost(one, now) for one in tries[number]))
        for number, entry in sorted(latest.items())
    ]
    job: Job = records.rebuild(Job, document["job"])
    return State(row, sweep, job, document["queue"], document["trials"], found, document.get("resumed_at"))


def submissions(ledger: Ledger, id: str) -> dict[int, list[Entry]]:
    """The submissions of each trial by its number, the latest at last: that which no other one repeats."""
    entries = ledger.trials(id)
    repeated = {entry.retry_of for entry in entries}
    found: dict[int, list[Entry]] = {}
    for entry in sorted(entries, key=lambda one: (one.id not in repeated, one.submitted_at)):
        found.setdefault(entry.trial or 0, []).append(entry)
    return found


def cost(entry: Entry, now: float) -> float | None:
    """What a submission has cost until now at its frozen price; None when the price is unknown, never 0.

    A cloud bills at the end: the seconds since an attempt was sent stand in for what it has not billed yet, and
    those until the attempt was over for what it never billed, which is the most that it can be.
    """
    if entry.unit_price is None:
        return None
    seconds: float | None = entry.billable_seconds
    running = not entry.final and entry.state != QUEUED
    if entry.claimed_at and (running or (seconds is None and _was_sent(entry))):
        until = now if running else moment(entry.ended_at or entry.queued_at or entry.claimed_at)
        seconds = entry.billed_before + max(0.0, until - moment(entry.claimed_at))
    if seconds is None:
        return None if entry.started else 0.0
    return round(float(entry.unit_price) * entry.nodes * seconds / 3600, 4)


def _was_sent(entry: Entry) -> bool:
    """Whether a cloud had it, now or in an earlier attempt."""
    return entry.started or entry.attempt > 1


def _added(costs: Any) -> float | None:
    known = [one for one in costs if one is not None]
    return round(sum(known), 4) if known else None
