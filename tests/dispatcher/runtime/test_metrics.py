"""dispatch-run says a program's metrics once more, so that a sweep reads them where it reads all others."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from dispatcher.runtime import __main__ as runtime
from dispatcher.runtime import metrics, process
from dispatcher.sweeps import reported


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "output"
    folder.mkdir()
    return folder


def told(capfd: pytest.CaptureFixture[str], output: Path, since: float = 0.0) -> dict[str, reported.Reported]:
    capfd.readouterr()
    metrics.tell({"DISPATCH_OUTPUT_DIR": str(output)}, since)
    return reported.last(capfd.readouterr().err.splitlines())


def test_the_numbers_of_metrics_json_are_read_as_the_program_wrote_them(
    output: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    values = {"loss": 1.25e-7, "val/acc": 1, "step": 20, "name": "adam", "ok": True, "none": None, "a b": 3}
    (output / "metrics.json").write_text(json.dumps(values))
    found = told(capfd, output)
    assert found == {"loss": reported.Reported(1.25e-7, 20), "val/acc": reported.Reported(1.0, 20)}


def test_wandbs_own_summary_is_read_and_metrics_json_counts_before_it(
    output: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = output.parent / "wandb" / "latest-run" / "files"
    folder.mkdir(parents=True)
    summary = {"loss": 0.5, "acc": 0.9, "_step": 7, "_runtime": 3.2, "_wandb": {"runtime": 3}}
    (folder / "wandb-summary.json").write_text(json.dumps(summary))
    assert told(capfd, output) == {"loss": reported.Reported(0.5, 7), "acc": reported.Reported(0.9, 7)}
    (output / "metrics.json").write_text('{"loss": 0.25}')
    assert told(capfd, output)["loss"] == reported.Reported(0.25)


def test_a_number_that_is_none_is_told_as_such(output: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (output / "metrics.json").write_text('{"loss": NaN}')
    assert not reported.finite(told(capfd, output)["loss"])


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"loss": "low"}', "[" * 100_000])
def test_a_file_that_holds_no_metrics_is_passed_over(
    output: Path, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    (output / "metrics.json").write_text(text)
    assert told(capfd, output) == {}


def test_a_file_of_an_earlier_run_is_not_this_one_s(output: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = output / "metrics.json"
    file.write_text('{"loss": 1}')
    os.utime(file, (1000, 1000))
    assert told(capfd, output, since=2000.0) == {}


@pytest.mark.parametrize(("rank", "times"), [(0, 1), (1, 0)])
def test_one_node_of_a_job_tells_its_metrics(monkeypatch: pytest.MonkeyPatch, rank: int, times: int) -> None:
    calls: list[Mapping[str, str]] = []
    monkeypatch.setattr(process, "run", lambda *_, **__: process.End(0))
    monkeypatch.setattr(metrics, "tell", lambda environ, since: calls.append(environ))
    assert runtime._run(["train"], {"A": "1"}, "", "aws", rank) == 0
    assert len(calls) == times
