"""Writes docs/commands.md from the commands' own help: `python -m tools.command_docs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from dispatcher.cli import group

TARGET = Path(__file__).parents[1] / "docs" / "commands.md"
HEAD = """\
# Commands

Made from the commands' own `--help` by `python -m tools.command_docs`; a test compares the two.
Exit codes: [exit-codes.md](exit-codes.md). Job files: [job-file.md](job-file.md). Queues: [queues.md](queues.md).
"""


def text() -> str:
    """The whole page."""
    parts = [HEAD]
    with click.Context(group, info_name="dispatch", **{**group.context_settings, **_WIDTH}) as ctx:
        parts += [f"## `{ctx.command_path}`\n\n```text\n{ctx.get_help()}\n```\n" for ctx in _contexts(ctx)]
    return "\n".join(parts)


_WIDTH: dict[str, Any] = {"max_content_width": 100, "terminal_width": 100}


def _contexts(ctx: click.Context) -> Iterator[click.Context]:
    """A context for the command and for everything below it, in the order of the help."""
    yield ctx
    if isinstance(ctx.command, click.Group):
        for name in ctx.command.list_commands(ctx):
            below = ctx.command.get_command(ctx, name)
            if below is not None:
                with click.Context(below, info_name=name, parent=ctx, **_WIDTH) as inner:
                    yield from _contexts(inner)


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
