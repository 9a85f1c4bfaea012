"""`dispatch cancel`: stop jobs, waiting or running."""

from __future__ import annotations

import click

from dispatcher.cli import COMMANDS, Settings, output


@click.command(help=COMMANDS["cancel"])
@click.argument("jobs", metavar="JOB...", nargs=-1, required=True)
@output.output_option
@click.pass_obj
def command(settings: Settings, jobs: tuple[str, ...], form: str) -> None:
    with settings.dispatcher() as dispatcher:
        before = [dispatcher.show(job) for job in jobs]
        after = [dispatcher.cancel(entry.id) for entry in before]
    if form == "json":
        output.print_json([entry.as_json() for entry in after])
        return
    for was, entry in zip(before, after, strict=True):
        said = f"had already ended: {entry.state}" if was.final else entry.state
        output.say(f"{entry.id} {said}")
        if entry.state == "stopping":
            output.note(f"  dispatch wait {entry.id} waits until it has stopped")
        elif entry.state == "submitting":
            output.note(f"  it may be on its way: dispatch wait {entry.id} stops it as soon as the cloud shows it")
