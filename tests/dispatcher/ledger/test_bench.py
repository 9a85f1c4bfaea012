"""What `bench/ledger.py` measures does what it is named for, on a ledger that is small."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from bench import claiming, flatness
from bench.filling import fill, opened
from dispatcher.ledger import Filter

ROWS = 600


@pytest.mark.parametrize("operation", flatness.OPERATIONS)
def test_each_operation_of_the_bench_runs_on_a_filled_ledger(operation: str, tmp_path: Path) -> None:
    with closing(opened(str(tmp_path / "ledger.db"))) as ledger:
        fill(ledger, ROWS, flatness.MIXED)
        assert ledger.count(Filter(states=("queued",))) == ROWS / 10
        flatness.OPERATIONS[operation](ledger)


@pytest.mark.parametrize("work", [claiming.ours, claiming.capped])
def test_a_worker_of_the_bench_claims_every_job_once(work: claiming.Work, tmp_path: Path) -> None:
    place = str(tmp_path / "ledger.db")
    with closing(opened(place)) as ledger:
        fill(ledger, 30, {})
        assert sum(1 for _ in work(place)) == 30
        assert ledger.count(Filter(states=("submitting",))) == 30
