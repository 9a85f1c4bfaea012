"""`dispatch check` with wrong files, and how problems of files are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.errors import ExitCode, Problem, SpecError
from tests.backends.cases import GOLDEN
from tests.dispatcher.command_line import Run
from tests.dispatcher.doubles import ToyCloud

TOKEN = "ghp_" + "a" * 36


def test_check_says_which_files_are_fine_beside_those_that_are_not(run: Run) -> None:
    Path("bad.yaml").write_text("image: a\nspto: true")
    said = run("check", "job.yaml", "bad.yaml")
    assert (said.code, said.out) == (ExitCode.USAGE, "job.yaml: a job, ok\n")
    assert said.err.splitlines() == [
        "bad.yaml:2: spto: is not a known key (did you mean spot?)",
        "error: 1 problem",
    ]


def test_check_as_json_prints_every_file_with_its_problems_and_exits_2(run: Run) -> None:
    Path("bad.yaml").write_text(f"image: a\nspto: true\nenv: {{A: {TOKEN}}}")
    said = run("check", "job.yaml", "bad.yaml", "-o", "json")
    fine, bad = said.json
    assert (said.code, said.err) == (ExitCode.USAGE, "")
    assert fine == {"file": "job.yaml", "kind": "a job", "problems": [], "warnings": []}
    assert (bad["file"], bad["kind"]) == ("bad.yaml", None)
    assert bad["problems"][0] == {
        "file": "bad.yaml",
        "line": 2,
        "path": "spto",
        "rule": "is not a known key",
        "remedy": "did you mean spot?",
    }
    assert TOKEN not in said.out


@pytest.mark.parametrize("name", ["Pulumi.yaml", "Pulumi.local.yaml"])
def test_check_leaves_a_stack_s_settings_to_pulumi(run: Run, name: str) -> None:
    Path(name).write_text("config:\n  launchway:zones: []\n")
    said = run("check", name)
    assert said.code == ExitCode.USAGE
    assert said.err.startswith(f"{name}: is a Pulumi project's or stack's settings")
    assert "`pulumi preview` checks it" in said.err


def test_a_word_that_is_not_one_of_a_few_lists_them_once(run: Run) -> None:
    Path("bad.yaml").write_text("image: a\npriority: soonest\n")
    said = run("check", "bad.yaml")
    assert said.err.splitlines()[0] == "bad.yaml:2: priority: is 'soonest', not one of critical, high, medium, low"
    Path("bad.yaml").write_text("image: a\npriority: hihg\n")
    assert "low (did you mean high?)" in run("check", "bad.yaml").err


def test_problems_that_a_tick_finds_do_not_claim_that_nothing_was_changed(line: Run, cloud: ToyCloud) -> None:
    cloud.refuse.append(SpecError([Problem("job", None, "image", "is refused")]))
    said = line("submit", "job.yaml")
    (entry,) = line("list", "-o", "json").json
    assert (said.code, entry["state"]) == (ExitCode.USAGE, "failed")
    assert said.err.splitlines() == [
        "job: image: is refused",
        "error: 1 problem",
        f"  job {entry['id']} is recorded as failed",
    ]


@pytest.mark.parametrize("words", [(), ("queue",)])
def test_without_a_command_the_help_is_shown_and_the_exit_code_is_2(run: Run, words: tuple[str, ...]) -> None:
    said = run(*words)
    assert (said.code, said.out) == (ExitCode.USAGE, "")
    assert said.err.startswith(" ".join(["Usage: dispatch", *words]))
    assert "error:" not in said.err
    assert "shows how it is used" not in said.err


def test_check_says_what_a_queue_is_read_as_and_finds_it_fine(run: Run) -> None:
    text = "name: q\nresource: gcp-vertex\nconfig:\n  run: {sync: true}\n"
    Path("q.queues.yaml").write_text(text)
    said = run("check", "q.queues.yaml")
    assert (said.code, said.out) == (ExitCode.OK, "q.queues.yaml: 1 queue, ok\n")
    assert said.err.startswith("warning: q.queues.yaml:4: config.run.sync is left out: ")
    (document,) = run("check", "q.queues.yaml", "-o", "json").json
    assert [warning.partition(" is ")[0] for warning in document["warnings"]] == [
        "q.queues.yaml:4: config.run.sync"
    ]


def test_check_with_outputs_tries_a_queue_s_overrides_as_a_sync_would(run: Run) -> None:
    Path("o.json").write_text((GOLDEN / "contracts" / "gcp.json").read_text())
    text = (
        "name: q\nzone: gcp-euw4\noverrides: {jobSpec: {scheduling: {strategy: FLEX_START, maxWaitDuration: %s}}}"
    )
    Path("q.queues.yaml").write_text(text % "3600")
    said = run("check", "q.queues.yaml", "--outputs", "o.json")
    assert said.code == ExitCode.USAGE
    assert "maxWaitDuration: must be a text, is 3600 (such as 3600s)" in said.err
    Path("q.queues.yaml").write_text(text % "3600s")
    assert run("check", "q.queues.yaml", "--outputs", "o.json").code == ExitCode.OK
    assert run("check", "q.queues.yaml").code == ExitCode.OK
