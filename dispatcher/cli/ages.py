"""How old a state is that is shown: it was asked for at some time, and its cloud may know better by now."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.cli import output
from dispatcher.clock import moment
from dispatcher.ledger import Entry
from dispatcher.ledger.rows import ACTIVE

FRESH = 15.0
"""Seconds for which a state that was just asked for is not called old: as often as a waiting command asks."""


def asked_at(entry: Entry, now: float) -> str | None:
    """When a state was asked for that may have changed on its cloud since; None for one that is fresh or final."""
    asked = (entry.last_seen_at or entry.claimed_at) if entry.state in ACTIVE else None
    return asked if asked and now - moment(asked) >= FRESH else None


def state(entry: Entry, now: float) -> str:
    """The state in a word, with its age where it has one, and a mark when asking for it failed."""
    asked = asked_at(entry, now)
    age = f" {output.age(asked, now)} ago" if asked else ""
    return f"{entry.state}{age}{' !' if entry.last_error else ''}"


def oldest(found: Sequence[Entry], now: float) -> str | None:
    """What to say below a list of jobs of which some states are old."""
    asked = min(filter(None, (asked_at(entry, now) for entry in found)), default=None)
    if asked is None:
        return None
    return f"states as of {asked[:19].replace('T', ' ')}Z, {output.age(asked, now)} ago; --refresh asks the clouds"
