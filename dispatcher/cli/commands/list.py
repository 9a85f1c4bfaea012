"""`dispatch list`: jobs, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from dispatcher.cli import COMMANDS, Settings, ages, csv_rows, output, selecting
from dispatcher.ledger import Entry, Filter
from dispatcher.ledger.rows import ACTIVE, FINAL, QUEUED

STATES = (QUEUED, *ACTIVE, *sorted(FINAL))

COUNTED = 10_000
"""Older jobs are counted so far: to count a million takes longer than to list twenty of them."""


@click.command(help=COMMANDS["list"])
@selecting.filter_options(STATES)
@click.option("-a", "--active", is_flag=True, help="Only jobs that have not ended.")
@click.option("--refresh", is_flag=True, help="Ask the clouds first about the jobs shown that have not ended.")
@output.limit_options
@output.rows_option
@click.pass_obj
def command(
    settings: Settings, /, active: bool, refresh: bool, limit: int, everything: bool, form: str, **chosen: Any
) -> None:
    most = None if everything else limit
    with settings.dispatcher() as dispatcher:
        selecting.find_sweep(dispatcher, chosen)
        wanted = selecting.selected(dispatcher.clock(), chosen, [QUEUED, *ACTIVE] if active else None)
        if form == "csv" and not refresh:
            csv_rows.print_rows(entry.as_json() for entry in dispatcher.each(wanted, limit=most))
            return
        found = dispatcher.list(wanted, limit=most)
        unasked: list[str] = []
        if refresh:
            unasked = [error.message for error, _ in dispatcher.look(found).errors]
            found = dispatcher.list(wanted, limit=most)
        total = max(len(found), dispatcher.count(wanted, limit=COUNTED))
        if wanted.queue and not total and not dispatcher.count(Filter(wanted.queue), limit=1):
            dispatcher.queue(wanted.queue)  # which says that there is none, and which there are
        warning = dispatcher.stalled()
        now = dispatcher.clock()
    _print(found, total, form, now)
    if form == "text" and (footer := ages.oldest(found, now)):
        output.note(footer)
    for words in dict.fromkeys(unasked):
        output.note(f"warning: {words}; the last known states are shown")
    if warning:
        output.note(f"warning: {warning}")


def _print(found: Sequence[Entry], total: int, form: str, now: float) -> None:
    if form == "json":
        output.print_json([entry.as_json() for entry in found])
        return
    if form == "csv":
        csv_rows.print_rows(entry.as_json() for entry in found)
        return
    if not found:
        output.note("no jobs" if total == 0 else "no such jobs")
        return
    heads = ("ID", "JOB", "QUEUE", "PRIORITY", "STATE", "HARDWARE", "WHO", "AGE")
    output.print_table(heads, [_row(entry, now) for entry in found], state=4)
    if total > len(found):
        more = "at least " if total == COUNTED else ""
        output.note(f"... and {more}{total - len(found)} older (--all, or -n)")


def _row(entry: Entry, now: float) -> tuple[str, ...]:
    hardware = f"{entry.nodes} x {entry.hardware}" if entry.nodes > 1 else entry.hardware
    when = output.age(entry.submitted_at, now)
    word = selecting.PRIORITIES[entry.priority]
    return (entry.id, entry.slug, entry.queue, word, ages.state(entry, now), hardware, entry.who, when)
