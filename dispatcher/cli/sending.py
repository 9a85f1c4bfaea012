"""Sending a planned job from a terminal: the question before, what became of it, and staying with it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from dispatcher.api import Dispatcher
from dispatcher.cli import asking, output
from dispatcher.cli.watching import fate, follow_logs, until_ended
from dispatcher.documents.quantities import human_duration
from dispatcher.errors import ExitCode
from dispatcher.planning import Plan

F = TypeVar("F", bound=Callable[..., Any])


def options(function: F) -> F:
    """`--wait`, `-f` and `-y`, as `wait`, `follow` and `yes`, for a command that sends a job."""
    for option in (
        click.option(
            "-y",
            "--yes",
            is_flag=True,
            help="Do not ask before a job goes to a cloud. Without a terminal no question is asked.",
        ),
        click.option(
            "-f", "--follow", is_flag=True, help="Print the job's log lines while waiting (implies --wait)."
        ),
        click.option("--wait", is_flag=True, help="Wait until the job has ended; its result is the exit code."),
    ):
        function = option(function)
    return function


def send(dispatcher: Dispatcher, plan: Plan, form: str, *, wait: bool, follow: bool, yes: bool) -> int:
    """Ask where somebody can answer, record the job, start it, stay with it if wanted; return the exit code."""
    for warning in plan.request.warnings:
        output.note(f"warning: {warning}")
    price = cost(plan.estimate.as_json()) or "price unknown"
    if not asking.goes(f"Submit {describe(plan)}, {price}?", plan.line.cloud, yes=yes):
        return ExitCode.INTERRUPTED
    entry = dispatcher.enqueue(plan)
    dispatcher.notice = output.note
    try:
        report = dispatcher.start(entry)
    except KeyboardInterrupt:
        output.note(
            f"\ninterrupted; job {entry.id} is recorded: dispatch wait {entry.id}, or dispatch cancel {entry.id}"
        )
        return 130
    entry = dispatcher.show(entry.id)
    if not wait or form == "text":
        _tell(dispatcher, plan, entry.id, form)
    error = report.error_of(entry.id)
    if entry.state == "queued" and not wait and error is None:
        output.note(f"  dispatch wait {entry.id} starts it when it can; dispatch cancel {entry.id} drops it")
    if error is not None and not (wait and not entry.final):
        fate(error, entry.id, entry)
        raise error
    if not wait:
        return 0
    if follow:
        code = follow_logs(dispatcher, entry.id, to_stderr=form == "json")
        if code:
            return code
    return until_ended(dispatcher, entry.id, form, lines=not follow)


def _tell(dispatcher: Dispatcher, plan: Plan, id: str, form: str) -> None:
    entry = dispatcher.show(id)
    if form == "json":
        output.print_json(entry.as_json())
        return
    word = {"pending": "submitted"}.get(entry.state, entry.state)
    output.say(f"{word} {entry.id}: {describe(plan)}")
    if found := cost(plan.estimate.as_json()):
        output.say(f"  {found}")
    for reason in dispatcher.reasons(entry):
        output.say(f"  waits: {reason}")
    if not entry.final and entry.state != "queued" and sys.stdout.isatty():
        output.note(f"  dispatch logs -f {entry.id} follows it; dispatch cancel {entry.id} stops it")


def describe(plan: Plan) -> str:
    """A job and where it goes, in a line."""
    nodes = plan.job.resources.nodes
    where = f"{nodes} x {plan.hardware}"
    longest = human_duration(plan.job.max_runtime)
    from dispatcher.naming import slug

    return f"{slug(plan.job)} to queue {plan.line.queue.name} ({plan.line.queue.zone}, {where}, at most {longest})"


def cost(estimate: Mapping[str, Any]) -> str | None:
    """The most it can cost and where the price is from; None when the price is unknown."""
    if estimate["total"] is None:
        return None
    return (
        f"at most {estimate['total']:.2f} {estimate['currency']}"
        f" ({estimate['unit_price']} per node and hour, {estimate['price_source']}, {estimate['price_as_of']})"
    )
