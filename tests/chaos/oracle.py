"""The oracle: compares the ledger with the clouds, and both with what people asked for, after everything is over.

It knows how the ledger is written and what clouds say, and nothing of how the dispatcher comes from one to the
other. It is pure: what it is given can be planted, and its tests do so.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dispatcher.ledger import Entry, Event
from tests.chaos.census import Found
from tests.chaos.journal import Line

SENT = ("submitted", "adopted")
"""Events that say that a cloud has a job."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is left of a run. `jobs` is how many people wanted; `events` are all of the ledger, in its order.

    `caps` are the `max_running` of queues; `speed` and `epoch` are of the run's clock.
    """

    jobs: int
    entries: Sequence[Entry]
    events: Sequence[Event]
    clouds: Sequence[Found]
    journal: Sequence[Line]
    caps: Mapping[str, int]


@dataclass
class Verdict:
    """What is wrong, one line each, by kind; no line, no fault."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disagreed: list[str] = field(default_factory=list)
    overfull: list[str] = field(default_factory=list)
    disorder: list[str] = field(default_factory=list)
    money: list[str] = field(default_factory=list)
    billed: Counter[str] = field(default_factory=Counter)
    """Seconds that the ledger says were billed, by zone."""

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.all()

    def all(self) -> list[str]:
        """Every line."""
        return [*self.lost, *self.doubled, *self.disagreed, *self.overfull, *self.disorder, *self.money]


def judge(evidence: Evidence) -> Verdict:
    """Look for all that must not be."""
    verdict = Verdict()
    _wishes(evidence, verdict)
    _jobs(evidence, verdict)
    _caps(evidence, verdict)
    return verdict


def _wishes(evidence: Evidence, verdict: Verdict) -> None:
    """Each wish is in the ledger once, and has come to its end."""
    found = Counter(entry.slug for entry in evidence.entries)
    for number in range(evidence.jobs):
        count = found.pop(f"c{number}", 0)
        if count == 0:
            verdict.lost.append(f"job c{number} was asked for and is not in the ledger")
        elif count > 1:
            verdict.doubled.append(f"job c{number} is in the ledger {count} times")
    verdict.doubled += [f"nobody asked for {slug}, which is in the ledger" for slug in found]
    known = {entry.id for entry in evidence.entries}
    for line in evidence.journal:
        if line["what"] == "recorded" and line["id"] not in known:
            verdict.lost.append(f"job {line['id']} was confirmed to {line['process']}, and the ledger lacks it")
    for entry in evidence.entries:
        if not entry.final:
            verdict.lost.append(f"job {entry.id} never ended: {entry.state}, {entry.last_error or 'no error'}")


def _jobs(evidence: Evidence, verdict: Verdict) -> None:
    """Each attempt is at most one job, each job belongs to an attempt, and both tell the same end and bill."""
    by_id = {entry.id: entry for entry in evidence.entries}
    names = Counter(found.name for found in evidence.clouds)
    verdict.doubled += [f"the cloud has {count} jobs named {name}" for name, count in names.items() if count > 1]
    sent = {(event.submission, _attempt(event)) for event in evidence.events if event.kind in SENT}
    of: dict[str, list[Found]] = {}
    for found in evidence.clouds:
        _, _, rest = found.name.partition("-")
        id, _, attempt = rest.partition("-")
        entry = by_id.get(id)
        if entry is None:
            verdict.lost.append(f"the cloud has {found.name}, of which the ledger knows nothing")
        elif not 1 <= int(attempt) <= entry.attempt:
            verdict.doubled.append(f"the cloud has {found.name}, and the ledger {entry.attempt} attempts")
        else:
            of.setdefault(id, []).append(found)
            if (id, int(attempt)) not in sent:
                verdict.lost.append(f"the cloud has {found.name}, which was never sent by what the ledger tells")
            if entry.final and not found.ended:
                verdict.lost.append(f"{found.name} is {found.state} on its cloud, and job {id} {entry.state}")
    for entry in evidence.entries:
        _agree(entry, sorted(of.get(entry.id, []), key=lambda found: found.created), verdict)


def _agree(entry: Entry, jobs: list[Found], verdict: Verdict) -> None:
    for earlier, later in itertools.pairwise(jobs):
        if earlier.name != later.name and not (earlier.ended and earlier.ended <= later.created):
            verdict.doubled.append(f"{earlier.name} had not ended when {later.name} was made")
    last = next((found for found in jobs if found.name == entry.cloud_name), None)
    if entry.provider_id and last is None:
        verdict.lost.append(f"job {entry.id} is {entry.provider_id} in the ledger, which no cloud has")
    elif last is not None and entry.final and last.state != entry.state:
        verdict.disagreed.append(f"job {entry.id} is {entry.state} in the ledger and {last.state} on its cloud")
    elif last is None and entry.state in ("succeeded", "timed_out"):
        verdict.disagreed.append(f"job {entry.id} is {entry.state} in the ledger, and no cloud has run it")
    told = entry.billable_seconds or 0
    verdict.billed[entry.zone] += told
    paid = sum({found.provider_id: found.billed or 0 for found in jobs}.values())
    if told != paid:
        verdict.money.append(f"job {entry.id} was billed {told} s in the ledger and {paid} s by its cloud")


def _attempt(event: Event) -> int:
    return int(json.loads(event.data).get("attempt", 0))


def _caps(evidence: Evidence, verdict: Verdict) -> None:
    """At no claim are more jobs active than the queue's cap, by the order of the ledger's own events."""
    queue_of = {entry.id: entry.queue for entry in evidence.entries}
    active: dict[str, set[str]] = {}
    for event in evidence.events:
        queue = queue_of.get(event.submission, "")
        held = active.setdefault(queue, set())
        if event.kind == "claimed":
            held.add(event.submission)
            if len(held) > evidence.caps.get(queue, len(held)):
                verdict.overfull.append(f"{event.submission} was claimed as number {len(held)} of queue {queue}")
        elif event.kind in ENDS:
            held.discard(event.submission)


ENDS = frozenset(
    (
        *("succeeded", "failed", "cancelled", "timed_out"),
        *("refused", "given back", "left behind"),
        *("interrupted", "preempted", "retried"),
    )
)
"""Kinds of events with which a submission gives its slot back."""
