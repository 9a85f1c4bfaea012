"""Making room: which running jobs of a full queue give way to a more urgent one that waits.

Only a critical or high job, by its declared priority, makes others give way; only those marked `preemptible` do,
when their declared priority is lower and they have not done so too often. The least urgent goes first, of several
the one sent last; no more go than are needed, and nobody when all of them together would not make room.
"""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.backends.base import State
from dispatcher.clock import stamp
from dispatcher.errors import DispatchError
from dispatcher.job import PREEMPTIONS, Priority
from dispatcher.ledger import Caps, Entry, Lease
from dispatcher.scheduling.observing import Observer
from dispatcher.scheduling.work import Report, Work

URGENT = Priority.HIGH
"""The least urgent priority that others give way to."""

CHOOSING = 15.0
"""Seconds for which one process chooses who gives way in a queue; two at once would stop more than are needed."""

_MAY = (State.PENDING, State.RUNNING, State.INTERRUPTED)
"""States in which a job can be stopped for another: what is on its way is not known to be there."""


def make_room(work: Work, observer: Observer, caps: Caps, head: Entry, report: Report) -> None:
    """Stop who gives way to `head`, the first of a queue that is open and full; each then waits to go on.

    A stop that does not reach its cloud is asked again by whoever observes that job.
    """
    if head.priority > URGENT:
        return
    turn = Lease(work.token(), work.owner, stamp(work.clock() + CHOOSING))
    if not work.ledger.turn(f"room in {head.queue}", turn, work.now(), work.alive):
        return
    for victim in victims(head, work.ledger.active([head.queue]), caps):
        _stop(work, observer, victim, head, report)


def victims(head: Entry, active: Sequence[Entry], caps: Caps) -> list[Entry]:
    """Who of the `active` jobs of a queue gives way to `head`, the first to be stopped first; empty when nobody.

    Those that are being stopped already make room too.
    """
    staying = [entry for entry in active if not leaves(entry)]
    slots = 0 if caps.running is None else len(staying) + 1 - caps.running
    nodes = 0 if caps.nodes is None else sum(entry.nodes for entry in staying) + head.nodes - caps.nodes

    def enough(chosen: Sequence[Entry]) -> bool:
        return len(chosen) >= slots and sum(entry.nodes for entry in chosen) >= nodes

    able = [entry for entry in staying if may_give_way(entry, head)]
    chosen: list[Entry] = []
    for entry in sorted(able, key=lambda one: (one.priority, one.claimed_at or "", one.id), reverse=True):
        if enough(chosen):
            break
        chosen.append(entry)
    if not enough(chosen):
        return []
    for entry in reversed(chosen):
        # A large one may have made those chosen before it unnecessary; the more urgent and older is spared first.
        others = [other for other in chosen if other is not entry]
        if enough(others):
            chosen = others
    return chosen


def may_give_way(entry: Entry, head: Entry) -> bool:
    """Whether an active job may be stopped for `head`."""
    most = PREEMPTIONS if entry.max_preemptions is None else entry.max_preemptions
    lower = entry.priority > head.priority
    return entry.state in _MAY and bool(entry.preemptible) and lower and entry.preemptions < most


def leaves(entry: Entry) -> bool:
    """Whether an active job was asked to stop, whoever asked."""
    asked = entry.cancel_requested_at or entry.stop_reason or entry.preempted_by
    return entry.state == State.STOPPING or bool(asked)


def _stop(work: Work, observer: Observer, victim: Entry, head: Entry, report: Report) -> None:
    word = Priority(head.priority).word
    event = work.event(victim, "gives way", to=head.id, priority=word)
    marked = work.ledger.change(
        victim.id, {"preempted_by": head.id}, event, state=victim.state, attempt=victim.attempt
    )
    fresh = work.ledger.entry(victim.id) if marked else None
    if fresh is None:
        return
    try:
        site = work.site(fresh)
    except DispatchError as error:
        work.unseen([fresh], error, report)
        return
    observer.press_cancel(fresh, None, site, report)
