"""`python bench/chaos.py --jobs 10000 --agents 4 --kill --faults`: none lost or doubled, order and money kept."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # not this folder: it holds a pulumi.py

from tests.chaos.report import table  # noqa: E402 - the path has to be right first
from tests.chaos.run import run  # noqa: E402 - as above
from tools.postgres.server import Server  # noqa: E402 - as above

ENOUGH = 1000
"""Jobs of a run in which everything that may happen has happened."""


def main() -> int:
    """Run, print the table, and return 1 when the oracle has found anything."""
    parser = argparse.ArgumentParser(description="Submitters and agents, killed all the time, on faulty clouds.")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--agents", type=int, default=4)
    parser.add_argument("--submitters", type=int, default=4)
    parser.add_argument("--kill", action="store_true", help="SIGKILL them at every commit and at random")
    parser.add_argument("--faults", action="store_true", help="throttling, lost answers, no capacity, ...")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own, not on SQLite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="an empty folder for ledger, journals and log, kept afterwards")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder: Path = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        server = stack.enter_context(Server()) if given.postgres else None
        outcome = run(
            folder.absolute(),
            ledger=server.url() if server else None,
            jobs=given.jobs,
            agents=given.agents,
            submitters=given.submitters,
            kill=given.kill,
            faults=given.faults,
            seed=given.seed,
            tell=lambda text: print(f"\r{text}", end="", file=sys.stderr, flush=True),
        )
    print(file=sys.stderr)
    print(table(outcome))
    for missing in outcome.spared if given.jobs >= ENOUGH else []:
        print(f"not seen: {missing}")
    return 0 if outcome.clean and (given.jobs < ENOUGH or not outcome.spared) else 1


if __name__ == "__main__":
    sys.exit(main())
