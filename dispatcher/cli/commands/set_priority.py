"""`dispatch set-priority`: put a job that waits before or behind others."""

from __future__ import annotations

import click

from dispatcher.cli import COMMANDS, Settings, output


@click.command("set-priority", help=COMMANDS["set-priority"])
@output.job_argument
@click.argument("priority", metavar="critical|high|medium|low")
@output.output_option
@click.pass_obj
def command(settings: Settings, job: str, priority: str, form: str) -> None:
    with settings.dispatcher() as dispatcher:
        entry = dispatcher.set_priority(job, priority)
        waits = dispatcher.waits(entry)
    if form == "json":
        output.print_json(entry.as_json())
        return
    place = f"; {waits.position - 1} ahead of it in queue {entry.queue}" if waits and waits.ahead else ""
    output.say(f"{entry.id} is {priority}{place}")
    if waits and not waits.ahead:
        output.note(f"  it is next in queue {entry.queue}: dispatch wait {entry.id} starts it when it can")
