"""From the journals of a run to what surely waited, what was claimed, and which targets may have held back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dispatcher.clock import moment
from dispatcher.ledger import Event
from tests.chaos.journal import Line
from tests.chaos.order import FOREVER, Claim, Held, Order, Target, Waiting

LEAVES = frozenset({"priority", "not_before", "cancel_requested_at", "spot"})
"""Columns whose change makes a waiting job another one, or none that may go."""


@dataclass(frozen=True, slots=True)
class Call:
    """A change of the ledger by one process: what was asked, and what was answered, unless it died before."""

    what: str
    began: float
    ended: float
    asked: Line
    answered: Line | None

    @property
    def failed(self) -> bool:
        """Whether it surely changed nothing."""
        told = self.answered
        return told is not None and (told["what"].endswith("!") or told.get("done") is False)


@dataclass
class _Job:
    """The calls that let a job wait, and those that ended that."""

    first: Line
    enters: list[tuple[float, float]] = field(default_factory=list)
    """When each was over, and until when the job may not go all the same."""
    claims: list[float] = field(default_factory=list)
    changes: list[Call] = field(default_factory=list)


def calls(lines: Iterable[Line]) -> list[Call]:
    """Pair what each thread asked with what it was answered; one call may be made inside of another."""
    open_: dict[tuple[str, int], list[Line]] = {}
    found: list[Call] = []
    for line in lines:
        what, by = line["what"], (line["process"], line["thread"])
        if what.endswith("?"):
            open_.setdefault(by, []).append(line)
        elif what.endswith((".", "!")):
            asked = open_[by].pop()
            assert asked["what"][:-1] == what[:-1], "a thread is answered what it asked last"
            found.append(Call(what[:-1], float(asked["t"]), float(line["t"]), asked, line))
    died = [line for lines in open_.values() for line in lines]
    found += [Call(one["what"][:-1], float(one["t"]), FOREVER, one, None) for one in died]
    return sorted(found, key=lambda call: call.began)


def read(lines: Sequence[Line], events: Sequence[Event]) -> tuple[list[Waiting], list[Claim], Held]:
    """What the order is judged by. `events` tell what came of a claim whose process did not live to tell."""
    made = calls(lines)
    jobs: dict[str, _Job] = {}
    for call in made:
        if call.what == "add" and not call.failed:
            job = jobs[call.asked["id"]] = _Job(call.asked)
            if call.answered is not None:
                job.enters.append((call.ended, 0.0))
    for line in lines:
        if line["what"] == "recorded" and line["id"] in jobs and not jobs[line["id"]].enters:
            jobs[line["id"]].enters.append((float(line["t"]), 0.0))
    by_owner = {(event.who, event.at): event.submission for event in events if event.kind == "claimed"}
    claims: list[Claim] = []
    for call in made:
        if call.failed:
            continue
        if call.what == "claim":
            told = call.answered or {}
            id = told.get("id") or (by_owner.get((call.asked["owner"], call.asked["now"])) if not told else None)
            if id in jobs:
                jobs[id].claims.append(call.began)
            if "id" in told:
                skip, takes = frozenset(call.asked["skip"]), frozenset(call.asked["takes"])
                now = moment(call.asked["now"])
                claims.append(Claim(_order(told), told["queue"], now, call.began, call.ended, skip, takes))
        elif call.what == "change" and call.asked["id"] in jobs:
            job = jobs[call.asked["id"]]
            if call.asked.get("state") == "queued":
                if call.answered is not None:
                    later = call.asked.get("not_before")
                    job.enters.append((call.ended, moment(later) if later else 0.0))
            elif "state" in call.asked or LEAVES & call.asked.keys():
                job.changes.append(call)
    waiting = [one for job in jobs.values() for one in _intervals(job)]
    return waiting, claims, _held(made)


def _intervals(job: _Job) -> Iterable[Waiting]:
    """A job enters its queue and is claimed from it by turns, so that the n-th claim ends the n-th wait."""
    enters, claims = sorted(job.enters), sorted(job.claims)
    for number, (entered, allowed) in enumerate(enters):
        until = claims[number] if number < len(claims) else FOREVER
        if any("cancel_requested_at" in call.asked and call.began <= entered for call in job.changes):
            return
        until = min([until, *(call.began for call in job.changes if call.ended >= entered)])
        if entered < until:
            first = job.first
            yield Waiting(
                _order(first), first["queue"], _target(first), first["job_type"], entered, until, allowed
            )


def _held(made: Iterable[Call]) -> Held:
    held: dict[Target, list[tuple[float, float]]] = {}
    for call in made:
        if call.what == "hold_back":
            held.setdefault(_target(call.asked), []).append((call.began, moment(call.asked["until"])))
        elif call.what == "release" and call.answered is not None and not call.failed:
            windows = held.get(_target(call.asked), [])
            windows[:] = [(since, min(until, call.ended)) for since, until in windows]
    return held


def _order(line: Line) -> Order:
    priority, submitted_at, id = line["order"]
    return (priority, submitted_at, id)


def _target(line: Line) -> Target:
    zone, hardware, spot = line["target"]
    return (zone, hardware, spot)
