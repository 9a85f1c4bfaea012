"""`dispatch queue`: what the queues are, what waits in them, and pausing or draining one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from dispatcher import records
from dispatcher.cli import COMMANDS, Settings, output
from dispatcher.documents.quantities import human_duration
from dispatcher.ledger import Load, QueueRow
from dispatcher.ledger.rows import LOCAL
from dispatcher.queue import THIS_MACHINE

if TYPE_CHECKING:
    from dispatcher.contract import Limits

_APART = ("overrides", "priority", "limits")
"""What is shown in other words than its own."""


@click.group(help=COMMANDS["queue"])
def command() -> None:
    pass


@command.command("list", help="List the queues with what waits and runs in each.")
@output.output_option
@click.pass_obj
def list_queues(settings: Settings, form: str) -> None:
    with settings.dispatcher() as dispatcher:
        rows = dispatcher.queues()
        loads = dispatcher.loads()
        warning = dispatcher.stalled()
    documents = [_document(json.loads(row.document), row, loads.get(row.name, Load())) for row in rows]
    documents.append(_document(records.plain(THIS_MACHINE), None, loads.get(LOCAL, Load())))
    if form == "json":
        output.print_json(documents)
        return
    output.print_table(
        ("QUEUE", "ZONE", "HARDWARE", "WAITING", "RUNNING", "NODES", "STATE"), [_row(d) for d in documents]
    )
    if not rows:
        output.note("no other queues yet: run `dispatch sync` after `pulumi up`")
    if warning:
        output.note(f"warning: {warning}")


def _document(queue: dict[str, Any], row: QueueRow | None, load: Load) -> dict[str, Any]:
    state = {
        "paused": bool(row and row.paused),
        "paused_reason": row.paused_reason if row else None,
        "draining": bool(row and row.draining),
        "waiting": load.waiting,
        "running": load.running,
        "nodes_used": load.nodes,
    }
    return {**queue, **state}


def _row(queue: dict[str, Any]) -> tuple[str, ...]:
    def of(used: int, cap: int | None) -> str:
        return f"{used}/{cap}" if cap is not None else str(used)

    return (
        queue["name"],
        queue["zone"],
        queue.get("hardware") or ("this machine" if queue["name"] == LOCAL else "by resources"),
        str(queue["waiting"]),
        of(queue["running"], queue.get("max_running")),
        of(queue["nodes_used"], queue.get("max_nodes")),
        ", ".join(word for word in ("paused", "draining") if queue[word]) or "open",
    )


@command.command("show", help="Show one queue: its rules, its zone, and who waits in which order.")
@click.argument("queue")
@output.output_option
@click.pass_obj
def show(settings: Settings, queue: str, form: str) -> None:
    with settings.dispatcher() as dispatcher:
        line = dispatcher.queue(queue)
        waiting = dispatcher.waiting(line.queue.name)
        load = dispatcher.loads().get(line.queue.name, Load())
        now = dispatcher.clock()
    row, zone = line.row, line.contract()
    document = _document(records.plain(line.queue), row, load)
    document["cloud"] = line.cloud
    document["region"] = line.zone.region if line.zone else None
    document["limits"] = records.plain(zone.limits) if zone else None
    if form == "json":
        output.print_json({**document, "queue": [entry.as_json() for entry in waiting]})
        return
    shown = {name: value for name, value in document.items() if name not in _APART}
    fields = {name.replace("_", " "): _words(value) for name, value in shown.items()}
    fields["zone allows"] = _limits(zone.limits) if zone else None
    if line.queue.priority is not None:
        fields["priority"] = line.queue.priority.word
    output.print_fields(fields)
    if document.get("overrides"):
        output.say("overrides")
        output.print_json(document["overrides"])
    if waiting:
        output.say()
        rows = [
            (
                str(place),
                entry.id,
                entry.slug,
                entry.as_json()["priority"],
                entry.who,
                output.age(entry.submitted_at, now),
            )
            for place, entry in enumerate(waiting, 1)
        ]
        output.print_table(("#", "ID", "JOB", "PRIORITY", "WHO", "WAITS"), rows)


def _limits(limits: Limits) -> str:
    """What the zone allows one job, whatever the queue does."""
    nodes = f"{limits.max_nodes} node{'s' if limits.max_nodes > 1 else ''}"
    types = ", ".join(limits.instance_types) or "any type that its cloud offers"
    return f"a job at most {nodes} for {human_duration(limits.max_runtime)}, on {types}"


def _words(value: Any) -> str | None:
    if value is None or value == []:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@command.command("pause", help="Stop submitting from a queue; what runs goes on.")
@click.argument("queue")
@click.option("--reason", metavar="TEXT", help="Shown to those who wait; without it, one from before stays.")
@click.pass_obj
def pause(settings: Settings, queue: str, reason: str | None) -> None:
    with settings.dispatcher() as dispatcher:
        why = dispatcher.pause(queue, reason)
    output.say(f"queue {queue} is paused ({why}); dispatch queue resume {queue} opens it again")


@command.command("drain", help="Take no new jobs into a queue; what waits and runs there goes on to its end.")
@click.argument("queue")
@click.pass_obj
def drain(settings: Settings, queue: str) -> None:
    with settings.dispatcher() as dispatcher:
        dispatcher.drain(queue)
        row = dispatcher.queue(queue).row
        load = dispatcher.loads().get(queue, Load())
    output.say(f"queue {queue} takes no new jobs; dispatch queue resume {queue} opens it again")
    if row is not None and row.paused:
        output.note(
            f"  it is paused too: what runs ({load.running}) goes on, what waits ({load.waiting}) does not start"
        )
    elif load.waiting or load.running:
        output.note(f"  {load.waiting} waiting and {load.running} running go on to their end")


@command.command("resume", help="Submit from a queue that was paused or drained again.")
@click.argument("queue")
@click.pass_obj
def resume(settings: Settings, queue: str) -> None:
    with settings.dispatcher() as dispatcher:
        dispatcher.resume(queue)
        waiting = dispatcher.waiting(queue)
    output.say(f"queue {queue} is open")
    if waiting:
        jobs = "1 job waits" if len(waiting) == 1 else f"{len(waiting)} jobs wait"
        output.note(f"  {jobs}: dispatch wait {waiting[0].id} starts what may go")


@command.command("export", help="Print the queues as a queue file.")
@click.argument("queues", metavar="[QUEUE...]", nargs=-1)
@click.pass_obj
def export(settings: Settings, queues: tuple[str, ...]) -> None:
    from dispatcher.documents.queue_file import as_text

    with settings.dispatcher() as dispatcher:
        chosen = [dispatcher.queue(name).queue for name in queues or [row.name for row in dispatcher.queues()]]
    output.say(as_text(chosen), nl=False)
