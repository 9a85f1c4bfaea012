"""`dispatch agent`: the loop that runs the queues, one round of it, and the comparison with the clouds."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dispatcher.cli import COMMANDS, Settings, output
from dispatcher.errors import AuthError, ExitCode, NotInstalledError, UnreachableError, UsageError

if TYPE_CHECKING:
    from dispatcher.agent.loop import Agent
    from dispatcher.agent.reconciling import Reconciliation
    from dispatcher.api import Dispatcher


@click.command(help=COMMANDS["agent"])
@click.option("-q", "--queue", "queues", metavar="QUEUE", multiple=True, help="Only this queue; repeatable.")
@click.option(
    "--job-type", "job_types", metavar="TYPE", multiple=True, help="Send only jobs of this type; repeatable."
)
@click.option("--name", metavar="NAME", help="Its name among the agents of the ledger; else host and process.")
@click.option("--once", is_flag=True, help="Run one round and leave.")
@click.option("--reconcile", is_flag=True, help="List what only the clouds or only the ledger know, and leave.")
@click.option("--list", "listing", is_flag=True, help="List the agents at work.")
@click.option("--health", metavar="FILE", type=click.Path(path_type=Path), help="A file that it keeps fresh.")
@click.option(
    "--log", "log", type=click.Choice(["text", "json"]), help="The form of its lines; else text on a terminal."
)
@output.output_option
@click.pass_obj
def command(
    settings: Settings,
    queues: tuple[str, ...],
    job_types: tuple[str, ...],
    name: str | None,
    once: bool,
    reconcile: bool,
    listing: bool,
    health: Path | None,
    log: str | None,
    form: str,
) -> int:
    if once + reconcile + listing > 1:
        raise UsageError("--once, --reconcile and --list are three things", "ask for one at a time")
    with settings.dispatcher() as dispatcher:
        if listing:
            return _list(dispatcher, form)
        if reconcile:
            return _reconcile(dispatcher.agents.reconcile(queues), form)
        agent = dispatcher.agents.make(
            queues=queues,
            job_types=job_types,
            name=name,
            health=health,
            write=lambda line: output.say(line, err=True),
            form="json" if log == "json" or (log is None and not sys.stderr.isatty()) else "text",
        )
        return _once(agent) if once else _run(agent)


def _run(agent: Agent) -> int:
    def stop(number: int, frame: object) -> None:
        # Asked twice, it does not wait for the step under way: whoever comes next takes that up.
        for known in (signal.SIGTERM, signal.SIGINT):
            signal.signal(known, signal.default_int_handler)
        agent.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    agent.run(agent.pulse)
    return ExitCode.OK


def _once(agent: Agent) -> int:
    try:
        agent.once()
    finally:
        agent.turns.leave()
    theirs = (AuthError, NotInstalledError, UnreachableError)
    return next((error.exit_code for error in agent.errors if isinstance(error, theirs)), ExitCode.OK)


def _list(dispatcher: Dispatcher, form: str) -> int:
    import json

    found = [(row, json.loads(row.document)) for row in dispatcher.agents.list()]
    if form == "json":
        kept = ("name", "host", "started_at", "seen_at")
        output.print_json([{name: getattr(row, name) for name in kept} | told for row, told in found])
        return ExitCode.OK
    if not found:
        output.note("no agent is at work; `dispatch agent` starts one")
        return ExitCode.OK
    now = dispatcher.clock()
    rows = [
        (
            row.name,
            row.host,
            ",".join(told.get("queues", ())) or "all",
            ",".join(told.get("job_types", ())) or "all",
            str(told.get("state", "")),
            output.age(row.started_at, now),
            output.age(row.seen_at, now),
        )
        for row, told in found
    ]
    output.print_table(("NAME", "HOST", "QUEUES", "JOB TYPES", "STATE", "AGE", "SEEN"), rows)
    return ExitCode.OK


def _reconcile(found: Reconciliation, form: str) -> int:
    if form == "json":
        output.print_json(found.as_json())
    else:
        rows = [(one.kind, one.zone, one.name, one.state or "-", one.owner or "-") for one in found.differences]
        if rows:
            output.print_table(("WHAT", "ZONE", "JOB ON THE CLOUD", "STATE", "OWNER"), rows, state=3)
        for one in found.differences:
            output.note(f"{one.name}: {one.why}{f', see {one.console}' if one.console else ''}")
        for zone, count in found.compared.items():
            output.note(f"zone {zone}: {count} jobs compared")
        if not rows:
            output.note("the ledger and the clouds agree")
    for zone, error in found.errors.items():
        output.note(f"warning: zone {zone} could not be asked: {error.message}")
    if found.differences:
        return ExitCode.UNEXPECTED
    return next((error.exit_code for error in found.errors.values()), ExitCode.OK)
