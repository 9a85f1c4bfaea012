"""`dispatch history`: what ran, for whom, how it ended, and what it cost at the price frozen at submission."""

from __future__ import annotations

from typing import Any

import click

from dispatcher.cli import COMMANDS, Settings, csv_rows, output, selecting
from dispatcher.documents.quantities import human_duration
from dispatcher.ledger import Entry, Filter
from dispatcher.ledger.rows import FINAL


@click.command(help=COMMANDS["history"])
@selecting.filter_options(sorted(FINAL))
@output.limit_options
@output.rows_option
@click.pass_obj
def command(settings: Settings, /, limit: int, everything: bool, form: str, **chosen: Any) -> None:
    most = None if everything else limit
    with settings.dispatcher() as dispatcher:
        selecting.find_sweep(dispatcher, chosen)
        wanted = selecting.selected(dispatcher.clock(), chosen, sorted(FINAL))
        if form == "csv":
            csv_rows.print_rows(map(_document, dispatcher.each(wanted, limit=most)))
            return
        found = dispatcher.list(wanted, limit=most)
        if wanted.queue and not found and not dispatcher.count(Filter(wanted.queue), limit=1):
            dispatcher.queue(wanted.queue)  # which says that there is none, and which there are
        ended = bool(found) or dispatcher.count(Filter(states=sorted(FINAL)), limit=1)
    if form == "json":
        output.print_json([_document(entry) for entry in found])
        return
    if not found:
        output.note("no such jobs" if ended else "nothing has ended yet")
        return
    heads = ("ENDED (UTC)", "ID", "JOB", "QUEUE", "WHO", "PRIORITY", "STATE", "BILLED", "COST")
    output.print_table(heads, [_row(entry) for entry in found], state=6)


def cost(entry: Entry) -> float | None:
    """Billed time at the frozen price; None when either is unknown, never 0.

    `billable_seconds` counts all nodes once, so the price of one node and hour is multiplied by the nodes.
    """
    if entry.unit_price is None or entry.billable_seconds is None:
        return None
    return round(float(entry.unit_price) * entry.nodes * entry.billable_seconds / 3600, 4)


def _document(entry: Entry) -> dict[str, Any]:
    return {**entry.as_json(), "cost": cost(entry)}


def _row(entry: Entry) -> tuple[str, ...]:
    known = cost(entry)
    return (
        (entry.ended_at or "")[:16].replace("T", " "),
        entry.id,
        entry.slug,
        entry.queue,
        entry.who,
        str(entry.as_json()["priority"]),
        entry.state,
        human_duration(entry.billable_seconds) if entry.billable_seconds is not None else "-",
        f"{known:.2f} {entry.currency}" if known is not None else "unknown",
    )
