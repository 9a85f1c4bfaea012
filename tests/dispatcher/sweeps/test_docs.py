"""The page on sweeps says what the code does: keys, distributions, words, and its example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dispatcher.documents import job_file, sweep_file
from dispatcher.sweeps import distributions, macros, reported, space, trials
from dispatcher.sweeps.reported import Reported

PAGE = (Path(__file__).parents[3] / "docs" / "sweeps.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_sweep_on_the_page_has_its_trials(text: str) -> None:
    written = sweep_file.parse("docs", text)
    points = space.points(written.sweep)
    job = job_file.read(written.job)
    assert len({trials.job(job, "docs", 1, point).command for point in points}) == len(points) == 20


def test_every_key_distribution_and_word_is_on_the_page() -> None:
    for name in (*sweep_file.KEYS, *distributions.KINDS, *macros.MACROS):
        assert f"`{name}`" in PAGE, name


def test_the_metric_line_of_the_page_is_read() -> None:
    (line,) = re.findall(rf"^{reported.WORD} .*$", PAGE, re.MULTILINE)
    assert reported.of(line) == {"val/loss": Reported(0.0105, 20), "accuracy": Reported(0.93, 20)}
