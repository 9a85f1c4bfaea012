"""`dispatch logs`: what a job printed."""

from __future__ import annotations

import click

from dispatcher.cli import COMMANDS, Settings, output
from dispatcher.cli.watching import follow_logs, print_line


@click.command(help=COMMANDS["logs"])
@output.job_argument
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@output.output_option
@click.pass_obj
def command(settings: Settings, job: str, follow: bool, form: str) -> int:
    with settings.dispatcher() as dispatcher:
        entry = dispatcher.show(job)
        if follow:
            return follow_logs(dispatcher, entry.id, form=form)
        silent = True
        for line in dispatcher.logs(entry.id):
            print_line(line, entry.nodes, form)
            silent = False
        if silent:
            state = "has not started" if entry.state in ("queued", "submitting") else "has printed nothing yet"
            output.note(f"job {entry.id} {state} ({entry.state})")
    return 0
