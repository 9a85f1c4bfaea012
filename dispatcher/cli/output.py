"""How commands print: plain tables cut to the terminal, human ages, undecorated JSON, notes on stderr."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import click

from dispatcher import plain
from dispatcher.documents.quantities import human_duration
from dispatcher.errors import Problem
from dispatcher.redact import Redactor

F = TypeVar("F", bound=Callable[..., Any])

_COLOURS: Mapping[str, str] = {
    "running": "green",
    "succeeded": "green",
    "ok": "green",
    "failed": "red",
    "fail": "red",
    "timed_out": "red",
    "interrupted": "yellow",
    "stopping": "yellow",
    "warn": "yellow",
    "queued": "cyan",
    "submitting": "cyan",
    "pending": "cyan",
}


def output_option(function: F) -> F:
    """`-o json` for a command that prints data."""
    return _form("text", "json", help="Print text (default) or JSON.")(function)


def rows_option(function: F) -> F:
    """`-o json` and `-o csv` for a command that prints submissions."""
    return _form("text", "json", "csv", help="Print text (default), JSON or CSV.")(function)


def _form(*forms: str, help: str) -> Callable[[F], F]:
    return click.option("-o", "--output", "form", type=click.Choice(forms), default=forms[0], help=help)


def limit_options(function: F) -> F:
    """`-n` and `--all`, as `limit` and `everything`, for a command that prints many rows."""
    everything = click.option("--all", "everything", is_flag=True, help="All of them.")
    limit = click.option(
        "-n",
        "--limit",
        default=20,
        show_default=True,
        metavar="COUNT",
        type=click.IntRange(1),
        help="At most so many.",
    )
    return limit(everything(function))


def job_argument(function: F) -> F:
    """JOB: an id, an unambiguous beginning of one, or a cloud name."""
    return click.argument("job")(function)


def say(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """One text on stdout (or stderr) without secrets. Nothing is printed but by this and `print_json`."""
    click.echo(_redactor().text(text), err=err, nl=nl)


def say_problem(problem: Problem) -> None:
    """A problem on stderr, cleaned part by part: `env.API_KEY: looks like` is a path and a rule, not a value."""
    clean = _redactor().text
    source, path = clean(problem.source), clean(problem.path)
    rule, remedy = clean(problem.rule), clean(problem.remedy)
    click.echo(str(replace(problem, source=source, path=path, rule=rule, remedy=remedy)), err=True)


def agreed(question: str) -> bool:
    """Ask on a terminal; Ctrl-C and the end of the input are a no."""
    try:
        return click.confirm(_redactor().text(question), default=True, err=True)
    except click.Abort:
        say(err=True)
        return False


def print_json(document: Any, *, indent: int | None = 2, allowed: Sequence[str] = ()) -> None:
    """A JSON document and a newline on stdout, without secrets.

    `allowed` are values that a user said are none; the jobs inside of the document say theirs themselves.
    """
    redactor = _redactor()
    redactor = redactor.allowing([*allowed, *_allowed(document, redactor)])
    click.echo(json_text(redactor.document(document), indent=indent))


def _redactor() -> Redactor:
    """The redactor that knows the secrets of this process's environment."""
    return _knowing(tuple(os.environ.items()))


@functools.lru_cache(maxsize=1)
def _knowing(environment: tuple[tuple[str, str], ...]) -> Redactor:
    return Redactor.of(dict(environment))


def _allowed(document: Any, redactor: Redactor) -> Iterator[str]:
    """What the jobs of printed submissions were allowed to say in plain."""
    for inner in document if isinstance(document, list | tuple) else [document]:
        if isinstance(inner, Mapping):
            job = inner.get("job")
            if isinstance(job, Mapping) and job.get(plain.KEY):
                yield from plain.allowed(job, redactor)
            yield from _allowed(inner.get("queue", ()), redactor)


def json_text(document: Any, indent: int | None = None) -> str:
    """JSON with characters as they are, or escaped where stdout cannot hold them all."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    return json.dumps(document, indent=indent, ensure_ascii=not utf8, default=dict)


def note(text: str) -> None:
    """A line for people, on stderr, so that stdout stays data."""
    say(text, err=True)


def coloured(text: str, word: str, *, stream: Any = None) -> str:
    """The text in the colour of a state, on a terminal that wants colour."""
    stream = stream or sys.stdout
    colour = _COLOURS.get(word)
    if colour is None or os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    return click.style(text, fg=colour)


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, state: int | None = None) -> None:
    """Columns padded to their widest cell; on a terminal the widest column is cut until the line fits.

    `state` is the column that is coloured by its word.
    """
    cells = [list(heads), *[list(row) for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    if sys.stdout.isatty():
        room = _columns() - 2 * (len(heads) - 1)
        while sum(widths) > room and max(widths) > 8:
            widths[widths.index(max(widths))] -= 1
    for number, row in enumerate(cells):
        parts = [_fit(text, width) for text, width in zip(row, widths, strict=True)]
        if state is not None and number:
            parts[state] = coloured(parts[state], row[state].partition(" ")[0])
        say("  ".join(parts).rstrip())


def _columns() -> int:
    """The terminal's width, or what COLUMNS says."""
    try:
        return int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        return os.get_terminal_size(sys.stdout.fileno()).columns


def _fit(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"


def age(since: str | None, now: float) -> str:
    """How long ago, such as `12m`; `-` when it never was."""
    from dispatcher.clock import moment

    return human_duration(now - moment(since)) if since else "-"


def print_fields(fields: Mapping[str, str | None]) -> None:
    """Names and values, one a line, the values aligned with all their lines; empty ones left out."""
    shown = {name: value for name, value in fields.items() if value}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        first, *more = value.split("\n")
        say(f"{name.ljust(width)}  {first}")
        for line in more:
            say(f"{' ' * width}  {line.strip()}")
