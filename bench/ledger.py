"""`python bench/ledger.py`: claims a second beside procrastinate, flatness to 1,000,000 rows, 10,000 live jobs."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # not this folder: it holds a pulumi.py

from bench import claiming, flatness, living  # noqa: E402 - the path has to be right first
from tools.postgres.server import Server  # noqa: E402 - as above


def main() -> int:
    """Print the three tables; 1 when one is over its budget."""
    parser = argparse.ArgumentParser(description="The ledger on SQLite and PostgreSQL.")
    parser.add_argument("--jobs", type=int, default=1000, help="jobs that are claimed for each number of workers")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the largest ledger")
    parser.add_argument("--live", type=int, default=10_000, help="live jobs of the agent")
    parser.add_argument("--only", choices=["claims", "rows", "agent"], help="one of the three tables")
    given = parser.parse_args()
    kept = []
    # What is measured is what a team has: every commit is on the disk when it returns.
    with tempfile.TemporaryDirectory() as made, Server(("fsync=on", "full_page_writes=on")) as server:
        folder = Path(made)
        if given.only in (None, "claims"):
            kept.append(claiming.table(folder, server, given.jobs))
        if given.only in (None, "rows"):
            kept.append(flatness.table(folder, server, given.rows))
        if given.only in (None, "agent"):
            kept.append(living.table(folder, given.live))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
