"""`dispatch sweep` on the toy cloud: what it prints, what it refuses, and its exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dispatcher.backends.base import LogLine, State
from tests.dispatcher.command_line import Run, Said, line, run
from tests.dispatcher.doubles import ManualClock, ToyCloud
from tests.dispatcher.sweeps.conftest import FOUR

__all__ = ["line", "run"]
EXAMPLE = Path(__file__).parents[3] / "examples" / "sweep.yaml"


@pytest.fixture
def sweep(line: Run) -> Run:
    """The queue `line`, and a sweep of four trials in the working directory."""
    Path("sweep.yaml").write_text(FOUR)
    return line


def started(said: Said) -> str:
    assert said.code == 0, said.err
    (id,) = re.findall(r"^sweep (\w{8}): sweep, 4 trials to queue line, price unknown$", said.out, re.MULTILINE)
    return str(id)


def test_a_dry_run_shows_the_trials_and_records_nothing(sweep: Run) -> None:
    said = sweep("sweep", "sweep.yaml", "--dry-run")
    assert said.out.splitlines()[0].split() == ["TRIAL", "HARDWARE", "rate", "seed"]
    assert said.out.splitlines()[4].split() == ["4", "ml.m5.xlarge", "0.3", "2"]
    assert "dry run: sweep, 4 trials to queue line, price unknown. Nothing was sent." in said.err
    document = sweep("sweep", "start", "sweep.yaml", "--dry-run", "-o", "json").json
    assert document["trials"][3]["parameters"] == {"rate": 0.3, "seed": 2}
    assert document["total"] is None
    assert sweep("list", "-o", "json").json == []
    assert sweep("sweep", "list").err == "no sweeps yet: dispatch sweep SWEEP_FILE starts one\n"


def test_status_shows_each_trial_and_the_best(sweep: Run, cloud: ToyCloud, clock: ManualClock) -> None:
    id = started(sweep("sweep", "-q", "line", "sweep.yaml"))
    cloud.lines[cloud.sent[0]] = [LogLine(1, "node", "dispatch-metric loss=0.25 step=3")]
    cloud.end(cloud.sent[0])
    said = sweep("sweep", "status", id[:5], "--refresh")
    assert "best     trial 1 (" in said.out
    assert "loss=0.25 with rate=0.1 seed=1" in said.out
    rows = [row.split() for row in said.out.splitlines()[-5:]]
    assert rows[0] == ["TRIAL", "ID", "STATE", "LOSS", "rate", "seed", "NOTE"]
    assert [row[2:6] for row in rows[1:3]] == [["succeeded", "0.25", "0.1", "1"], ["pending", "-", "0.1", "2"]]
    assert rows[1][-1] == "best"
    document = sweep("sweep", "status", id, "-o", "json").json
    assert (document["best"]["trial"], document["best"]["metric"], document["state"]) == (1, 0.25, "running")
    assert f"trial       1 of sweep {id}: rate=0.1 seed=1\n" in sweep("show", document["best"]["job"]).out
    (row,) = sweep("sweep", "list").out.splitlines()[1:]
    assert row.split()[:6] == [id, "sweep", "line", "running", "1/4", "loss=0.25"]


def test_waiting_ends_with_the_sweep_and_says_the_best(sweep: Run, cloud: ToyCloud, clock: ManualClock) -> None:
    def end_one(seconds: float) -> None:
        running = [name for name in cloud.sent if not cloud.jobs[name].final]
        for name in running[:1]:
            cloud.lines[name] = [LogLine(1, "node", f"dispatch-metric loss={len(cloud.sent)}")]
            cloud.end_at = "2026-11-21T08:00:00Z"
            cloud.end(name)

    clock.on_sleep = end_one
    said = sweep("sweep", "sweep.yaml", "--wait")
    assert said.code == 0, said.err
    assert "best     trial 1 (" in said.out
    assert "4 trials: 4 succeeded; best trial 1" in said.err


def test_a_sweep_of_which_no_trial_succeeds_is_exit_9(sweep: Run, cloud: ToyCloud, clock: ManualClock) -> None:
    def fail(seconds: float) -> None:
        for name in cloud.sent:
            cloud.end(name, State.FAILED)

    clock.on_sleep = fail
    said = sweep("sweep", "sweep.yaml", "--wait")
    assert said.code == 9
    id = said.out.split()[1].rstrip(":")
    again = sweep("sweep", "resume", id)
    assert again.out == f"sweep {id} has ended: 4 trials: 4 failed\n"
    assert f"dispatch sweep resume {id} --failed runs again what failed" in again.err


def test_stopping_and_resuming_say_what_became_of_the_trials(sweep: Run) -> None:
    id = started(sweep("sweep", "sweep.yaml"))
    said = sweep("sweep", "stop", id)
    assert said.out == f"sweep {id} stopping: 4 trials: 1 pending, 3 cancelled\n"
    assert f"dispatch sweep resume {id} goes on with it" in said.err
    assert sweep("sweep", "resume", id).out == f"sweep {id} goes on: 4 trials: 1 pending, 3 queued\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["stauts"], 2, "There is no command and no file 'stauts'; did you mean status?"),
        (["gone.yaml"], 2, "gone.yaml: there is no such file"),
        (["status", "gone"], 7, "there is no sweep gone"),
        (["sweep.yaml", "-P", "urgent"], 2, "--priority: priority: is 'urgent', not one of critical"),
        (["sweep.yaml", "--set", "image=a:1 b"], 2, "--set: image: is not an image reference"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(sweep: Run, words: list[str], code: int, said: str) -> None:
    done = sweep("sweep", *words)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_a_problem_of_the_job_is_told_with_its_line_in_the_sweep_file(sweep: Run) -> None:
    Path("sweep.yaml").write_text(FOUR.replace("ml.m5.xlarge", "ml.m5.xlrge"))
    assert (
        "sweep.yaml:7: resources.instance: ml.m5.xlrge is not a training instance type"
        in sweep("sweep", "sweep.yaml").err
    )


def test_a_sweep_file_is_checked_with_its_job_and_its_trials(sweep: Run) -> None:
    assert sweep("check", "sweep.yaml", str(EXAMPLE)).out == (
        f"sweep.yaml: a sweep of 4 trials, ok\n{EXAMPLE}: a sweep of 8 trials, ok\n"
    )
    Path("bad.yaml").write_text(FOUR.replace("train.py", "'${program}'"))
    said = sweep("check", "bad.yaml")
    assert (said.code, "is ${program}, which W&B fills in" in said.err) == (2, True)


@pytest.mark.parametrize(
    "text",
    [
        FOUR.replace("checkpoint: true, ", "") + "preemptible: true\n",
        FOUR.replace("checkpoint: true, ", "preemptible: true, "),
        FOUR.replace("ml.m5.xlarge", "ml.m5.xlarge, gpu: x"),
        FOUR.replace("command: [python, train.py]", "command: [sh, -c, 'x ${args}']"),
    ],
)
def test_what_check_finds_wrong_with_a_sweep_starting_it_finds_in_the_same_lines(sweep: Run, text: str) -> None:
    Path("sweep.yaml").write_text(text)
    checked, started = sweep("check", "sweep.yaml"), sweep("sweep", "sweep.yaml", "-q", "line", "--dry-run")
    assert (checked.code, started.code) == (2, 2)
    first = checked.err.splitlines()[0]
    assert re.match(r"sweep\.yaml:\d+: ", first)
    assert first in started.err


def test_jobs_are_listed_by_the_id_or_the_name_of_their_sweep(sweep: Run) -> None:
    id = started(sweep("sweep", "sweep.yaml", "-q", "line"))
    for word in (id, id[:4], "sweep"):
        assert len(sweep("list", "--sweep", word, "-o", "json").json) == 4
        assert sweep("history", "--sweep", word).code == 0
    for words in (("list",), ("history",), ("history", "-o", "csv")):
        said = sweep(*words, "--sweep", "nope")
        assert (said.code, said.out) == (7, "")
        assert "there is no sweep nope" in said.err


def test_a_sweep_file_that_is_submitted_as_a_job_is_told_from_a_wrong_one(sweep: Run) -> None:
    said = sweep("submit", "sweep.yaml", "-q", "line")
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines()[0].endswith("is a sweep, not a job (dispatch sweep sweep.yaml)")


def test_a_job_file_that_is_missing_is_told_with_the_line_that_names_it(sweep: Run) -> None:
    text = FOUR[: FOUR.index("job: ")] + "job: gone.yaml\n"
    Path("sweep.yaml").write_text(text)
    assert "sweep.yaml:7: job: names gone.yaml, and there is no such file" in sweep("sweep", "sweep.yaml").err
