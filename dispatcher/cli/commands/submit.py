"""`dispatch submit`: from a job file to a job in a queue, or to the exact request it would be."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from dispatcher import plain, records
from dispatcher.api import Dispatcher
from dispatcher.cli import COMMANDS, Settings, output
from dispatcher.cli.watching import fate, follow_logs, until_ended
from dispatcher.documents.quantities import human_duration
from dispatcher.errors import ExitCode
from dispatcher.planning import Plan


@click.command(help=COMMANDS["submit"])
@click.argument("file", metavar="JOB_FILE")
@click.argument("arguments", metavar="[-- ARGUMENT...]", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "-q",
    "--queue",
    metavar="QUEUE",
    envvar="DISPATCH_QUEUE",
    help="The queue; else $DISPATCH_QUEUE, else the only one.",
)
@click.option("-P", "--priority", metavar="WORD", help="critical, high, medium or low.")
@click.option("--set", "sets", metavar="PATH=VALUE", multiple=True, help="Change the job, e.g. resources.nodes=2.")
@click.option("--env", metavar="NAME=VALUE", multiple=True, help="Add an environment variable.")
@click.option(
    "--allow-plain",
    metavar="NAME",
    multiple=True,
    help="Take the value of this variable, flag or path (command[2]): it only looks like a secret. Recorded.",
)
@click.option(
    "--no-checkpoint",
    is_flag=True,
    help="Let a spot job start without a checkpoint: an interruption loses all work. Recorded.",
)
@click.option(
    "--prices",
    metavar="FILE",
    envvar="DISPATCH_PRICES",
    help="A price file, for the estimate; else $DISPATCH_PRICES.",
)
@click.option("--dry-run", is_flag=True, help="Print the exact request and the estimate; send nothing.")
@click.option("--wait", is_flag=True, help="Wait until the job has ended; its result is the exit code.")
@click.option("-f", "--follow", is_flag=True, help="Print the job's log lines while waiting (implies --wait).")
@click.option(
    "-y",
    "--yes",
    is_flag=True,
    help="Do not ask before a job goes to a cloud. Without a terminal no question is asked.",
)
@output.output_option
@click.pass_obj
def command(
    settings: Settings,
    file: str,
    arguments: tuple[str, ...],
    queue: str | None,
    priority: str | None,
    sets: tuple[str, ...],
    env: tuple[str, ...],
    allow_plain: tuple[str, ...],
    no_checkpoint: bool,
    prices: str | None,
    dry_run: bool,
    wait: bool,
    follow: bool,
    yes: bool,
    form: str,
) -> int:
    from dispatcher.documents.changes import Changes

    with settings.dispatcher() as dispatcher:
        changes = Changes(sets, env, arguments, priority, no_checkpoint, allow_plain)
        plan = dispatcher.plan_file(file, queue, changes=changes, prices=prices, ask=not dry_run)
        if dry_run:
            _print_plan(dispatcher, plan, form)
            return 0
        for warning in plan.request.warnings:
            output.note(f"warning: {warning}")
        asks = not yes and plan.line.cloud != "local" and sys.stdin.isatty() and sys.stderr.isatty()
        if asks and not _agreed(plan):
            output.note("nothing was sent")
            return ExitCode.INTERRUPTED
        return _submit(dispatcher, plan, form, wait=wait or follow, follow=follow)


def _agreed(plan: Plan) -> bool:
    cost = _cost(plan.estimate.as_json()) or "price unknown"
    return output.agreed(f"Submit {_describe(plan)}, {cost}?")


def _submit(dispatcher: Dispatcher, plan: Plan, form: str, *, wait: bool, follow: bool) -> int:
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
    output.say(f"{word} {entry.id}: {_describe(plan)}")
    for reason in dispatcher.reasons(entry):
        output.say(f"  waits: {reason}")
    if not entry.final and entry.state != "queued" and sys.stdout.isatty():
        output.note(f"  dispatch logs -f {entry.id} follows it; dispatch cancel {entry.id} stops it")


def _describe(plan: Plan) -> str:
    nodes = plan.job.resources.nodes
    where = f"{nodes} x {plan.hardware}"
    longest = human_duration(plan.job.max_runtime)
    from dispatcher.naming import slug

    return f"{slug(plan.job)} to queue {plan.line.queue.name} ({plan.line.queue.zone}, {where}, at most {longest})"


def _print_plan(dispatcher: Dispatcher, plan: Plan, form: str) -> None:
    document, allowed = plan.as_json(), plain.allowed(records.plain(plan.job), dispatcher.redactor)
    if form == "json":
        output.print_json(document, allowed=allowed)
        return
    for request in document["requests"]:
        output.say(f"{request['operation']}")
        output.print_json(request["body"], allowed=allowed)
    for warning in document["warnings"]:
        output.note(f"warning: {warning}")
    cost = _cost(document["estimate"]) or "price unknown (give one with --prices FILE)"
    output.note(f"dry run: {_describe(plan)}; {cost}. Nothing was sent.")


def _cost(estimate: Mapping[str, Any]) -> str | None:
    """The most it can cost and where the price is from; None when the price is unknown."""
    if estimate["total"] is None:
        return None
    return (
        f"at most {estimate['total']:.2f} {estimate['currency']}"
        f" ({estimate['unit_price']} per node and hour, {estimate['price_source']}, {estimate['price_as_of']})"
    )
