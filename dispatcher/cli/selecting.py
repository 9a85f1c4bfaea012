"""Which submissions a command shows: the filters that `list` and `history` share, and their words as a Filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dispatcher.clock import moment, stamp
from dispatcher.documents import quantities
from dispatcher.errors import UsageError
from dispatcher.ledger import Filter

if TYPE_CHECKING:
    from dispatcher.api import Dispatcher

F = TypeVar("F", bound=Callable[..., Any])

PRIORITIES = ("critical", "high", "medium", "low")
"""By their number, as the ledger has it (dispatcher.job.Priority, which need not be loaded for a list)."""


def filter_options(states: Sequence[str]) -> Callable[[F], F]:
    """The filters, for a command whose `states` can be asked for; they arrive as `chosen` does for `selected`."""

    def decorate(function: F) -> F:
        for option in reversed(_options(states)):
            function = option(function)
        return function

    return decorate


def _options(states: Sequence[str]) -> list[Callable[[F], F]]:
    return [
        click.option("-q", "--queue", metavar="QUEUE", help="Only this queue."),
        click.option(
            "-s",
            "--state",
            "states",
            metavar="STATE",
            multiple=True,
            type=click.Choice(states),
            help=f"Only this state, e.g. {states[-1]}; repeatable.",
        ),
        click.option(
            "-P", "--priority", metavar="PRIORITY", type=click.Choice(PRIORITIES), help="Only this priority."
        ),
        click.option("--who", metavar="NAME", help="Only this person's."),
        click.option("--since", metavar="WHEN", help="Only jobs submitted since, e.g. 24h (ago) or 2026-11-01."),
        click.option("--until", metavar="WHEN", help="Only jobs submitted before."),
        click.option(
            "-l", "--label", "labels", metavar="KEY=VALUE", multiple=True, help="Only with this label; repeatable."
        ),
        click.option("--job-type", metavar="TYPE", help="Only this job type."),
        click.option("--regime", metavar="REGIME", help="Only zones under this regime, e.g. gdpr."),
        click.option("--sweep", metavar="SWEEP", help="Only the trials of this sweep: its id or name."),
    ]


def selected(now: float, chosen: dict[str, Any], states: Sequence[str] | None) -> Filter:
    """The filter that options ask for; `states` when they name none. Raises UsageError."""
    priority = chosen["priority"]
    return Filter(
        queue=chosen["queue"],
        states=list(chosen["states"]) or states,
        who=chosen["who"],
        since=_when("--since", chosen["since"], now),
        until=_when("--until", chosen["until"], now),
        priority=None if priority is None else PRIORITIES.index(priority),
        regime=chosen["regime"],
        job_type=chosen["job_type"],
        sweep=chosen["sweep"],
        labels=dict(map(_label, chosen["labels"])),
    )


def find_sweep(dispatcher: Dispatcher, chosen: dict[str, Any]) -> None:
    """Put the id of the sweep in place of its name, or of a beginning of its id. Raises NotFoundError."""
    if chosen["sweep"] is not None:
        chosen["sweep"] = dispatcher.sweeps.id(chosen["sweep"])


def _when(option: str, text: str | None, now: float) -> str | None:
    """The moment so long ago (`24h`, `7d`), or of a date or time in UTC, as the ledger writes it."""
    if text is None:
        return None
    try:
        return stamp(now - quantities.seconds(text))
    except ValueError:
        pass
    try:
        return stamp(moment(text))
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is no time", "a duration such as 24h or 7d means so long ago, else 2026-11-01"
        ) from None


def _label(text: str) -> tuple[str, str]:
    key, found, value = text.partition("=")
    if not (found and key):
        raise UsageError(f"--label {text!r} is no label", "write it as KEY=VALUE, e.g. --label team=vision")
    return key, value
