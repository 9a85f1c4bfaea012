"""`dispatch history`: what ran, for whom, how it ended, and what it cost at the price frozen at submission."""

from __future__ import annotations

import click

from dispatcher.cli import COMMANDS, Settings, output
from dispatcher.documents.quantities import human_duration
from dispatcher.ledger import Entry
from dispatcher.ledger.rows import FINAL


@click.command(help=COMMANDS["history"])
@click.option("-q", "--queue", metavar="QUEUE", help="Only this queue.")
@click.option("--who", metavar="NAME", help="Only this person's.")
@click.option("--since", metavar="AGO", help="Only jobs submitted since, e.g. 24h or 7d.")
@output.limit_options
@output.output_option
@click.pass_obj
def command(
    settings: Settings,
    queue: str | None,
    who: str | None,
    since: str | None,
    limit: int,
    everything: bool,
    form: str,
) -> None:
    with settings.dispatcher() as dispatcher:
        most = None if everything else limit
        found = dispatcher.list(
            queue=queue, who=who, states=sorted(FINAL), since=dispatcher.ago(since), limit=most
        )
        if queue and not found and not dispatcher.count(queue=queue):
            dispatcher.queue(queue)  # which says that there is none, and which there are
    if form == "json":
        output.print_json([{**entry.as_json(), "cost": cost(entry)} for entry in found])
        return
    if not found:
        output.note("nothing has ended yet")
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
