"""`dispatch submit`: from a job file to a job in a queue, or to the exact request it would be."""

from __future__ import annotations

import click

from dispatcher import plain, records
from dispatcher.api import Dispatcher
from dispatcher.cli import COMMANDS, Settings, asking, output, sending
from dispatcher.planning import Plan


@click.command(help=COMMANDS["submit"])
@click.argument("file", metavar="JOB_FILE")
@click.argument("arguments", metavar="[-- ARGUMENT...]", nargs=-1, type=click.UNPROCESSED)
@asking.queue_option
@click.option("-P", "--priority", metavar="WORD", help="critical, high, medium or low.")
@click.option("--set", "sets", metavar="PATH=VALUE", multiple=True, help="Change the job, e.g. resources.nodes=2.")
@click.option("--env", metavar="NAME=VALUE", multiple=True, help="Add an environment variable.")
@asking.allow_plain_option
@click.option(
    "--no-checkpoint",
    is_flag=True,
    help="Let a spot job start without a checkpoint: an interruption loses all work. Recorded.",
)
@asking.prices_option("the estimate")
@click.option("--dry-run", is_flag=True, help="Print the exact request and the estimate; send nothing.")
@sending.options
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
        return sending.send(dispatcher, plan, form, wait=wait or follow, follow=follow, yes=yes)


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
    cost = sending.cost(document["estimate"]) or "price unknown (give one with --prices FILE)"
    output.note(f"dry run: {sending.describe(plan)}; {cost}. Nothing was sent.")
