"""`dispatch sync`: zones and queues, from Pulumi into the ledger."""

from __future__ import annotations

import click

from dispatcher.cli import COMMANDS, Settings, output


@click.command(help=COMMANDS["sync"])
@click.option(
    "--stack", "stacks", metavar="STACK", multiple=True, help="A stack; repeatable. Else the selected one."
)
@click.option(
    "--outputs", metavar="FILE", multiple=True, help="A file of `pulumi stack output --json`, or -; repeatable."
)
@click.option(
    "--queues", metavar="FILE", help="The queue file; else stacks/ENVIRONMENT.queues.yaml of the project."
)
@click.option("--project", metavar="DIR", default=".", help="The Pulumi project; else this directory.")
@output.output_option
@click.pass_obj
def command(
    settings: Settings,
    stacks: tuple[str, ...],
    outputs: tuple[str, ...],
    queues: str | None,
    project: str,
    form: str,
) -> None:
    with settings.dispatcher() as dispatcher:
        changes = dispatcher.sync(stacks, outputs=outputs, queues=queues, project=project)
        name = dispatcher.ledger.name
    if form == "json":
        output.print_json(changes.as_json())
    else:
        output.say(f"environment {changes.environment} -> {name}")
        for kind, names in (("zone", changes.zones), ("queue", changes.queues)):
            for what, became in names.items():
                output.say(f"  {kind:<5} {what}: {became}")
    for warning in changes.warnings:
        output.note(f"warning: {warning}")
