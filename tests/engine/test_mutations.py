"""Each line of security in infra/, taken out: the check that is named for it must turn red, and no other."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.checkov import declared
from tests.engine.checkov.accepted import findings
from tests.engine.checkov.judge import judge
from tests.engine.ground import ground, stand_in
from tests.engine.life import inspect
from tests.engine.project import CHECKOUT, stack_settings
from tests.engine.security import CHECKS

pytestmark = pytest.mark.engine

TABLE: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("mutations.yaml").read_text())

# A cloud and the number of a batch of its rows.
Batch = tuple[str, int]


def batch(row: Mapping[str, Any]) -> Batch:
    """What a row is built together with."""
    return row["file"].partition("/")[0], row["batch"]


def checks(row: Mapping[str, Any]) -> list[str]:
    """The names of the checks that must see a row."""
    named = row["check"] if isinstance(row["check"], list) else [row["check"]]
    return [f"{batch(row)[0]}.{name}" for name in named]


BATCHES = sorted({batch(row) for row in TABLE})
SEEN = [(row, name) for row in TABLE for name in checks(row)]
JUDGED = [row for row in TABLE if "checkov" in row]


@dataclass(frozen=True)
class Worse:
    """What is said about the zone that a batch builds: by our checks, and by Checkov beyond what is accepted."""

    complaints: Mapping[str, Sequence[str]]
    findings: Mapping[str, Sequence[str]]


def mutated(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put a copy of infra/ with these edits into a project folder."""
    shutil.copytree(CHECKOUT / "infra", folder / "infra", ignore=shutil.ignore_patterns("__pycache__"))
    for row in rows:
        path = folder / "infra" / row["file"]
        source = path.read_text()
        assert row["text"] in source, (
            f"{row['file']} no longer says {row['text']!r}: bring mutations.yaml up to date"
        )
        path.write_text(source.replace(row["text"], row.get("becomes", "")))


@pytest.fixture(scope="module")
def worse(tmp_path_factory: pytest.TempPathFactory) -> dict[Batch, Worse]:
    """What is said about the zone that each batch builds."""

    def build(wanted: Batch, folder: Path) -> Worse:
        rows, (cloud, _) = [row for row in TABLE if batch(row) == wanted], wanted
        with ground(folder, stand_in) as place:
            settings = stack_settings("local", cloud)
            project = place.project("local", settings, partial(mutated, rows=rows))
            project.up()
            said = inspect(place, project)
            verdict = judge(declared.document(project.export(), cloud), folder / "checkov")
        return Worse(said, findings(verdict))

    with ThreadPoolExecutor(max_workers=2) as threads:
        folders = [tmp_path_factory.mktemp(f"batch-{cloud}-{number}") for cloud, number in BATCHES]
        return dict(zip(BATCHES, threads.map(build, BATCHES, folders), strict=True))


@pytest.mark.parametrize(("row", "name"), SEEN, ids=[name for _, name in SEEN])
def test_taking_the_line_out_turns_its_check_red(
    worse: dict[Batch, Worse], row: dict[str, Any], name: str
) -> None:
    assert worse[batch(row)].complaints[name] != []


@pytest.mark.oracle
@pytest.mark.parametrize("row", JUDGED, ids=lambda row: checks(row)[0])
def test_checkov_sees_it_too(worse: dict[Batch, Worse], row: dict[str, Any]) -> None:
    seen = {finding.partition(" ")[0] for finding in worse[batch(row)].findings}
    assert set(row["checkov"]) - seen == set()


@pytest.mark.parametrize("built", BATCHES, ids=str)
def test_checks_that_no_line_was_taken_from_stay_quiet(worse: dict[Batch, Worse], built: Batch) -> None:
    named = {name for row in TABLE if batch(row) == built for name in checks(row)}
    others = {name: said for name, said in worse[built].complaints.items() if said and name not in named}
    assert others == {}


def test_every_check_has_a_mutation_that_proves_it() -> None:
    assert sorted(CHECKS) == sorted({name for _, name in SEEN})
