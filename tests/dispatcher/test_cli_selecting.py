"""Which jobs `list` and `history` show, and as what: filters, pages and CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from dispatcher.errors import ExitCode
from dispatcher.ledger import Filter, SweepRow, paging
from dispatcher.ledger.sqlite import SqliteLedger
from tests.dispatcher.command_line import Run
from tests.dispatcher.ledger.given import add, entry

DAY = "2026-11-2{day}T08:00:00.000Z"


@pytest.fixture
def filled(line: Run, tmp_path: Path) -> SqliteLedger:
    """Four jobs that ended, a day apart, and one that waits."""
    ledger = SqliteLedger(tmp_path / "ledger.db")
    for number, who in enumerate(("ada", "bob", "=cmd()", "ada")):
        labels = json.dumps({"team": "vision" if number < 2 else 'text, "and" more'})
        add(
            ledger,
            entry(
                f"job{number}", submitted_at=DAY.format(day=number), who=who, labels=labels, priority=number,
                regime="gdpr" if number else None, job_type="train" if number == 3 else None, unit_price="2.5",
                sweep="s1" if number == 2 else None,
            ),
        )  # fmt: skip
        ledger.change(f"job{number}", {"cloud_name": f"s-job{number}-1"})
        ended = {
            "state": "failed" if number else "succeeded",
            "ended_at": DAY.format(day=9),
            "billable_seconds": 3600,
        }
        ledger.change(f"job{number}", ended)
    add(ledger, entry("waits"))
    ledger.add_sweep(SweepRow("s1", "search", "bob", "laptop-7", DAY.format(day=2), "{}", "d", "ended"))
    return ledger


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", "job3 job2 job1 job0"),
        ("--who ada", "job3 job0"),
        ("-s succeeded", "job0"),
        ("-P high", "job1"),
        ("--since 2026-11-21 --until 2026-11-22T09:00", "job2 job1"),
        ("-l team=vision", "job1 job0"),
        ("--regime gdpr --label team=vision", "job1"),
        ("--job-type train", "job3"),
        ("--sweep s1", "job2"),
        ("-q line -n 1", "job3"),
        ("-P low --who bob", ""),
    ],
)
def test_a_history_is_filtered_by_what_its_options_say_together(
    line: Run, filled: SqliteLedger, options: str, expected: str
) -> None:
    assert [row["id"] for row in line("history", *options.split(), "-o", "json").json] == expected.split()


def test_a_list_has_the_same_filters_and_what_has_not_ended_too(line: Run, filled: SqliteLedger) -> None:
    assert [row["id"] for row in line("list", "-P", "medium", "-o", "json").json] == ["job2", "waits"]
    assert [row["id"] for row in line("list", "-a", "-o", "json").json] == ["waits"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--since soon", "--since 'soon' is no time"),
        ("--until 2026-13-01", "a duration such as 24h or 7d means so long ago, else 2026-11-01"),
        ("--label team", "write it as KEY=VALUE, e.g. --label team=vision"),
        ("--priority urgent", "'critical', 'high', 'medium', 'low'"),
        ("-q nowhere", "there is no queue nowhere"),
    ],
)
def test_a_filter_that_means_nothing_is_refused_with_what_would(
    line: Run, filled: SqliteLedger, options: str, words: str
) -> None:
    done = line("history", *options.split())
    assert done.code in (ExitCode.USAGE, ExitCode.NOT_FOUND)
    assert words in done.err


def test_csv_has_a_column_for_every_field_and_no_cell_that_a_spreadsheet_would_run(
    line: Run, filled: SqliteLedger
) -> None:
    rows = list(csv.DictReader(io.StringIO(line("history", "-o", "csv").out)))
    documents = line("history", "-o", "json").json
    assert [row["id"] for row in rows] == [document["id"] for document in documents]
    assert list(rows[0]) == list(documents[0])
    assert json.loads(rows[1]["labels"]) == documents[1]["labels"] == {"team": 'text, "and" more'}
    assert [row["who"] for row in rows] == ["ada", "'=cmd()", "bob", "ada"]
    assert (rows[0]["cost"], rows[0]["spot"], rows[0]["reason"]) == ("2.5", "false", "")
    assert line("history", "-o", "csv", "--who", "nobody").out == ""


def test_a_long_history_is_read_in_pages_and_each_job_comes_once(filled: SqliteLedger) -> None:
    add(filled, *[entry(f"many{number}", submitted_at=DAY.format(day=number % 3)) for number in range(9)])
    for size in (1, 2, 3, 20):
        assert list(paging.each(filled, Filter(), page=size)) == filled.entries(Filter(), None)
    assert list(paging.each(filled, Filter(), 5, page=2)) == filled.entries(Filter(), 5)


def test_the_labels_of_a_job_file_find_it_again(line: Run, tmp_path: Path) -> None:
    (tmp_path / "here" / "job.yaml").write_text("image: img:1\ncommand: [run]\nlabels: {team: vision}\n")
    line("submit", "job.yaml")
    (found,) = line("list", "-l", "team=vision", "-o", "json").json
    assert found["labels"] == {"team": "vision"}
    assert line("list", "-l", "team=text", "-o", "json").json == []
