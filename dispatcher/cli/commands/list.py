"""`dispatch list`: jobs, newest first."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from dispatcher.cli import COMMANDS, Settings, output
from dispatcher.clock import moment
from dispatcher.ledger import Entry
from dispatcher.ledger.rows import ACTIVE, FINAL, QUEUED

FRESH = 15.0
"""Seconds for which a state that was just asked for is not called old: as often as a waiting command asks."""

STATES = (QUEUED, *ACTIVE, *sorted(FINAL))
_WORDS = ("critical", "high", "medium", "low")


@click.command(help=COMMANDS["list"])
@click.option("-q", "--queue", metavar="QUEUE", help="Only this queue.")
@click.option(
    "-s",
    "--state",
    "states",
    metavar="STATE",
    multiple=True,
    type=click.Choice(STATES),
    help="Only this state, e.g. running; repeatable.",
)
@click.option("-a", "--active", is_flag=True, help="Only jobs that have not ended.")
@click.option("--who", metavar="NAME", help="Only this person's.")
@click.option("--refresh", is_flag=True, help="Ask the clouds first about the jobs shown that have not ended.")
@output.limit_options
@output.output_option
@click.pass_obj
def command(
    settings: Settings,
    queue: str | None,
    states: tuple[str, ...],
    active: bool,
    who: str | None,
    refresh: bool,
    limit: int,
    everything: bool,
    form: str,
) -> None:
    wanted = list(states) or ([QUEUED, *ACTIVE] if active else None)
    with settings.dispatcher() as dispatcher:
        most = None if everything else limit
        found = dispatcher.list(queue=queue, states=wanted, who=who, limit=most)
        unasked: list[str] = []
        if refresh:
            unasked = [error.message for error, _ in dispatcher.look(found).errors]
            found = dispatcher.list(queue=queue, states=wanted, who=who, limit=most)
        total = dispatcher.count(queue=queue, states=wanted, who=who)
        if queue and not total and not dispatcher.count(queue=queue):
            dispatcher.queue(queue)  # which says that there is none, and which there are
        warning = dispatcher.stalled()
        now = dispatcher.clock()
    _print(found, total, form, now)
    if form == "text" and sys.stderr.isatty() and (footer := _as_of(found, now)):
        output.note(footer)
    for words in dict.fromkeys(unasked):
        output.note(f"warning: {words}; the last known states are shown")
    if warning:
        output.note(f"warning: {warning}")


def _as_of(found: Sequence[Entry], now: float) -> str | None:
    """How old the oldest state shown is, when it may have changed on its cloud since."""
    asked = [entry.last_seen_at or entry.claimed_at for entry in found if entry.state in ACTIVE]
    oldest = min(filter(None, asked), default=None)
    if oldest is None or now - moment(oldest) < FRESH:
        return None
    return (
        f"states as of {oldest[:19].replace('T', ' ')}Z, {output.age(oldest, now)} ago; --refresh asks the clouds"
    )


def _print(found: Sequence[Entry], total: int, form: str, now: float) -> None:
    if form == "json":
        output.print_json([entry.as_json() for entry in found])
        return
    if not found:
        output.note("no jobs" if total == 0 else "no such jobs")
        return
    heads = ("ID", "JOB", "QUEUE", "PRIORITY", "STATE", "HARDWARE", "WHO", "AGE")
    output.print_table(heads, [_row(entry, now) for entry in found], state=4)
    if total > len(found):
        output.note(f"... and {total - len(found)} older (--all, or -n)")


def _row(entry: Entry, now: float) -> tuple[str, ...]:
    hardware = f"{entry.nodes} x {entry.hardware}" if entry.nodes > 1 else entry.hardware
    state = f"{entry.state} !" if entry.last_error else entry.state
    when = output.age(entry.submitted_at, now)
    return (entry.id, entry.slug, entry.queue, _WORDS[entry.priority], state, hardware, entry.who, when)
