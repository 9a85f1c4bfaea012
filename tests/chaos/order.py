"""Whether everybody went in turn: no claim may pass a job that stood before it and could go all the while.

On one machine all journals share a clock, so that what surely was before something else is known. What overlaps is
not judged: two claims at the same moment may be recorded in either order.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Target = tuple[str, str, int]
Order = tuple[int, str, str]

FOREVER = math.inf


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that surely waited in its queue from one moment to another, and might go once it was `allowed`."""

    order: Order
    queue: str
    target: Target
    job_type: str | None
    since: float
    until: float
    allowed: float = 0.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that was claimed, some time between two moments, by somebody who could not send those in `skip`.

    `now` is the time by which the ledger was asked who may go, and a little before `began`.
    """

    order: Order
    queue: str
    now: float
    began: float
    ended: float
    skip: frozenset[str]
    takes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ordered:
    """How many claims were judged, against how many jobs that surely waited meanwhile, and who was passed over.

    A claim whose process did not live to tell is in the ledger, and not judged: when it was over is not known.
    """

    claims: int
    compared: int
    passed: tuple[str, ...]


Held = Mapping[Target, Sequence[tuple[float, float]]]
"""Windows of time in which a target may have been held back."""


def judge(waiting: Iterable[Waiting], claims: Iterable[Claim], held: Held) -> Ordered:
    """Compare every claim with every job that waited in its queue meanwhile."""
    passed: list[str] = []
    count = compared = 0
    coming = sorted(waiting, key=lambda one: one.since)
    lines: dict[str, list[tuple[Order, Waiting]]] = {}
    place = 0
    for claim in sorted(claims, key=lambda one: one.began):
        count += 1
        while place < len(coming) and coming[place].since <= claim.began:
            one = coming[place]
            bisect.insort(lines.setdefault(one.queue, []), (one.order, one), key=lambda pair: pair[0])
            place += 1
        line = [pair for pair in lines.get(claim.queue, []) if pair[1].until > claim.began]
        lines[claim.queue] = line
        compared += len(line)
        for order, one in line:
            if order >= claim.order:
                break
            if _passed(one, claim, held.get(one.target, ())):
                passed.append(
                    f"{claim.order[2]} (priority {claim.order[0]}) was claimed while {order[2]}"
                    f" (priority {order[0]}) stood before it in queue {claim.queue}"
                )
    return Ordered(count, compared, tuple(passed))


def _passed(one: Waiting, claim: Claim, held: Sequence[tuple[float, float]]) -> bool:
    """Whether a job that stands before another surely could have gone in its place."""
    if one.until < claim.ended or one.allowed > claim.now or one.order[2] in claim.skip:
        return False
    if claim.takes and one.job_type not in claim.takes:
        return False
    return not any(since < claim.ended and until > claim.now for since, until in held)
