"""A sweep file: W&B's words for the search, and the job that every trial is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dispatcher import limits
from dispatcher.documents import document, job_places, reading, sweep_parameters
from dispatcher.documents.document import Fields, Node
from dispatcher.documents.queue_places import below
from dispatcher.documents.reading import Value
from dispatcher.errors import Problem, SpecError
from dispatcher.sweeps import distributions, space
from dispatcher.sweeps.sweep import (
    GRID,
    MAXIMIZE,
    MINIMIZE,
    RANDOM,
    TRIALS_MAX,
    Metric,
    Parameter,
    Rules,
    Sweep,
)

LISTED_MAX = 100_000
"""Values of one parameter of a grid: more than anybody means, and every one of them is made."""
SEED_MAX = 2**53


@dataclass(frozen=True, slots=True)
class Written:
    """A sweep file as it was read: the sweep, and the job it holds, or where the job's own file is.

    `source` is what problems of the job are told of, `job` its mapping, with what the sweep says of all trials.
    """

    sweep: Sweep
    source: str
    job: Fields
    priority: str | None = None


def parse(source: str, data: bytes | str) -> Written:
    """Read a sweep, and the job file that it names. Raises SpecError with every problem."""
    tree = document.one(source, data)
    problems: list[Problem] = []
    if not isinstance(tree, Fields):
        raise SpecError([Problem(source, tree.line, "", "is not a mapping of keys", "see docs/sweeps.md")])
    value = Value("", tree, problems)
    found = reading.table(value, KEYS, required=("method", "parameters", "job"), elsewhere=_ELSEWHERE)
    method, parameters = found.get("method"), found.get("parameters", ())
    if method == GRID:
        _check_grid(value, parameters)
    _check_size(value, found)
    if problems:
        raise SpecError(problems)
    job_source, job = found["job"]
    if "preemptible" in found:
        # Said for all trials, it is theirs: whatever is wrong with it stands where it was written.
        job = replace(job, fields={**job.fields, "preemptible": tree.fields["preemptible"]})
    sweep = Sweep(
        name=found.get("name") or _name(source),
        method=method or GRID,
        parameters=parameters,
        metric=found.get("metric"),
        run_cap=found.get("run_cap"),
        seed=found.get("seed", 1),
        rules=Rules(found.get("max_failures"), found.get("max_cost")),
        description=found.get("description"),
    )
    return Written(sweep, job_source, job, found.get("priority"))


def placed(error: SpecError, written: Written) -> SpecError:
    """The same problems, those of the job in the file and line that it is written in."""

    def place(problem: Problem) -> Problem:
        if problem.source != job_places.JOB:
            return problem
        node = document.at(written.job, problem.path)
        line = node.line if node is not None else None
        return replace(problem, source=node.source if node is not None else written.source, line=line)

    return SpecError([place(problem) for problem in error.problems])


def _name(source: str) -> str:
    """A name out of the file's, for a sweep that has none."""
    words = re.sub(r"[^a-z0-9]+", "-", Path(source).stem.lower()).strip("-")
    return words[: limits.SLUG_MAX].strip("-") or "sweep"


def _check_grid(value: Value, parameters: tuple[Parameter, ...]) -> None:
    for parameter in parameters:
        place = below(below(value, "parameters"), parameter.name)
        many = distributions.count(parameter)
        if many is None:
            rule = f"has a value for every number ({parameter.distribution}), and a grid takes them one by one"
            place.wrong(rule, "list some: values: [...], or set distribution: q_uniform, or method: random")
        elif many > LISTED_MAX:
            place.wrong(f"has {many:,} values, more than {LISTED_MAX:,}", "take fewer, or method: random")


def _check_size(value: Value, found: Mapping[str, Any]) -> None:
    """Hold a sweep to a number of trials that is not 0 and that somebody can mean."""
    method, parameters, cap = found.get("method"), found.get("parameters"), found.get("run_cap")
    if value.problems or not method or not parameters:
        return
    most = space.size(Sweep("", method, parameters))
    if method == RANDOM and cap is None:
        below(value, "run_cap").wrong("is missing: chance has no end of trials", "such as run_cap: 20")
    elif method == RANDOM and most is not None and cap is not None and cap > most:
        rule = f"is {cap}, and the space has {most} points"
        below(value, "run_cap").wrong(rule, f"set it to {most} or less, or method: grid for all of them")
    elif method == GRID and cap is None and most is not None and most > TRIALS_MAX:
        rule = f"make a grid of {most:,} trials, more than {TRIALS_MAX:,}"
        below(value, "parameters").wrong(rule, "take fewer values, cut it off with run_cap, or method: random")


def _metric(value: Value) -> Metric | None:
    name = reading.pattern(
        METRIC_NAME, "is not a metric's name (a letter, then letters, digits, - _ . /)", longest=64
    )
    readers: Mapping[str, reading.Reader[Any]] = {
        "name": name,
        "goal": reading.choice({MINIMIZE: MINIMIZE, MAXIMIZE: MAXIMIZE}),
        "target": sweep_parameters.number,
    }
    found = reading.table(value, readers, required=("name",))
    return Metric(**found) if "name" in found else None


def _above_zero(value: Value) -> float | None:
    found = sweep_parameters.number(value)
    if found is not None and found <= 0:
        value.wrong("is not above 0")
        return None
    return found


def _job(value: Value) -> tuple[str, Fields] | None:
    """The job that a sweep holds, or that of the file it names, which is looked for beside the sweep's."""
    node: Node = value.node
    if isinstance(node, Fields):
        return node.source, node
    typed = reading.text(value)
    if typed is None:
        return None
    path = Path(typed) if node.source == "-" else Path(node.source).parent / typed
    if not path.exists():
        value.wrong(f"names {path}, and there is no such file", "the path counts from where the sweep file is")
        return None
    try:
        tree = document.one(str(path), document.read(path))
    except SpecError as error:
        value.problems.extend(error.problems)
        return None
    if not isinstance(tree, Fields):
        value.problems.append(
            Problem(str(path), tree.line, "", "is not a mapping of keys", "see docs/job-file.md")
        )
        return None
    return str(path), tree


METRIC_NAME = r"[A-Za-z_][A-Za-z0-9_./-]*"
_WORD = reading.pattern(
    limits.NAME_PATTERN, "is not a name (a-z, 0-9 and -, not starting or ending with -)", longest=limits.SLUG_MAX
)

KEYS: Mapping[str, reading.Reader[Any]] = {
    "name": _WORD,
    "description": reading.text,
    "method": reading.choice(
        {GRID: GRID, RANDOM: RANDOM},
        {"bayes": "launchway searches by grid and at random; W&B's own agents do bayes (docs/sweeps.md)"},
    ),
    "metric": _metric,
    "parameters": sweep_parameters.parameters,
    "run_cap": reading.integer(1, TRIALS_MAX),
    "seed": reading.integer(0, SEED_MAX),
    "max_failures": reading.integer(1, TRIALS_MAX),
    "max_cost": _above_zero,
    "priority": reading.choice({word: word for word in ("critical", "high", "medium", "low")}),
    "preemptible": reading.boolean,
    "job": _job,
}

_ELSEWHERE = {
    "program": "write what runs as job: {image: ..., command: [python, train.py]}, or a file: job: train.yaml",
    "command": "it is the job's: job: {command: [python, train.py, '${args}']}",
    "early_terminate": "trials are not stopped half-way here; stop the sweep at a metric's target, or by max_cost",
    "project": "it is the job's: job: {wandb: {project: ...}}",
    "entity": "it is the job's: job: {wandb: {entity: ...}}",
    "queue": "name the queue on the command line: dispatch sweep sweep.yaml -q QUEUE",
    "image": "it is the job's: job: {image: ...}",
    "controller": "the ledger keeps the sweep, and any agent runs it",
    "imports": "a sweep runs no code here",
    "goal": "it is a key of metric: metric: {name: loss, goal: minimize}",
    "target": "it is a key of metric: metric: {name: loss, target: 0.1}",
}
