"""`dispatch check`: are these files right? Nothing is opened but the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from dispatcher.cli import COMMANDS, counted, output
from dispatcher.errors import ExitCode, Problem, SpecError

if TYPE_CHECKING:
    from dispatcher.backends.base import Backend
    from dispatcher.contract import Contract
    from dispatcher.queue import Queue


@click.command(help=COMMANDS["check"])
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--outputs", metavar="FILE", help="Outputs of the stack, so that queue files are checked against its zones."
)
@output.output_option
def command(files: tuple[str, ...], outputs: str | None, form: str) -> int:
    from dispatcher import stack
    from dispatcher.documents import checking

    found = stack.from_file(outputs) if outputs else None
    zones = found.zones if found else None

    def judge(queue: Queue, source: str) -> list[Problem]:
        return _tried(queue, source, found) if found else []

    kinds: dict[str, str] = {}
    problems: dict[str, list[Problem]] = {}
    notes: dict[str, list[str]] = {file: [] for file in files}
    for file in files:
        try:
            kinds[file] = checking.check(file, zones, notes[file], judge)
        except SpecError as error:
            problems[file] = list(error.problems)
    if form == "json":
        output.print_json(
            [_document(file, kinds.get(file), problems.get(file, []), notes[file]) for file in files]
        )
    else:
        _print(files, kinds, problems)
        for note in (note for file in files for note in notes[file]):
            output.note(f"warning: {note}")
    return ExitCode.USAGE if problems else ExitCode.OK


def _tried(queue: Queue, source: str, found: Contract) -> list[Problem]:
    """What the zone has against a queue's overrides, as a sync would find it; no network."""
    from dispatcher import trial
    from dispatcher.backends import open_backend

    zone = found.zones[queue.zone]

    def opened() -> Backend:
        return open_backend(zone, user="check", environment=found.environment, regime=found.regime)

    return trial.overrides(queue, zone, opened, source)


def _document(file: str, kind: str | None, problems: Sequence[Problem], notes: Sequence[str]) -> dict[str, Any]:
    keys = ("line", "path", "rule", "remedy")
    found = [{"file": p.source, **{key: getattr(p, key) for key in keys}} for p in problems]
    return {"file": file, "kind": kind, "problems": found, "warnings": list(notes)}


def _print(files: Sequence[str], kinds: Mapping[str, str], problems: Mapping[str, Sequence[Problem]]) -> None:
    for file in files:
        if file in kinds:
            output.say(f"{file}: {kinds[file]}, ok")
    every = [problem for file in files for problem in problems.get(file, ())]
    for problem in every:
        output.say_problem(problem)
    if every:
        output.note(f"error: {counted(every)}")
