"""What is on the clouds beside what the ledger knows: orphans, doubles, and jobs that either side lacks.

Nothing is changed, here or there: who else uses a zone with a ledger of their own is not known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from dispatcher import naming
from dispatcher.backends.base import Observation, Sighting, State
from dispatcher.clock import stamp
from dispatcher.errors import DispatchError
from dispatcher.ledger import Entry, Ledger

if TYPE_CHECKING:
    from dispatcher.backends.base import Backend

LOOKED_BACK = 30 * 86_400.0
"""Seconds: longer than any run that a cloud allows (dispatcher.limits), so that all that still runs is seen."""

ORPHAN = "orphan"
"""On a cloud with a dispatcher's marks, and unknown to this ledger."""
DOUBLE = "double"
"""A second job of one attempt, or an attempt that goes on beside a later one."""
LEFT_RUNNING = "left running"
"""Goes on, on its cloud, though it has ended here."""
MISSING = "missing"
"""On its cloud as far as this ledger knows, and not there."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One job that is not as the other side has it. `job` is its id here, `why` is for people; `state` its cloud's
    word for it, empty where it is missing."""

    kind: str
    zone: str
    name: str
    job: str
    provider_id: str
    state: str
    why: str
    created_at: str | None = None
    owner: str = ""
    console: str = ""

    @property
    def costs(self) -> bool:
        """Whether it goes on, as far as known, and somebody pays for it."""
        return self.kind != MISSING and self.state not in {state.value for state in State if state.final}

    def as_json(self) -> dict[str, Any]:
        """The document that `-o json` prints."""
        return asdict(self)


@dataclass(slots=True)
class Reconciliation:
    """What was found, how many jobs were compared in which zones, and which zones could not be asked."""

    differences: list[Difference] = field(default_factory=list)
    compared: dict[str, int] = field(default_factory=dict)
    errors: dict[str, DispatchError] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The document that `-o json` prints."""
        return {
            "differences": [one.as_json() for one in self.differences],
            "compared": self.compared,
            "unreachable": {zone: error.message for zone, error in self.errors.items()},
        }


def reconcile(
    ledger: Ledger, zones: Iterable[tuple[str, Callable[[], Backend]]], now: float, host: str
) -> Reconciliation:
    """Compare the ledger with each zone: its name, and what opens its cloud. One that cannot be asked is told."""
    found = Reconciliation()
    since, seen = stamp(now - LOOKED_BACK), set[str]()
    active = [entry for entry in ledger.active() if entry.started]
    known = _Known(ledger)
    for zone, opened in zones:
        # This machine is one zone of many: its jobs are known where they are.
        here = [one for one in active if one.zone == zone and (one.cloud != "local" or one.host == host)]
        try:
            backend = opened()
            sightings = [one for one in backend.ours(since, known.has) if one.seen.provider_id not in seen]
            seen |= {one.seen.provider_id for one in sightings}
            absent = {str(one.cloud_name) for one in here} - {one.seen.name for one in sightings}
            there = backend.poll(sorted(absent)) if absent else {}
        except DispatchError as error:
            found.errors[zone] = error
            continue
        found.compared[zone] = len(sightings)
        twins = Counter(one.seen.name for one in sightings)
        for one in sorted(sightings, key=_born):
            kind, why = _judged(one.seen, known.of(one.seen.name), twins)
            if kind:
                found.differences.append(_difference(kind, why, zone, one))
        found.differences += [_missing(one) for one in here if one.cloud_name in absent - set(there)]
    return found


@dataclass(slots=True)
class _Known:
    """What the ledger knows of a name, asked for once."""

    ledger: Ledger
    _entries: dict[str, Entry | None] = field(default_factory=dict)

    def of(self, name: str) -> Entry | None:
        """The submission that a cloud name is of."""
        submission = naming.parsed(name)
        if submission is None:
            return None
        if submission.id not in self._entries:
            self._entries[submission.id] = self.ledger.entry(submission.id)
        entry = self._entries[submission.id]
        return entry if entry is not None and entry.slug == submission.slug else None

    def has(self, name: str) -> bool:
        return self.of(name) is not None


def _judged(seen: Observation, entry: Entry | None, twins: Counter[str]) -> tuple[str, str]:
    """What is wrong with a job that is on a cloud; empty when nothing is."""
    submission = naming.parsed(seen.name)
    assert submission is not None  # Backend.ours yields no other
    goes_on = seen.state is None or not seen.state.final
    if entry is None:
        return ORPHAN, "this ledger has no such job"
    if submission.attempt > entry.attempt:
        return ORPHAN, f"this ledger knows attempts up to {entry.attempt}: was it restored from a backup?"
    if twins[seen.name] > 1:
        return DOUBLE, f"its cloud has {twins[seen.name]} jobs of this name"
    if goes_on and submission.attempt < entry.attempt:
        return DOUBLE, f"attempt {entry.attempt} followed on it, and it goes on"
    if goes_on and entry.final:
        return LEFT_RUNNING, f"it has {entry.state} here"
    if goes_on and entry.state == State.QUEUED:
        return LEFT_RUNNING, "it waits in its queue here: the next try to send it takes it up"
    return "", ""


def _difference(kind: str, why: str, zone: str, sighting: Sighting) -> Difference:
    seen = sighting.seen
    submission = naming.parsed(seen.name)
    return Difference(
        kind=kind,
        zone=zone,
        name=seen.name,
        job=submission.id if submission else "",
        provider_id=seen.provider_id,
        state=seen.state.value if seen.state is not None else seen.vendor_state,
        why=why,
        created_at=seen.created_at,
        owner=sighting.owner,
        console=seen.links.get("console", ""),
    )


def _missing(entry: Entry) -> Difference:
    return Difference(
        kind=MISSING,
        zone=entry.zone,
        name=str(entry.cloud_name),
        job=entry.id,
        provider_id=str(entry.provider_id),
        state="",
        why=f"it is {entry.state} here, last seen {entry.last_seen_at or 'never'}",
        created_at=entry.created_at,
        owner=entry.who,
    )


def _born(sighting: Sighting) -> tuple[str, str]:
    return (sighting.seen.created_at or "", sighting.seen.name)
