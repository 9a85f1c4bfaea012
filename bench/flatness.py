"""What list, claim and history take of ledgers of 1,000, 100,000 and 1,000,000 rows: no more for more rows."""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.filling import ON_CLOUD, STAMP, fill, named, opened, rest
from dispatcher.clock import stamp
from dispatcher.ledger import Caps, Filter, Lease, Ledger
from tools.postgres.server import Server

BUDGET = 1.5
"""What an operation may take of the largest ledger, to what it takes of the smallest."""

ROUNDS = 60
PAGE = 50
"""Rows that `list` and `history` show unless told otherwise."""

_ENDED = f"{rest('i', 10)} > 0"
MIXED: Mapping[str, str] = {
    "state": f"CASE WHEN {_ENDED} THEN 'succeeded' ELSE 'queued' END",
    "ended_at": f"CASE WHEN {_ENDED} THEN {STAMP} END",
    **{name: f"CASE WHEN {_ENDED} THEN {text} END" for name, text in ON_CLOUD.items()},
}
"""Of ten jobs nine have ended and one waits."""


def _list(ledger: Ledger) -> None:
    assert len(ledger.entries(Filter(), PAGE)) == PAGE


def _history(ledger: Ledger) -> None:
    ended = ("succeeded", "failed", "cancelled", "timed_out")
    assert ledger.entries(Filter(who="person-7", states=ended), PAGE)


def _claim(ledger: Ledger) -> None:
    lease = Lease(os.urandom(8).hex(), "bench@here#1", stamp(time.time() + 900))
    assert ledger.claim("q", lease=lease, now=stamp(time.time()), caps=Caps(running=10_000_000)) is not None


OPERATIONS: Mapping[str, Callable[[Ledger], None]] = {"list": _list, "claim": _claim, "history": _history}


def table(folder: Path, server: Server, most: int) -> bool:
    """Measure, print, and say whether all of it is flat."""
    sizes = sorted({1_000, min(100_000, most), most})
    names = {f"rows_{size}": size for size in sizes}
    kept = True
    print(f"milliseconds of one operation, by rows; median of {ROUNDS}")
    print(f"{'':24}" + "".join(f"{size:>12,}" for size in sizes) + f"{'ratio':>9}  budget")
    for kind, grouped in itertools.groupby(named(folder, server, *names), key=lambda pair: pair[0]):
        addresses = [address for _, address in grouped]
        ledgers = [opened(address) for address in addresses]
        for ledger, size in zip(ledgers, names.values(), strict=True):
            fill(ledger, size, MIXED)
        for name, operation in OPERATIONS.items():
            took = _medians(operation, ledgers)
            ratio = took[-1] / took[0]
            kept = kept and ratio <= BUDGET
            numbers = "".join(f"{1000 * seconds:>12.2f}" for seconds in took)
            over = "" if ratio <= BUDGET else "  over budget"
            print(f"{kind + ', ' + name:24}{numbers}{ratio:>7.2f} x  {BUDGET:g} x{over}")
        for ledger in ledgers:
            ledger.close()
    print()
    return kept


def _medians(operation: Callable[[Ledger], None], ledgers: list[Ledger]) -> list[float]:
    """Seconds by ledger; every round runs each once, so that a busy moment hits all alike."""
    taken: list[list[float]] = [[] for _ in ledgers]
    for number in range(ROUNDS + 1):
        for times, ledger in zip(taken, ledgers, strict=True):
            start = time.perf_counter()
            operation(ledger)
            if number:
                times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in taken]
