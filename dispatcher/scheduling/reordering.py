"""Giving a job that waits another priority."""

from __future__ import annotations

import json

from dispatcher.documents.reading import did_you_mean
from dispatcher.errors import UsageError
from dispatcher.job import PRIORITIES, Priority
from dispatcher.ledger import Entry, Event
from dispatcher.ledger.rows import QUEUED
from dispatcher.scheduling.desk import Desk


def set_priority(dispatcher: Desk, entry: Entry, word: str) -> Entry:
    """Let it go before or behind others by its new priority, and by its time of submission as before.

    Raises UsageError for an unknown word, and for a job that does not wait: what runs has been put in order.
    """
    if word not in PRIORITIES:
        raise UsageError(f"there is no priority {word!r}", did_you_mean(word, PRIORITIES))
    new = PRIORITIES[word]
    if entry.state == QUEUED and entry.priority == new:
        return entry
    told = json.dumps({"from": Priority(entry.priority).word, "to": new.word})
    event = Event(entry.id, dispatcher.stamp(), "priority", dispatcher.who, told)
    if not dispatcher.ledger.reprioritise(entry.id, int(new), event):
        state = dispatcher.show(entry.id).state
        raise UsageError(
            f"job {entry.id} does not wait, it is {state}: a priority puts those that wait in order",
            "nothing was changed",
        )
    return dispatcher.show(entry.id)
