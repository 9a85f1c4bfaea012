"""One trial's job: values in the command, in W&B's spellings, in variables and in what it needs of machines."""

from __future__ import annotations

import pytest

from dispatcher.errors import SpecError
from dispatcher.job import Job, Resources, Wandb
from dispatcher.sweeps import trials
from dispatcher.sweeps.space import Point

POINT: Point = {"rate": 0.1, "debug": True, "quiet": False}
TRAIN = Job(image="a:1", command=("python", "train.py"), env={"A": "1"}, resources=Resources(cpu=2))


def made(base: Job, point: Point) -> Job:
    return trials.job(base, "search", 3, point, "search-abc")


def test_values_come_behind_the_command_where_it_does_not_say() -> None:
    job = made(TRAIN, POINT)
    assert job.command == ("python", "train.py", "--rate=0.1", "--debug=true", "--quiet=false")
    assert job.name == "search-3"


@pytest.mark.parametrize(
    ("macro", "words"),
    [
        ("${args}", ["--rate=0.1", "--debug=true", "--quiet=false"]),
        ("${args_no_equals}", ["--rate", "0.1", "--debug", "true", "--quiet", "false"]),
        ("${args_no_hyphens}", ["rate=0.1", "debug=true", "quiet=false"]),
        ("${args_no_boolean_flags}", ["--rate=0.1", "--debug"]),
        ("${args_append_hydra}", ["+rate=0.1", "+debug=true", "+quiet=false"]),
        ("${args_override_hydra}", ["++rate=0.1", "++debug=true", "++quiet=false"]),
        ("${args_json}", ['{"rate": 0.1, "debug": true, "quiet": false}']),
    ],
)
def test_the_words_of_wandb_stand_for_parameters_where_they_are(macro: str, words: list[str]) -> None:
    base = Job(image="a:1", command=("run", macro, "--last"))
    assert made(base, POINT).command == ("run", *words, "--last")


def test_names_with_a_key_of_the_job_in_front_are_set_in_the_job() -> None:
    job = made(TRAIN, {"env.BATCH": 32, "resources.gpu": 1, "resources.memory": "8Gi", "inputs.train": "s3://b/x"})
    assert job.command == TRAIN.command
    assert job.env == {"A": "1", "BATCH": "32"}
    assert job.resources == Resources(cpu=2, gpu=1, memory=8)
    assert job.inputs == {"train": "s3://b/x"}


def test_a_name_with_a_dot_is_an_argument_like_any_other() -> None:
    assert made(TRAIN, {"optimizer.lr": 1}).command[-1] == "--optimizer.lr=1"


def test_the_runs_of_a_sweep_are_one_group_of_wandb_unless_the_job_says_otherwise() -> None:
    job = made(Job(image="a:1", command=("run",), wandb=Wandb("demo"), env={"WANDB_NAME": "mine"}), {})
    assert job.env == {"WANDB_RUN_GROUP": "search-abc", "WANDB_NAME": "mine"}


@pytest.mark.parametrize(
    ("command", "point", "said"),
    [
        (("python", "${program}", "${args}"), POINT, "is ${program}, which W&B fills in and launchway does not"),
        (("${envvar:HOME}",), POINT, "is ${envvar:HOME}, which W&B fills in"),
        (("bash", "-c", "run ${args}"), POINT, "has ${args} inside of a longer word"),
        ((), POINT, "command: is missing, and the parameters are its arguments"),
        (("run",), {"x": "y" * 300}, "has a word of 304 characters with its parameters, more than 256"),
        (("run",), {f"p{n}": n for n in range(100)}, "has 101 words with its parameters, more than 100"),
        (("run",), {"resources.gpu": 1.5}, "resources.gpu: is '1.5', not a whole number"),
        (("run",), {"resources.gpus": 1}, "resources.gpus: is not a known key (did you mean gpu?)"),
        (("run",), {"env.1X": 1}, "env.1X: is not a variable name"),
        (("run",), {"env.DISPATCH_X": 1}, "env.DISPATCH_X: is set by the dispatcher"),
        (("run",), {"inputs.train": "here"}, "inputs.train: is not a data location"),
    ],
)
def test_what_a_job_cannot_be_is_refused(command: tuple[str, ...], point: Point, said: str) -> None:
    with pytest.raises(SpecError) as raised:
        made(Job(image="a:1", command=command), point)
    assert said in str(raised.value)


def test_a_variable_that_is_a_secret_of_the_job_is_no_parameter() -> None:
    with pytest.raises(SpecError, match=r"env\.KEY: is a secret of the job too"):
        made(Job(image="a:1", command=("run",), secrets={"KEY": "env://KEY"}), {"env.KEY": "x"})
