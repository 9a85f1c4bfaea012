"""`dispatch completion`: the script that makes a shell complete commands and options."""

from __future__ import annotations

import click

from dispatcher.cli import COMMANDS, output


@click.command(help=COMMANDS["completion"])
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    output.say(kind(ctx.find_root().command, {}, "dispatch", "_DISPATCH_COMPLETE").source())
