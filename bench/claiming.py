"""Claims a second with 1, 2, 4 and 8 worker processes, beside procrastinate on the same PostgreSQL server."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from bench.filling import databases, fill, opened
from dispatcher.clock import stamp
from dispatcher.errors import UnreachableError
from dispatcher.ledger import Caps, Lease
from tools.postgres.server import Server

WORKERS = (1, 2, 4, 8)
ROUNDS = 3
LEVEL = 1.0
"""What a claim on PostgreSQL must reach of procrastinate's pace, for every number of workers."""

Prepare = Callable[[str, int], None]
Work = Callable[[str], Iterator[None]]


def ours(address: str) -> Iterator[None]:
    """Claim as an agent does, an event with each."""
    yield from _claims(address, Caps())


def capped(address: str) -> Iterator[None]:
    """The same from a queue with `max_running`, from which one claims after the other."""
    yield from _claims(address, Caps(running=10_000_000))


def _claims(address: str, caps: Caps) -> Iterator[None]:
    ledger = opened(address)
    owner = f"bench@here#{os.getpid()}"
    while True:
        now = time.time()
        try:
            claimed = ledger.claim(
                "q", lease=Lease(os.urandom(8).hex(), owner, stamp(now + 900)), now=stamp(now), caps=caps
            )
        except UnreachableError:
            continue  # SQLite lets some wait for long, and an agent tries again
        if claimed is None:
            break
        yield
    ledger.close()


def theirs(address: str) -> Iterator[None]:
    """Fetch with procrastinate's own job manager over one connection, as its worker does."""
    import asyncio

    import procrastinate

    loop = asyncio.new_event_loop()
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=address, min_size=1, max_size=1))
    loop.run_until_complete(app.open_async())
    worker = loop.run_until_complete(app.job_manager.register_worker())
    while loop.run_until_complete(app.job_manager.fetch_job(None, worker)):
        yield
    loop.run_until_complete(app.close_async())


def _fill_ours(address: str, jobs: int) -> None:
    ledger = opened(address)
    fill(ledger, jobs, {})
    ledger.close()


def _fill_theirs(address: str, jobs: int) -> None:
    import procrastinate
    import psycopg

    app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=address))
    with app.open():
        app.schema_manager.apply_schema()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, args)"
            " SELECT 'q', 'train', i %% 4, '{}' FROM generate_series(1, %s) AS i",
            (jobs,),
        )
        connection.execute("VACUUM ANALYZE procrastinate_jobs")


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    name: str
    postgres: bool
    prepare: Prepare
    work: Work


LINES = (
    Line("SQLite", False, _fill_ours, ours),
    Line("SQLite, max_running", False, _fill_ours, capped),
    Line("PostgreSQL", True, _fill_ours, ours),
    Line("PostgreSQL, max_running", True, _fill_ours, capped),
    Line("procrastinate", True, _fill_theirs, theirs),
)


def table(folder: Path, server: Server, jobs: int) -> bool:
    """Measure, print, and say whether a claim is level with procrastinate's."""
    taken: dict[tuple[str, int], list[float]] = {}
    for round_, workers in itertools.product(range(ROUNDS), WORKERS):
        # Every round runs each once, so that a busy moment hits all alike.
        for number, line in enumerate(LINES):
            name = f"claims_{round_}_{workers}_{number}"
            address = databases(server, name)[0] if line.postgres else str(folder / f"{name}.db")
            line.prepare(address, jobs)
            taken.setdefault((line.name, workers), []).append(_pace(line.work, address, workers, jobs))
    paces = {key: statistics.median(found) for key, found in taken.items()}
    print(f"claims a second, {jobs} jobs, by worker processes; median of {ROUNDS}")
    print(f"{'':24}" + "".join(f"{workers:>8}" for workers in WORKERS))
    for line in LINES:
        print(f"{line.name:24}" + "".join(f"{paces[line.name, workers]:>8.0f}" for workers in WORKERS))
    kept = True
    for name, level in (("PostgreSQL", LEVEL), ("PostgreSQL, max_running", None)):
        ratios = [paces[name, workers] / paces["procrastinate", workers] for workers in WORKERS]
        under = level is not None and min(ratios) < level
        kept = kept and not under
        said = f"  under {level:g} x" if under else ""
        print(f"{name}, to procrastinate\n{'':24}" + "".join(f"{ratio:>6.2f} x" for ratio in ratios) + said)
    print("  procrastinate has no caps; with max_running one claims after the other, and that is not judged")
    print("  procrastinate's own manager is asyncio's, and pays for that as its worker does\n")
    return kept


def _pace(work: Work, address: str, workers: int, jobs: int) -> float:
    """Claims a second of so many processes, from when all are ready to when nothing waits any more."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(workers)
    told: Any = context.Queue()
    processes = [context.Process(target=_worker, args=(work, address, ready, told)) for _ in range(workers)]
    for process in processes:
        process.start()
    results = [told.get(timeout=300) for _ in processes]
    for process in processes:
        process.join()
    assert sum(count for count, _, _ in results) == jobs, "every job is claimed once"
    seconds: float = max(end for _, _, end in results) - min(start for _, start, _ in results)
    return (jobs - workers) / seconds


def _worker(work: Work, address: str, ready: Barrier, told: Any) -> None:
    """Connect and make the first claim, go on when all others have, and tell how many and from when to when."""
    claims = work(address)
    next(claims)
    ready.wait()
    began = time.monotonic()
    count = 1 + sum(1 for _ in claims)
    told.put((count, began, time.monotonic()))
