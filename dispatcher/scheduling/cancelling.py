"""Cancelling a job, wherever it is: in the queue, on its way, or on a cloud."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dispatcher.ledger import Entry, Event
from dispatcher.ledger.rows import QUEUED

if TYPE_CHECKING:
    from dispatcher.scheduling.desk import Desk
    from dispatcher.scheduling.work import Report


def cancel(dispatcher: Desk, entry: Entry, press: Callable[[Entry], Report]) -> Entry:
    """Record who asked and when, then `press` the cloud if the job may be there; raises what stood in the way.

    A job that waits ends at once. What was recorded is carried out by a later tick when the cloud does not answer.
    """
    if entry.final:
        return entry
    now, who = dispatcher.stamp(), dispatcher.who
    asked = {"cancel_requested_at": now, "cancelled_by": who}
    if entry.state == QUEUED:
        ended = {**asked, "state": "cancelled", "ended_at": now, "reason": f"cancelled by {who}"}
        if dispatcher.ledger.change(entry.id, ended, Event(entry.id, now, "cancelled", who), state=QUEUED):
            return dispatcher.show(entry.id)
    dispatcher.ledger.change(entry.id, asked, Event(entry.id, now, "cancel asked", who))
    report = press(dispatcher.show(entry.id))
    error = report.error_of(entry.id)
    if error is not None:
        raise error
    return dispatcher.show(entry.id)
