"""What goes to a terminal, a pipe or a file: colour, width, encodings, and a reader that has gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dispatcher.cli import output

JOB = "image: none\nname: gruss\ncommand: [echo, Grüße]\nenv: {GREETING: 日本 😀}\n"


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in output.coloured("failed", "failed", stream=Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.coloured("failed", "failed", stream=Terminal()) == "failed"


def test_a_table_is_cut_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    output.print_table(("ID", "NAME", "STATE"), [("abcdefgh", "n" * 60, "running")])
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 40 for line in lines)
    assert "…" in lines[1]


Said = subprocess.CompletedProcess[bytes]


def dispatch(here: Path, words: str, *, arguments: tuple[bytes, ...] = (), encoding: str = "utf-8") -> Said:
    """Run the command as a process of its own, with a job file `job.yaml`."""
    (here / "job.yaml").write_text(JOB, encoding="utf-8")
    environment = {
        "DISPATCH_LEDGER": str(here / "ledger.db"),
        "HOME": str(here),
        "USER": "ada",
        "PATH": "/usr/bin:/bin",
        "PYTHONIOENCODING": encoding,
    }
    command = [sys.executable.encode(), b"-m", b"dispatcher", *map(str.encode, words.split()), *arguments]
    return subprocess.run(command, cwd=here, env=environment, capture_output=True, timeout=120, check=False)


@pytest.mark.process
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_of_any_encoding_gets_the_whole_document(tmp_path: Path, encoding: str) -> None:
    said = dispatch(tmp_path, "submit job.yaml -q local --dry-run -o json", encoding=encoding)
    assert said.returncode == 0, said.stderr
    assert "日本 😀" in json.dumps(json.loads(said.stdout.decode(encoding)), ensure_ascii=False)
    text = dispatch(tmp_path, "submit job.yaml -q local --dry-run", encoding=encoding)
    assert text.returncode == 0, text.stderr
    (tmp_path / "wrong.yaml").write_text("grüße-日本: 1\n", encoding="utf-8")
    wrong = dispatch(tmp_path, "check wrong.yaml", encoding=encoding)
    assert (wrong.returncode, b"Traceback" in wrong.stderr) == (2, False)
    assert b"is not a known key" in wrong.stderr


@pytest.mark.process
def test_arguments_that_are_not_utf_8_are_refused_by_name(tmp_path: Path) -> None:
    said = dispatch(tmp_path, "submit job.yaml -q local --", arguments=(b"--name", b"caf\xe9"))
    assert said.returncode == 2
    assert b"command[3]: is not UTF-8 text" in said.stderr
    said = dispatch(tmp_path, "submit job.yaml -q local --env", arguments=(b"PLACE=caf\xe9",))
    assert (said.returncode, b"env.PLACE: is not UTF-8 text" in said.stderr) == (2, True)


@pytest.mark.process
def test_a_secret_after_a_flag_is_refused_in_whole_words(tmp_path: Path) -> None:
    said = dispatch(tmp_path, "submit job.yaml -q local -- --api-key=hunter2hunter2")
    assert said.stderr.decode().splitlines()[0] == (
        "arguments after --: command[2]: (--api-key) is given what looks like a secret by its name,"
        " and secrets are never written down (reference it under `secrets` and read the environment variable in"
        " the program; if it is none: --allow-plain api-key)"
    )


@pytest.mark.process
def test_a_reader_that_leaves_early_is_no_failure(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    for words in (["--help"], ["history"], ["doctor"]):
        command = [sys.executable, "-m", "dispatcher", *words]
        environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            command, stdout=writing, stderr=subprocess.PIPE, env=environment, timeout=120, check=False
        )
        assert (done.returncode, b"Traceback" in done.stderr, b"Exception" in done.stderr) == (0, False, False)
    os.close(writing)
