"""Checking a file by what it looks like: a job, a sweep, queues, or a stack's outputs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from dispatcher import stack
from dispatcher.documents import document, job_file, queue_file, sweep_file
from dispatcher.documents.document import Fields, Items, Node
from dispatcher.documents.queue_fields import Zones
from dispatcher.errors import NotFoundError, Problem, SpecError
from dispatcher.queue import Queue
from dispatcher.sweeps import space, trials

_QUEUE_KEYS = frozenset(
    {"queues", "queue_name", "provider", "zone", "resource", "config", "max_running", "overrides"}
)
_STACK_SETTINGS = re.compile(r"Pulumi(\..+)?\.ya?ml")


def check(
    file: str,
    zones: Zones | None = None,
    notes: list[str] | None = None,
    judge: Callable[[Queue, str], Sequence[Problem]] = lambda queue, source: (),
) -> str:
    """Check one file and say what it is. Raises SpecError with every problem; `notes` takes what is worth saying.

    `judge` says what is wrong with a queue whose form is right.

    Queue files are checked against `zones` when they are given, otherwise for their form only.
    """
    data = document.read(file)
    if _STACK_SETTINGS.fullmatch(Path(file).name):
        rule = "is a Pulumi project's or stack's settings, not a job, sweep, queue or outputs file"
        raise SpecError([Problem(file, None, "", rule, "`pulumi preview` checks it")])
    if file.endswith(".json") or data.lstrip()[:1] == b"{":
        try:
            found = stack.from_bytes(file, data)
        except NotFoundError as error:
            raise SpecError([Problem(file, None, "", error.message, error.remedy)]) from None
        return f"outputs of environment {found.environment} with {_count(len(found.zones), 'zone')}"
    nodes = document.load(file, data)
    if file.endswith((".queues.yaml", ".queues.yml")) or _holds_queues(nodes):
        queues = queue_file.parse(file, data, zones, notes)
        if problems := [problem for queue in queues for problem in judge(queue, file)]:
            raise SpecError(problems)
        return _count(len(queues), "queue")
    if _holds_sweep(nodes):
        written = sweep_file.parse(file, data)
        job, points = job_file.read(written.job), space.points(written.sweep)
        for number, point in enumerate(points, start=1):
            try:
                trials.job(job, written.sweep.name, number, point)
            except SpecError as error:
                raise sweep_file.placed(error, written) from None
        return f"a sweep of {_count(len(points), 'trial')}"
    job_file.parse(file, data)
    return "a job"


def _holds_queues(nodes: list[Node]) -> bool:
    first = nodes[0]
    if isinstance(first, Items):
        return True
    return isinstance(first, Fields) and bool(_QUEUE_KEYS & set(first.fields)) and "image" not in first.fields


def _holds_sweep(nodes: list[Node]) -> bool:
    first = nodes[0]
    return isinstance(first, Fields) and "parameters" in first.fields and "image" not in first.fields


def _count(number: int, word: str) -> str:
    return f"1 {word}" if number == 1 else f"{number} {word}s"
