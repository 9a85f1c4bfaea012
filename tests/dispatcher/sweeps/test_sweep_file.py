"""Reading sweep files: W&B's own search is understood, what is not done here is refused by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.documents import job_file, sweep_file
from dispatcher.errors import SpecError
from dispatcher.sweeps.sweep import Metric, Parameter, Rules

JOB = "job: {image: a:1, command: [run]}\n"
SMALL = "method: grid\nparameters: {lr: {values: [0.1, 0.3]}}\n" + JOB


def problems(text: str) -> list[str]:
    with pytest.raises(SpecError) as raised:
        sweep_file.parse("sweep.yaml", text)
    return [str(problem) for problem in raised.value.problems]


def test_a_search_as_wandb_writes_it_is_read() -> None:
    written = sweep_file.parse(
        "lr search.yaml",
        """
method: random
metric: {name: val/loss, goal: minimize, target: 1e-3}
run_cap: 20
parameters:
  learning_rate: {distribution: log_uniform_values, min: 1e-5, max: 0.1}
  batch_size: {values: [16, 32]}
  epochs: {value: 5}
  layers: {min: 1, max: 4}
  dropout: {min: 0.0, max: 0.5}
job: {image: a:1, command: [python, train.py]}
""",
    )
    sweep = written.sweep
    assert sweep.name == "lr-search"
    assert sweep.metric == Metric("val/loss", "minimize", 0.001)
    assert sweep.parameters == (
        Parameter("learning_rate", "log_uniform_values", min=1e-5, max=0.1),
        Parameter("batch_size", "categorical", (16, 32)),
        Parameter("epochs", "constant", (5,)),
        Parameter("layers", "int_uniform", min=1, max=4),
        Parameter("dropout", "uniform", min=0.0, max=0.5),
    )


def test_stop_rules_and_what_trials_are_are_read() -> None:
    text = SMALL + "max_failures: 3\nmax_cost: 12.5\npriority: medium\npreemptible: false\nseed: 7\n"
    written = sweep_file.parse("sweep.yaml", text)
    assert written.sweep.rules == Rules(3, 12.5)
    assert (written.priority, written.sweep.seed) == ("medium", 7)
    assert job_file.read(written.job).preemptible is False


def test_the_job_may_be_a_file_beside_the_sweep(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("image: a:1\n")
    file = tmp_path / "sweep.yaml"
    written = sweep_file.parse(str(file), SMALL.replace(JOB, "job: job.yaml\n"))
    assert (written.source, list(written.job.fields)) == (str(tmp_path / "job.yaml"), ["image"])


def test_a_job_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"sweep\.yaml:3: job: names .*gone\.yaml, and there is no such file"):
        sweep_file.parse(str(tmp_path / "sweep.yaml"), SMALL.replace(JOB, "job: gone.yaml\n"))


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("{}", "parameters: is empty: a space without a point"),
        ("{lr: {values: []}}", "parameters.lr.values: is empty: a space without a point"),
        ("{lr: {}}", "parameters.lr: names no values: a space without a point"),
        ("{lr: {min: 3, max: 1}}", "parameters.lr.min: is 3, above max 1: a space without a point"),
        (
            "{lr: {distribution: q_uniform, min: 0.1, max: 0.2, q: 3}}",
            "parameters.lr.q: has no multiple between 0.1 and 0.2: a space without a point",
        ),
    ],
)
def test_an_empty_space_is_refused(parameters: str, said: str) -> None:
    (problem,) = problems(f"method: grid\nparameters: {parameters}\n{JOB}")
    assert problem.startswith(f"sweep.yaml:2: {said}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("method: bayes", "method: is 'bayes', not one of grid, random (launchway searches by grid and at random"),
        (
            "early_terminate: {type: hyperband}",
            "early_terminate: is not taken here (trials are not stopped half-way",
        ),
        ("program: train.py", "program: is not taken here (write what runs as job:"),
        ("command: [a]", "command: is not taken here (it is the job's"),
        ("project: demo", "project: is not taken here (it is the job's: job: {wandb: {project: ...}})"),
        ("queue: gpu", "queue: is not taken here (name the queue on the command line"),
        ("run_caps: 3", "run_caps: is not a known key (did you mean run_cap?)"),
        ("parameters: {x: {distribution: beta}}", "distribution: is 'beta', not one of constant"),
        ("parameters: {x: {parameters: {y: {value: 1}}}}", "x.parameters: is not taken here (nested parameters"),
        ("parameters: {x: [1, 2]}", "parameters.x: is a list, not a mapping (write x: {values: [...]})"),
        ("parameters: {x: {values: [a, a]}}", "parameters.x.values: has a twice"),
        ("parameters: {x: {values: [[1]]}}", "parameters.x.values[0]: is not a single value"),
        ("parameters: {x: {value: 1, q: 2}}", "parameters.x.q: means nothing for constant"),
        ("parameters: {x: {distribution: uniform, min: 1}}", "parameters.x.max: is missing for uniform"),
        ("parameters: {x: {values: [a, b], probabilities: [1]}}", "probabilities: has 1 numbers for 2 values"),
        ("parameters: {x: {values: [a, b], probabilities: [0.1, 0.2]}}", "probabilities: add up to 0.3, not to 1"),
        ("parameters: {x: {distribution: log_uniform_values, min: 0, max: 1}}", "x.min: is not above 0"),
        ("parameters: {x: {min: 0.0, max: 1}}", "parameters.x: has a value for every number (uniform)"),
        ("parameters: {x: {min: 0, max: 999999999}}", "parameters.x: has 1,000,000,000 values"),
        ("parameters: {x: {min: 1, max: 1001}}", "parameters: make a grid of 1,001 trials, more than 1,000"),
        ("parameters: {'1x': {value: 1}}", "parameters.1x: is not a parameter's name"),
        ("metric: {goal: minimize}", "metric.name: is missing"),
        ("metric: {name: 'a b'}", "metric.name: is not a metric's name"),
        ("max_cost: much", "max_cost: is not a number"),
        ("max_cost: 0", "max_cost: is not above 0"),
        ("priority: urgent", "priority: is 'urgent', not one of critical"),
    ],
)
def test_what_is_not_done_here_is_refused_by_name(line: str, said: str) -> None:
    key = line.partition(":")[0]
    kept = "".join(f"{other}\n" for other in SMALL.splitlines() if not other.startswith(f"{key}:"))
    assert any(said in problem for problem in problems(f"{kept}{line}\n"))


def test_a_random_search_says_how_many_trials_it_is() -> None:
    text = SMALL.replace("grid", "random")
    assert "run_cap: is missing: chance has no end of trials (such as run_cap: 20)" in problems(text)[0]
    assert "run_cap: is 3, and the space has 2 points" in problems(f"{text}run_cap: 3\n")[0]


def test_all_problems_of_a_file_are_told_at_once() -> None:
    assert len(problems("method: x\nparameters: {a: {values: []}, b: 3}\nrun_cap: 0\n")) == 5


@given(st.text(max_size=200))
def test_no_text_at_all_breaks_the_reader(text: str) -> None:
    with pytest.raises(SpecError) as raised:
        sweep_file.parse("sweep.yaml", text)
    assert raised.value.problems
