"""`dispatch check`: are these files right? Nothing is opened but the files."""

from __future__ import annotations

import click

from dispatcher.cli import COMMANDS, output
from dispatcher.errors import Problem, SpecError


@click.command(help=COMMANDS["check"])
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--outputs", metavar="FILE", help="Outputs of the stack, so that queue files are checked against its zones."
)
@output.output_option
def command(files: tuple[str, ...], outputs: str | None, form: str) -> None:
    from dispatcher import checking, stack

    zones = stack.from_file(outputs).zones if outputs else None
    problems: list[Problem] = []
    found: list[dict[str, str]] = []
    for file in files:
        try:
            found.append({"file": file, "kind": checking.check(file, zones)})
        except SpecError as error:
            problems.extend(error.problems)
    if problems:
        raise SpecError(problems)
    if form == "json":
        output.print_json(found)
        return
    for item in found:
        click.echo(f"{item['file']}: {item['kind']}, ok")
