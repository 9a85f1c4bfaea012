"""Submitters and agents are killed at every commit and at random, on faulty clouds: nothing comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.report import table
from tests.chaos.run import run
from tools.postgres.server import Server

pytestmark = [pytest.mark.crash, pytest.mark.postgres]

JOBS = 1000
"""Submissions on each kind of ledger: 2,000 together. `bench/chaos.py` makes as many as it is asked to."""


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_whoever_is_killed_nothing_is_lost_doubled_out_of_turn_or_paid_twice(
    kind: str, postgres: Server, tmp_path: Path
) -> None:
    outcome = run(tmp_path, jobs=JOBS, ledger=postgres.url() if kind == "postgres" else None)
    assert outcome.clean, table(outcome)
    assert sum(outcome.states.values()) == JOBS
    assert not outcome.spared, table(outcome)
    assert outcome.states["succeeded"] > JOBS / 2, table(outcome)
    assert outcome.kills.total() >= JOBS / 20, table(outcome)
    assert outcome.ordered.claims > JOBS * 0.9, "few who claim die of it, and those that live are judged"
    assert outcome.ordered.compared > JOBS, "jobs waited, so that the order could be seen"
