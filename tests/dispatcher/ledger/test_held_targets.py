"""What a claim reads of the jobs that it passes over, since many may wait for hardware that is held back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dispatcher.ledger import Target
from dispatcher.ledger.sqlite import SqliteLedger
from tests.dispatcher.ledger.given import LATER, MUCH_LATER, NOW, add, entry
from tests.dispatcher.ledger.test_sqlite import plans


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(tmp_path / "ledger.db")) as opened:
        yield opened


@pytest.mark.parametrize("ageing", [None, 60])
def test_jobs_that_may_not_go_are_passed_over_without_reading_their_rows(
    ledger: SqliteLedger, ageing: int | None
) -> None:
    held = [entry(f"h{number}", hardware="big", spot=0) for number in range(5)]
    add(ledger, *held, entry("sort", job_type="sort"), entry("free", job_type="train", submitted_at=LATER))
    ledger.hold_back(Target(held[0].zone, "big", 0, 3, MUCH_LATER, "no capacity"))

    def ask() -> None:
        first = ledger.head("line", now=NOW, takes=["train"], skip=["x"], host=held[0].host, ageing=ageing)
        assert first is not None
        assert first.id == "free"

    steps = [step for step in plans(ledger, ask) if "submissions_waiting" in step]
    assert steps
    assert [step for step in steps if "COVERING INDEX" not in step] == []
