"""Planning a sweep: every trial is checked and rendered before the first is recorded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher import naming, records
from dispatcher.errors import SpecError, UsageError
from dispatcher.job import Job
from dispatcher.sites import line
from dispatcher.sweeps import space, trials
from dispatcher.sweeps.space import Point
from dispatcher.sweeps.sweep import Sweep

if TYPE_CHECKING:
    from dispatcher.documents.changes import Changes
    from dispatcher.documents.sweep_file import Written
    from dispatcher.planning import Plan
    from dispatcher.sweeps.desk import Sweeping

LOW = "low"
"""The priority of trials where nothing is said: they fill what nobody else needs."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One point of the space, and the plan of its job; numbers count from 1."""

    number: int
    point: Point
    plan: Plan


@dataclass(frozen=True, slots=True)
class Start:
    """What a sweep would be: `sweep --dry-run` prints it, `sweep` records it. `base` is the job without values."""

    id: str
    sweep: Sweep
    base: Job
    trials: tuple[Trial, ...]

    @property
    def queue(self) -> str:
        """The queue that the trials go into."""
        return self.trials[0].plan.line.queue.name

    @property
    def cloud(self) -> str:
        """The cloud behind that queue; `local` for this machine."""
        return self.trials[0].plan.line.cloud

    @property
    def total(self) -> Decimal | None:
        """The most that all trials can cost; None when one price is unknown."""
        totals = [trial.plan.estimate.total for trial in self.trials]
        return None if None in totals else sum((total for total in totals if total is not None), Decimal())

    @property
    def warnings(self) -> list[str]:
        """What is worth saying of the trials, each thing once."""
        notes = [warning for trial in self.trials for warning in trial.plan.request.warnings]
        return list(dict.fromkeys(notes))

    def as_json(self) -> dict[str, Any]:
        """The document of `sweep --dry-run -o json`."""
        return {
            "sweep": records.plain(self.sweep),
            "queue": self.queue,
            "trials": [
                {"trial": trial.number, "parameters": trial.point, "job": records.plain(trial.plan.job)}
                | {"estimate": trial.plan.estimate.as_json()}
                for trial in self.trials
            ],
            "warnings": self.warnings,
            "total": None if self.total is None else float(self.total),
            "currency": self.trials[0].plan.estimate.currency,
        }


def plan(
    dispatcher: Sweeping,
    file: str | Path,
    queue: str | None = None,
    *,
    changes: Changes | None = None,
    prices: str | Path | None = None,
    ask: bool = False,
) -> Start:
    """Read a sweep file and plan all of its trials; nothing is recorded. Raises SpecError with every problem.

    `changes` go on top of the job, `prices` is a price file, and with `ask` the registry is asked about the image.
    """
    from dispatcher.documents import document, sweep_file

    written = sweep_file.parse(str(file), document.read(file))
    base = _base(dispatcher, written, queue, changes)
    points = dict(enumerate(space.points(written.sweep), start=1))
    id = naming.new_id()

    def where(error: SpecError) -> SpecError:
        return sweep_file.placed(error, written)

    planned = plans(dispatcher, id, written.sweep, base, queue, points, where, prices=prices, ask=ask)
    _check_rules(written.sweep, planned)
    first = planned[0].plan.job
    return Start(id, written.sweep, dataclasses.replace(base, image=first.image, code=first.code), tuple(planned))


def plans(
    dispatcher: Sweeping,
    id: str,
    sweep: Sweep,
    base: Job,
    queue: str | None,
    points: Mapping[int, Point],
    where: Callable[[SpecError], SpecError] = lambda error: error,
    *,
    prices: str | Path | None = None,
    ask: bool = False,
) -> list[Trial]:
    """Plan some trials of a sweep. The job's code is packed, and the registry asked about its image, but once.

    `where` says in whose file a problem stands.
    """
    made: list[Trial] = []
    problems: dict[tuple[str, str], Any] = {}
    for number, point in points.items():
        try:
            job = trials.job(base, sweep.name, number, point, f"{sweep.name}-{id}")
            one = dispatcher.plan(job, queue, prices=prices, ask=ask and not made)
        except SpecError as error:
            for problem in where(error).problems:
                problems.setdefault((problem.path, problem.rule), problem)
            continue
        base = dataclasses.replace(base, image=one.job.image, code=one.job.code)
        made.append(Trial(number, point, one))
    if problems:
        raise SpecError(list(problems.values()))
    return made


def _base(dispatcher: Sweeping, written: Written, queue: str | None, changes: Changes | None) -> Job:
    """The job of every trial: low and preemptible where neither the file nor the command line says otherwise."""
    from dispatcher.documents import job_file
    from dispatcher.documents.changes import Changes as NoChanges

    changes = changes or NoChanges()
    searched = {word for one in written.sweep.parameters for word in (one.name, one.name.partition(".")[2])}
    allowed = tuple(changes.allow_plain)
    of_job = tuple(name for name in allowed if name.lstrip("-") not in searched)
    priority = changes.priority or written.priority
    changes = dataclasses.replace(changes, priority=priority, allow_plain=of_job)
    defaults = dataclasses.replace(line(dispatcher.reading, queue).defaults(), priority=LOW)
    silent = "preemptible" not in written.job.fields
    base = job_file.read(written.job, changes, defaults)
    base = dataclasses.replace(base, allow_plain=allowed)
    return dataclasses.replace(base, preemptible=base.checkpoint) if silent else base


def _check_rules(sweep: Sweep, planned: Sequence[Trial]) -> None:
    """Refuse a limit on what a sweep costs when nobody knows what it does."""
    if sweep.rules.cost is None:
        return
    unknown = {trial.plan.hardware for trial in planned if trial.plan.estimate.unit_price is None}
    if unknown:
        raise UsageError(
            f"max_cost: the price of {', '.join(sorted(unknown))} is unknown, so the limit would never be reached",
            "give the prices with --prices FILE, or leave max_cost out",
        )
    if len({trial.plan.estimate.currency for trial in planned}) > 1:
        raise UsageError("max_cost: the trials' prices are in more than one currency", "give them in one")
