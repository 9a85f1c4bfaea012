"""Whose checkpoints a submission goes on with: two at once would write into one directory."""

from __future__ import annotations

from dispatcher.errors import UsageError
from dispatcher.ledger.engine import Transaction
from dispatcher.ledger.picking import ACTIVE_STATES
from dispatcher.ledger.rows import QUEUED, Entry


def in_use(id: str, state: str, first: str) -> UsageError:
    """Say that another submission, which has not ended, goes on with the checkpoints of `first`."""
    return UsageError(
        f"job {id} goes on with the checkpoints of {first} already, and is {state}",
        f"dispatch cancel {id} ends it; --fresh begins without them",
    )


def check(db: Transaction, entry: Entry) -> None:
    """Raise `in_use` when another than `entry`, in the same ledger as its transaction sees it, has them."""
    same = "FROM submissions WHERE checkpoints_of = ? AND id <> ? AND state"
    # Two questions, for each has an index of those few rows.
    given = (entry.checkpoints_of, entry.id)
    for states in (f"= '{QUEUED}'", f"IN ({ACTIVE_STATES})"):
        for id, state in db.rows(f"SELECT id, state {same} {states} LIMIT 1", given):
            raise in_use(id, state, str(entry.checkpoints_of))
