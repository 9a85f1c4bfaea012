"""`dispatch fetch`: a job's outputs, into a directory here."""

from __future__ import annotations

import click

from dispatcher.cli import COMMANDS, Settings, output


@click.command(help=COMMANDS["fetch"])
@output.job_argument
@click.argument("directory", required=False)
@output.output_option
@click.pass_obj
def command(settings: Settings, job: str, directory: str | None, form: str) -> None:
    with settings.dispatcher() as dispatcher:
        entry = dispatcher.show(job)
        files = [str(path) for path in dispatcher.fetch(entry.id, directory)]
    if form == "json":
        output.print_json({"job": entry.id, "files": files})
        return
    for path in files:
        output.say(path)
    if not files:
        output.note(f"job {entry.id} has no outputs{'' if entry.final else ' yet'} ({entry.state})")
