"""Each line of security in infra/, taken out: the check that is named for it must turn red, and no other."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.ground import ground, stand_in
from tests.engine.life import inspect
from tests.engine.project import CHECKOUT
from tests.engine.security import CHECKS

pytestmark = pytest.mark.engine

TABLE: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("mutations.yaml").read_text())
BATCHES = sorted({row["batch"] for row in TABLE})

Complaints = Mapping[str, Sequence[str]]


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
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Complaints]:
    """What the checks say about the zone that each batch builds."""

    def build(batch: int, folder: Path) -> Complaints:
        rows = [row for row in TABLE if row["batch"] == batch]
        with ground(folder, stand_in) as place:
            project = place.project("local", program=partial(mutated, rows=rows))
            project.up()
            return inspect(place, project)

    with ThreadPoolExecutor(max_workers=2) as threads:
        folders = [tmp_path_factory.mktemp(f"batch-{batch}") for batch in BATCHES]
        return dict(zip(BATCHES, threads.map(build, BATCHES, folders), strict=True))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["check"])
def test_taking_the_line_out_turns_its_check_red(complaints: dict[int, Complaints], row: dict[str, Any]) -> None:
    assert complaints[row["batch"]][row["check"]] != []


@pytest.mark.parametrize("batch", BATCHES)
def test_checks_that_no_line_was_taken_from_stay_quiet(complaints: dict[int, Complaints], batch: int) -> None:
    named = {row["check"] for row in TABLE if row["batch"] == batch}
    others = {check: said for check, said in complaints[batch].items() if said and check not in named}
    assert others == {}


def test_every_check_has_a_mutation_that_proves_it() -> None:
    assert sorted(CHECKS) == sorted({row["check"] for row in TABLE})
