"""`dispatch doctor`: is everything there that submitting needs?"""

from __future__ import annotations

import dataclasses

import click

from dispatcher.cli import COMMANDS, Settings, output
from dispatcher.errors import ExitCode


@click.command(help=COMMANDS["doctor"])
@output.output_option
@click.pass_obj
def command(settings: Settings, form: str) -> int:
    from dispatcher import doctor

    checks = []
    with settings.dispatcher() as dispatcher:
        for check in doctor.examine(dispatcher):
            checks.append(check)
            if form == "text":
                verdict = output.coloured(f"{check.verdict:<4}", check.verdict)
                output.say(f"{verdict}  {check.subject}: {check.finding}")
                if check.remedy and check.verdict != "ok":
                    output.say("\n".join(f"      {line}" for line in check.remedy.splitlines()))
    if form == "json":
        keys = ("subject", "verdict", "finding", "remedy")
        output.print_json(
            [{key: value for key, value in dataclasses.asdict(c).items() if key in keys} for c in checks]
        )
    return next((check.code for check in checks if check.verdict == "fail"), ExitCode.OK)
