"""Running `dispatch` in this process on the toy cloud: what it said, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dispatcher import cli
from dispatcher.api import Dispatcher

JOB = "image: img:1\nname: train\ncommand: [run]\n"


@dataclass
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Said]


@pytest.fixture
def run(
    dispatcher: Dispatcher,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Run:
    """Run a command in this process, in an empty directory, on the toy cloud."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here" / "job.yaml").write_text(JOB)
    monkeypatch.setattr(Dispatcher, "close", lambda self: None)
    monkeypatch.setattr(cli.Settings, "dispatcher", lambda self: dispatcher)

    def run(*words: str) -> Said:
        capsys.readouterr()
        code = cli.run(words)
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Said(int(code), said.out, said.err)

    return run


@pytest.fixture
def line(run: Run, outputs: Path, tmp_path: Path) -> Run:
    """The same with one queue `line` that runs one job at a time."""
    (tmp_path / "q.yaml").write_text("queues: [{name: line, zone: aws-euc1, max_running: 1}]")
    assert run("sync", "--outputs", str(outputs), "--queues", str(tmp_path / "q.yaml")).code == 0
    return run


def submitted(said: Said) -> str:
    """The id that `submit` printed."""
    assert said.code == 0, said.err
    return said.out.split()[1].rstrip(":")
