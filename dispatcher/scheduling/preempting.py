"""Making room: which running jobs of a full queue give way to a more urgent one that waits.

Only a critical or high job, by its declared priority, makes others give way; only those marked `preemptible` do,
when their declared priority is lower and they have not done so too often. The least urgent goes first, of several
the one sent last; no more go than are needed, and nobody when all of them together would not make room.

For a job whose hardware its cloud has refused lately, only those on that same hardware give way: others would go
on in the room that they made, and be stopped for it again and again.
"""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.backends.base import State
from dispatcher.clock import moment, stamp
from dispatcher.errors import DispatchError
from dispatcher.job import PREEMPTIONS, Priority
from dispatcher.ledger import Caps, Entry, Lease, Ledger
from dispatcher.scheduling.observing import Observer
from dispatcher.scheduling.work import Report, Work, target

URGENT = Priority.HIGH
"""The least urgent priority that others give way to."""

CHOOSING = 15.0
"""Seconds for which one process chooses who gives way in a queue; two at once would stop more than are needed."""

LATELY = 6 * 3600.0
"""Seconds after the pause that followed on a refusal in which its hardware is taken to be short still."""

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
    # What runs is read before the head: whoever left for the head's sake is seen to be gone, or the head to wait.
    active = work.ledger.active([head.queue])
    only = short(work.ledger, head, work.clock())
    for victim in victims(head, active, caps, only=only):
        # Claims take no turn, and a stop takes a while: nobody stops for a job that went, or was given up.
        if not _waits(work.ledger, head):
            return
        _stop(work, observer, victim, head, report)


def short(ledger: Ledger, head: Entry, now: float) -> bool:
    """Whether the hardware of a waiting job was refused lately, for want of capacity or of quota."""
    for one in ledger.targets():
        if (one.zone, one.hardware, one.spot) == target(head) and one.failures:
            return now < moment(one.not_before) + LATELY
    return False


def _waits(ledger: Ledger, head: Entry) -> bool:
    fresh = ledger.entry(head.id)
    if (
        fresh is None
        or fresh.state != State.QUEUED
        or fresh.cancel_requested_at
        or fresh.priority != head.priority
    ):
        return False
    return not any(row.paused for row in ledger.queues() if row.name == head.queue)


def victims(head: Entry, active: Sequence[Entry], caps: Caps, *, only: bool = False) -> list[Entry]:
    """Who of the `active` jobs of a queue gives way to `head`, the first to be stopped first; empty when nobody.

    Those that are being stopped already make room too. `only` those on the head's own hardware are chosen.
    """
    staying = [entry for entry in active if not leaves(entry) and entry.id != head.id]
    slots = 0 if caps.running is None else len(staying) + 1 - caps.running
    nodes = 0 if caps.nodes is None else sum(entry.nodes for entry in staying) + head.nodes - caps.nodes

    def enough(chosen: Sequence[Entry]) -> bool:
        return len(chosen) >= slots and sum(entry.nodes for entry in chosen) >= nodes

    able = [entry for entry in staying if may_give_way(entry, head)]
    able = [entry for entry in able if not only or target(entry) == target(head)]
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
