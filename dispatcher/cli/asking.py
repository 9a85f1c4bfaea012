"""What commands that submit ask for: a queue, prices, what is no secret; and a yes before jobs go to a cloud."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from dispatcher.cli import output
from dispatcher.cli.output import F

queue_option = click.option(
    "-q",
    "--queue",
    metavar="QUEUE",
    envvar="DISPATCH_QUEUE",
    help="The queue; else $DISPATCH_QUEUE, else the only one.",
)

allow_plain_option = click.option(
    "--allow-plain",
    metavar="NAME",
    multiple=True,
    help="Take the value of this variable, flag or path (command[2]): it only looks like a secret. Recorded.",
)


def prices_option(use: str) -> Callable[[F], F]:
    """`--prices`, for what the prices are used."""
    told = f"A price file, for {use}; else $DISPATCH_PRICES."
    return click.option("--prices", metavar="FILE", envvar="DISPATCH_PRICES", help=told)


def goes(question: str, cloud: str, *, yes: bool) -> bool:
    """Ask before anything goes to a cloud, where somebody can answer and did not say `yes` before."""
    asks = not yes and cloud != "local" and sys.stdin.isatty() and sys.stderr.isatty()
    if asks and not output.agreed(question):
        output.note("nothing was sent")
        return False
    return True
