"""`dispatch wait`: until a job has ended, with its result as the exit code."""

from __future__ import annotations

import click

from dispatcher.cli import COMMANDS, Settings, output
from dispatcher.cli.watching import until_ended


@click.command(help=COMMANDS["wait"])
@output.job_argument
@output.output_option
@click.pass_obj
def command(settings: Settings, job: str, form: str) -> int:
    with settings.dispatcher() as dispatcher:
        entry = dispatcher.show(job)
        for reason in dispatcher.reasons(entry):
            output.note(f"  waits: {reason}")
        return until_ended(dispatcher, entry.id, form)
