"""Writing a cloud's hardware table and its sidecar, or checking that the table on disk is current."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "dispatcher" / "placement" / "data"


def text(rows: Iterable[Mapping[str, str]]) -> str:
    """Return rows, all with the same keys, as CSV."""
    out = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(out, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
    return out.getvalue()


def number(value: float) -> str:
    """Write a size without a needless fraction and with at most two digits of one."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def main(target: Path, render: Callable[[], str], sources: Callable[[], Mapping[str, str]]) -> None:
    """Write the table and its sidecar, or with `--check` fail when the table on disk differs."""
    if "--check" in sys.argv[1:]:
        raise SystemExit(
            0 if target.read_text() == render() else f"{target.name} is stale: run this without --check"
        )
    target.write_text(render())
    facts = {"as_of": date.today().isoformat(), **sources()}
    target.with_suffix(".source.json").write_text(json.dumps(facts, indent=2) + "\n")
