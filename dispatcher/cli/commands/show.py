"""`dispatch show`: one job in full."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Sequence

import click

from dispatcher.cli import COMMANDS, Settings, ages, output
from dispatcher.cli.watching import last_lines, outputs
from dispatcher.clock import moment
from dispatcher.documents.quantities import human_duration
from dispatcher.ledger import Entry, Event
from dispatcher.scheduling.waiting import Wait


@click.command(help=COMMANDS["show"])
@output.job_argument
@click.option("--refresh", is_flag=True, help="Ask the cloud first.")
@output.output_option
@click.pass_obj
def command(settings: Settings, job: str, refresh: bool, form: str) -> None:
    with settings.dispatcher() as dispatcher:
        entry = dispatcher.refresh(job) if refresh else dispatcher.show(job)
        waits = dispatcher.waits(entry)
        events = dispatcher.events(entry.id)
        now = dispatcher.clock()
        if form == "json":
            reasons = {"waits": list(waits.reasons), **waits.as_json()} if waits else {"waits": []}
            told = {**reasons, "events": [event.as_json() for event in events]}
            output.print_json({**entry.as_json(), **told})
            return
        _print(entry, waits, events, now)
        if sys.stderr.isatty():
            # For people only: a script's `show` asks no cloud.
            last_lines(dispatcher, entry)


def _print(entry: Entry, waits: Wait | None, events: Sequence[Event], now: float) -> None:
    output.print_fields(_fields(entry, waits, now))
    output.say()
    tries: list[tuple[list[str], list[Event]]] = []
    for event in events:
        text = _words(event, entry)
        if tries and tries[-1][1][-1].kind == "claimed":
            tries[-1][0].append(text)
            tries[-1][1].append(event)
        else:
            tries.append(([text], [event]))
    for texts, alike in itertools.groupby(tries, key=lambda one: one[0]):
        same = [happened for _, happened in alike]
        for event, text in zip(same[0], texts, strict=True):
            output.say(f"{_at(event)}  {text}")
        if len(same) > 1:
            output.say(f"{_at(same[-1][-1])}  the same, {len(same) - 1} more time{'s' if len(same) > 2 else ''}")


def _words(event: Event, entry: Entry) -> str:
    hidden = ("at", "kind", "who", "last_error_at") + (("attempt",) if entry.attempt == 1 else ())
    words = "  ".join(f"{name}={value}" for name, value in event.as_json().items() if name not in hidden)
    return f"{event.kind:<11} {event.who.partition('#')[0]:<16} {words}".rstrip()


def _at(event: Event) -> str:
    return f"{event.at[:19].replace('T', ' ')}Z"


def _fields(entry: Entry, waits: Wait | None, now: float) -> dict[str, str | None]:
    job = json.loads(entry.job)
    links = json.loads(entry.links) if entry.links else {}
    state = output.coloured(entry.state, entry.state)
    if entry.vendor_state:
        state += f" ({entry.vendor_state})"
    price = None
    if entry.unit_price is not None:
        price = (
            f"{entry.unit_price} {entry.currency} per node and hour ({entry.price_source}, {entry.price_as_of})"
        )
    seen = f"{output.age(entry.last_seen_at, now)} ago" if entry.last_seen_at and not entry.final else None
    if ages.asked_at(entry, now):
        seen = f"{seen or 'not yet'}; --refresh asks the cloud"
    counts = [
        f"{count} {word}{'s' if count > 1 else ''}"
        for count, word in (
            (entry.retries, "retry"),
            (entry.preemptions, "preemption"),
            (entry.interruptions, "interruption"),
        )
        if count
    ]
    unsaved = "none: an interruption loses all work, which was accepted (--no-checkpoint)"
    return {
        "job": f"{entry.id}  {entry.slug}",
        "state": state,
        "reason": entry.reason,
        "position": _position(waits, entry),
        "waits": "\n".join(waits.reasons) if waits and waits.reasons else None,
        "next try": _next(waits),
        "last seen": seen,
        "last error": f"{entry.last_error} ({entry.last_error_at})" if entry.last_error else None,
        "trial": _trial(entry),
        "queue": f"{entry.queue} (zone {entry.zone}, {entry.cloud}{' ' + entry.region if entry.region else ''})",
        "priority": entry.as_json()["priority"],
        "hardware": f"{entry.nodes} x {entry.hardware}{' spot' if entry.spot else ''}",
        "image": job.get("image"),
        "command": " ".join(job.get("command", ())),
        "submitted": f"{entry.submitted_at} by {entry.who} on {entry.host}",
        "started": entry.started_at,
        "ended": entry.ended_at,
        "ran": _ran(entry, now),
        "billed": human_duration(entry.billable_seconds) if entry.billable_seconds is not None else None,
        "price": price,
        "counted": ", ".join(counts) or None,
        "checkpoint": unsaved if entry.no_checkpoint else None,
        "attempt": str(entry.attempt) if entry.attempt > 1 else None,
        "retry of": entry.retry_of,
        "goes on": f"with the checkpoints of {entry.checkpoints_of}" if entry.checkpoints_of else None,
        "cloud name": entry.cloud_name if entry.provider_id or not entry.final else None,
        "cloud id": entry.provider_id,
        "output": outputs(entry),
        **{f"link {title}": address for title, address in links.items()},
    }


def _position(waits: Wait | None, entry: Entry) -> str | None:
    if waits is None:
        return None
    return f"{waits.position} in queue {entry.queue}" if waits.position > 1 else f"next in queue {entry.queue}"


def _next(waits: Wait | None) -> str | None:
    """When the job is tried again, for one that only time holds back."""
    return f"not before {waits.next_attempt}" if waits and waits.next_attempt else None


def _trial(entry: Entry) -> str | None:
    """Which trial of which sweep it is, with the values of its parameters."""
    if entry.sweep is None:
        return None
    from dispatcher.sweeps import space

    return f"{entry.trial} of sweep {entry.sweep}: {space.shown(json.loads(entry.parameters or '{}'))}"


def _ran(entry: Entry, now: float) -> str | None:
    if not entry.started_at:
        return None
    return human_duration((moment(entry.ended_at) if entry.ended_at else now) - moment(entry.started_at))
