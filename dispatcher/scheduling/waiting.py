"""Why a job waits: its place in the queue, what fills the queue, what holds it back, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dispatcher.backends.base import State
from dispatcher.clock import moment, stamp
from dispatcher.documents.quantities import human_duration
from dispatcher.job import Priority
from dispatcher.ledger import Caps, Entry, Filter, Ledger
from dispatcher.scheduling import preempting
from dispatcher.sites import LOCAL, Line

NAMED = 3
"""So many of those ahead are named."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a queued job waits: its place from 1, the first of those ahead, every reason in the order in which they
    matter, and the moment before which nobody tries it, None when any tick may."""

    position: int
    ahead: tuple[str, ...]
    reasons: tuple[str, ...]
    next_attempt: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The part of `show -o json` about waiting."""
        return {"position": self.position, "ahead": list(self.ahead), "next_attempt": self.next_attempt}


def why(ledger: Ledger, entry: Entry, line: Line, now: float) -> Wait:
    """Why a queued job waits."""
    ageing, at = line.queue.ageing, stamp(now)
    place = ledger.place(entry, at, ageing)
    ahead = ledger.ahead(entry, NAMED, at, ageing)
    until, held = _held(ledger, entry, now)
    found = [
        *_paused(line),
        *_ahead(entry, place, ahead),
        *_full(ledger, entry, line, now, first=not place and not held and not (line.row and line.row.paused)),
        *held,
        *_unanswered(ledger, entry, first=not place),
        *_aged(entry, line, now),
        *_given_way(entry),
    ]
    if line.cloud == LOCAL and ledger.shareable:
        found.append(f"only {entry.host}, where it was submitted, runs it")
    return Wait(place + 1, tuple(other.id for other in ahead), tuple(found), until)


def _paused(line: Line) -> list[str]:
    if line.row is None or not line.row.paused:
        return []
    return [f"queue {line.queue.name} is paused: {line.row.paused_reason or 'no reason given'}"]


def _ahead(entry: Entry, place: int, ahead: list[Entry]) -> list[str]:
    if not ahead:
        return []
    names = ", ".join(other.id for other in ahead) + (", ..." if place > len(ahead) else "")
    met = f"; {ahead[0].id} met: {ahead[0].last_error}" if ahead[0].last_error else ""
    return [f"{place} ahead of it in queue {entry.queue}: {names}{met}"]


def _full(ledger: Ledger, entry: Entry, line: Line, now: float, *, first: bool) -> list[str]:
    """The caps that its queue has reached, and whether anybody gives way."""
    queue, caps = line.queue, Caps(line.queue.max_running, line.queue.max_nodes)
    if caps == Caps():
        return []
    active = ledger.active([entry.queue])
    nodes = sum(other.nodes for other in active)
    found = []
    if caps.running is not None and len(active) >= caps.running:
        found.append(f"queue {entry.queue} runs {len(active)} of {queue.max_running} jobs (max_running)")
    if caps.nodes is not None and nodes + entry.nodes > caps.nodes:
        found.append(
            f"queue {entry.queue} uses {nodes} of {queue.max_nodes} nodes, it needs {entry.nodes} (max_nodes)"
        )
    if not found or not first or entry.priority > preempting.URGENT:
        return found
    leaving = [other.id for other in active if preempting.leaves(other)]
    if leaving:
        return [*found, f"{', '.join(leaving)} stops and makes room"]
    only = preempting.short(ledger, entry, now)
    if preempting.victims(entry, active, caps, only=only):
        return [*found, "a less urgent job is stopped for it when the queue is run next"]
    if only:
        return [*found, f"{entry.hardware} was refused lately: only a job on the same hardware is stopped for it"]
    return [*found, "no job that runs there may be stopped for it (preemptible, of a lower priority)"]


def _unanswered(ledger: Ledger, entry: Entry, *, first: bool) -> list[str]:
    """That its zone did not answer about one that is being sent, so that whoever met that sends no other."""
    if not first:
        return []
    sending = ledger.entries(Filter(queue=entry.queue, states=(State.SUBMITTING.value,)), None)
    met = next((other for other in sending if other.last_error), None)
    return [f"{met.zone} did not answer about {met.id}: {met.last_error}"] if met else []


def _held(ledger: Ledger, entry: Entry, now: float) -> tuple[str | None, list[str]]:
    """Until when its target or itself is held back, and why."""
    found: list[str] = []
    moments: list[str] = []
    for target in ledger.targets():
        if (target.zone, target.hardware, target.spot) == (entry.zone, entry.hardware, entry.spot):
            pause = moment(target.not_before) - now
            if pause > 0:
                moments.append(target.not_before)
                again = human_duration(pause)
                spot = " spot" if target.spot else ""
                found.append(f"{target.hardware}{spot} in {target.zone}: {target.reason}; next attempt in {again}")
    if entry.not_before and moment(entry.not_before) > now:
        moments.append(entry.not_before)
        after = f" after {entry.reason}" if entry.retries and entry.reason else ""
        found.append(f"next attempt in {human_duration(moment(entry.not_before) - now)}{after}")
    return max(moments, default=None), found


def _aged(entry: Entry, line: Line, now: float) -> list[str]:
    """As what it goes by now, when waiting has made it more urgent."""
    ageing = line.queue.ageing
    if ageing is None:
        return []
    waited = now - moment(entry.submitted_at)
    rank = min(entry.priority, max(Priority.HIGH, entry.priority - int(waited // ageing)))
    if rank == entry.priority:
        return []
    word = Priority(rank).word
    return [f"it goes as {word} by now, having waited for {human_duration(waited)} (ageing)"]


def _given_way(entry: Entry) -> list[str]:
    """That it ran before, for whoever wonders."""
    if not entry.preemptions or entry.attempt == 1 or not (entry.reason or "").startswith("it gave way"):
        return []
    return [f"{entry.reason}, and goes on from its checkpoint when there is room"]
