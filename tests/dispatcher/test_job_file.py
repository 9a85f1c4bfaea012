"""A job file: what is read, what is refused, and that every problem names file, line, key, rule and remedy."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.documents import job_file
from dispatcher.documents.changes import Changes, Defaults
from dispatcher.errors import ExitCode, Problem, SpecError
from dispatcher.job import Job, Priority, Resources, Wandb

SEED = """\
# my_training_job.yaml
job_type: train-model
# This is the Docker image that will run your code.
image: wandb/deeplearning:latest
command:
  - python
  - train.py
  - --learning-rate
  - 0.001
  - --epochs
  - 100
# Define any environment variables needed by your training script.
env:
  MY_API_KEY: "your_secret_key"
# Specify resource requirements for the job.
resources:
  cpu: 2
  gpu: 1
  memory: "8Gi"
"""


def parse(text: str | bytes, changes: Changes | None = None, defaults: Defaults | None = None) -> Job:
    return job_file.parse("job.yaml", text, changes, defaults)


def problems(text: str | bytes, changes: Changes | None = None) -> tuple[Problem, ...]:
    with pytest.raises(SpecError) as raised:
        parse(text, changes)
    assert raised.value.exit_code == ExitCode.USAGE
    return raised.value.problems


CHECKPOINTED = "image: a\nspot: true\ncheckpoint: true\n"


@pytest.mark.parametrize(
    ("text", "changes", "path", "rule"),
    [
        (CHECKPOINTED, Changes(no_checkpoint=True), "checkpoint", "is true, and --no-checkpoint says"),
        ("image: a\n", Changes(no_checkpoint=True), "", "is for jobs that may lose their machines"),
        ("image: a\nno_checkpoint: true\n", Changes(), "no_checkpoint", "dispatch submit --no-checkpoint"),
        ("image: a\nmax_interruptions: 2\n", Changes(), "max_interruptions", "is for spot jobs"),
        ("image: a\nlast_attempt_on_demand: true\n", Changes(), "last_attempt_on_demand", "is for spot jobs"),
        (f"{CHECKPOINTED}max_interruptions: 101\n", Changes(), "max_interruptions", "100"),
        (f"{CHECKPOINTED}max_wait: 31d\n", Changes(), "max_wait", "30d"),
        (f"{CHECKPOINTED}max_wait: 1h\nmax_runtime: 2h\n", Changes(), "max_wait", "is shorter than max_runtime"),
    ],
)
def test_what_a_job_that_may_lose_its_machines_must_say_is_named(
    text: str, changes: Changes, path: str, rule: str
) -> None:
    (problem,) = problems(text, changes)
    assert problem.path == path
    assert rule in str(problem)


def test_a_spot_job_is_read_with_all_that_is_said_of_its_interruptions() -> None:
    read = parse(f"{CHECKPOINTED}max_interruptions: 0\nlast_attempt_on_demand: true\nmax_wait: 30d\n")
    assert (read.max_interruptions, read.last_attempt_on_demand, read.max_wait) == (0, True, 30 * 86_400)
    assert parse("image: a\nspot: true\n", Changes(no_checkpoint=True)).no_checkpoint


def test_the_seed_job_works_once_its_literal_secret_is_a_reference() -> None:
    fixed = SEED.replace('env:\n  MY_API_KEY: "your_secret_key"', "secrets:\n  MY_API_KEY: aws-sm://my-api-key")
    assert parse(fixed) == Job(
        image="wandb/deeplearning:latest",
        command=("python", "train.py", "--learning-rate", "0.001", "--epochs", "100"),
        job_type="train-model",
        secrets={"MY_API_KEY": "aws-sm://my-api-key"},
        resources=Resources(cpu=2, gpu=1, memory=8),
    )


def test_the_seed_job_as_it_stands_is_refused_for_its_secret_alone_with_the_way_to_reference_it() -> None:
    (problem,) = problems(SEED)
    assert (problem.source, problem.line, problem.path) == ("job.yaml", 14, "env.MY_API_KEY")
    assert "secrets are never written down" in problem.rule
    reference = 'reference it: secrets: {MY_API_KEY: "aws-sm://my-api-key"}'
    assert problem.remedy == f"{reference}; if it is none: --allow-plain MY_API_KEY"
    assert "your_secret_key" not in str(problem)


def test_every_field_of_a_job_is_read() -> None:
    text = """
image: train@sha256:0123
command: [python, train.py]
name: big-run
job_type: train-model
env: {LOG_LEVEL: info, EMPTY: ''}
secrets: {WANDB_API_KEY: "aws-sm://wandb#key", DB: "ssm:///prod/db"}
resources: {cpu: 2.5, gpu: 1, gpu_type: A100-40GB, memory: 8Gi, nodes: 2, disk: 100GB, instance: ml.p4d.24xlarge}
max_runtime: 12h
max_wait: 1d
spot: true
checkpoint: true
preemptible: yes
max_preemptions: 7
max_queue_time: 6h
retries: 3
retry_on: [provider, timed_out]
inputs: {train: s3://bucket/prefix}
priority: high
workload: production
wandb: {project: demo, entity: team}
labels: {team: vision}
"""
    assert parse(text) == Job(
        image="train@sha256:0123",
        command=("python", "train.py"),
        name="big-run",
        job_type="train-model",
        env={"LOG_LEVEL": "info", "EMPTY": ""},
        secrets={"WANDB_API_KEY": "aws-sm://wandb#key", "DB": "ssm:///prod/db"},
        resources=Resources(2.5, 1, "A100-40GB", 8, 2, 94, "ml.p4d.24xlarge"),
        max_runtime=43_200,
        max_wait=86_400,
        spot=True,
        checkpoint=True,
        preemptible=True,
        max_preemptions=7,
        max_queue_time=21_600,
        retries=3,
        retry_on=("provider", "timed_out"),
        inputs={"train": "s3://bucket/prefix"},
        priority=Priority.HIGH,
        workload="production",
        wandb=Wandb("demo", "team"),
        labels={"team": "vision"},
    )


@pytest.mark.parametrize(
    "typed", ["0.001", "1e-3", "100", "on", "no", "12:30", "010", "0x1F", "null", "2026-11-21", "1_000", "~"]
)
def test_an_argument_is_exactly_the_text_that_was_typed(typed: str) -> None:
    assert parse(f"image: a\ncommand: [run, {typed}]").command == ("run", typed)


@pytest.mark.parametrize("instance", ["ml.g5.xlarge", "a2-highgpu-8g", "n1-standard-8+1xT4", "Standard_D4s_v5"])
def test_an_instance_is_called_as_its_cloud_calls_it(instance: str) -> None:
    assert parse(f"image: a\nresources: {{instance: {instance}}}").resources.instance == instance


def test_all_problems_of_a_file_are_reported_at_once_each_with_its_line() -> None:
    text = "image: a\nimagee: b\nresources:\n  gpu: one\n  memroy: 8Gi\n"
    text += "max_runtime: 12:30\nspot: perhaps\npriority: urgent\n"
    found = [(p.line, p.path) for p in problems(text)]
    assert found == [
        (2, "imagee"),
        (4, "resources.gpu"),
        (5, "resources.memroy"),
        (6, "max_runtime"),
        (7, "spot"),
        (8, "priority"),
    ]


def test_an_unknown_key_comes_with_a_guess() -> None:
    (problem,) = problems("image: a\ncomand: [x]")
    assert (problem.rule, problem.remedy) == ("is not a known key", "did you mean command?")


@pytest.mark.parametrize(
    ("text", "path", "word"),
    [
        ("command: [x]", "image", "missing"),
        ("image: a\ncommand: python train.py", "command", "list of words"),
        ("image: a\ncommand: [{a: b}]", "command[0]", "must be a text"),
        ("image: a\ncommand: ['" + "x" * 257 + "']", "command[0]", "257 characters, more than 256"),
        ('image: a\ncommand: ["a\\nb"]', "command[0]", "line break"),
        ("image: a\ncommand: [" + "x, " * 101 + "]", "command", "101 elements, more than 100"),
        ("image: a\ncommand: [x, ]\nenv: {1A: b}", "env.1A", "not a variable name"),
        ("image: a\nenv: {A: " + "x" * 513 + "}", "env.A", "513 characters, more than 512"),
        ("image: a\nenv: {A: [b]}", "env.A", "must be a text"),
        ("image: a\nenv: {A: }", "env.A", "has no value"),
        ("image: a\nenv: {DISPATCH_JOB_ID: b}", "env.DISPATCH_JOB_ID", "set by the dispatcher"),
        ("image: a\nenv: {MASTER_ADDR: b}", "env.MASTER_ADDR", "set by the dispatcher"),
        ("image: a\nenv: {A: aws-sm://b}", "env.A", "reference to a secret"),
        ("image: a\nsecrets: {A: hunter2}", "secrets.A", "not a reference"),
        ("image: a\nsecrets: {A: 'aws-sm://a b'}", "secrets.A", "not of the form"),
        ("image: a\nsecrets: {A: env://B}\nenv: {A: b}", "secrets", "A is in env too"),
        ("image: a\nname: Big_Run", "name", "not a name"),
        ("image: a\nresources: {nodes: 0}", "resources.nodes", "not between 1 and"),
        ("image: a\nresources: {nodes: 010}", "resources.nodes", "octal"),
        ("image: a\nresources: {gpu: 1.5}", "resources.gpu", "not a whole number"),
        ("image: a\nresources: {memory: 8}", "resources.memory", "size with a unit"),
        ("image: a\nresources: 4", "resources", "must be a mapping"),
        ("image: a\nmax_runtime: 29d", "max_runtime", "not between"),
        ("image: a\nspot: true", "spot", "needs a checkpoint"),
        ("image: a\npreemptible: true", "preemptible", "needs a checkpoint"),
        ("image: a\nmax_wait: 2h", "max_wait", "max_runtime, which is 1d where nothing is said"),
        ("image: a\nspot: true\ncheckpoint: true\nmax_wait: 1h", "max_wait", "shorter than max_runtime"),
        ("image: a\ninputs: {train: /data}", "inputs.train", "not a data location"),
        ("image: a\ninputs: {1train: s3://b}", "inputs.1train", "not an input name"),
        ("image: a\nlabels: {Team: x}", "labels.Team", "not a label"),
        ("image: a\nlabels: {team: ML}", "labels.team", "has a value that may hold a-z"),
        ("image: a\nqueue: gpu", "queue", "not taken here"),
        ("image: a\noutputs: gs://b/o", "outputs", "not taken here"),
        ("image: a b", "image", "not an image reference"),
        ("image: a\nimage: b", "image", "given twice"),
        ("image: a\ncommand: [x, --api-key, abc123def]", "command[2]", "secret by its name"),
        ("image: a\ncommand: [x, ghp_" + "a" * 36 + "]", "command[1]", "looks like a GitHub token"),
    ],
)
def test_a_wrong_value_is_a_problem_at_its_key(text: str, path: str, word: str) -> None:
    (problem,) = problems(text)
    assert problem.path == path
    assert word in problem.rule
    assert problem.line is not None


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "is empty"),
        (b"# nothing\n", "is empty"),
        (b"\xff\xfei", "UTF-8"),
        (b"image: a\n\tcommand: b", "tab"),
        (b"image: a: b", "mapping values are not allowed"),
        (b"image: 'a", "end of stream"),
        (b"image: a\x00b", "is not YAML"),
        (b"- a\n- b", "not a mapping"),
        (b"just words", "not a mapping"),
        (b"image: a\n---\nimage: b", "more than one document"),
        (b"image: &x a\ncommand: [*x]", "anchor"),
        (b"base: &b {a: 1}\nimage: a\nenv:\n  <<: *b", "alias"),
        (b"image: !!python/object/apply:os.system [id]", "tag"),
        (b"? [a, b]\n: c", "as a key"),
        (b"image: " + b"[" * 100_000, "nested deeper"),
        (b"a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]", "anchor"),
        (b"image: a\n" + b"#" * (1024 * 1024), "larger than 1 MiB"),
        (b"%YAML 3.0\n---\nimage: a", "is not YAML"),
    ],
)
def test_a_malformed_file_is_a_problem_and_never_a_traceback(data: bytes, word: str) -> None:
    assert any(word in problem.rule for problem in problems(data))


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_no_input_at_all_raises_anything_but_problems(data: bytes | str) -> None:
    with contextlib.suppress(SpecError):
        assert isinstance(parse(data), Job)


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=40)


@given(st.lists(_TEXT, min_size=1, max_size=6))
def test_any_quoted_argv_comes_back_as_it_was(argv: list[str]) -> None:
    from hypothesis import assume

    from dispatcher import secretlike

    assume(not any(secretlike.shaped(word) or "﻿" in word for word in argv))
    assume(not any(word.startswith("-") for word in argv))
    quoted = ", ".join("'" + word.replace("'", "''") + "'" for word in argv)
    assert parse(f"image: a\ncommand: [{quoted}]").command == tuple(argv)


def test_set_changes_a_value_and_its_problems_name_the_option() -> None:
    assert parse("image: a", Changes(sets=["resources.nodes=2"])).resources.nodes == 2
    (problem,) = problems("image: a", Changes(sets=["resources.nodes=two"]))
    assert (problem.source, problem.line, problem.path) == ("--set", None, "resources.nodes")


def test_set_takes_lists_and_mappings_and_plain_texts() -> None:
    changes = Changes(sets=["command=[a, 1e-3]", "env={A: on}", "image=b:on", "resources.instance=x"])
    job = parse("image: a\nresources:", changes)
    assert (job.command, job.env, job.image, job.resources.instance) == (("a", "1e-3"), {"A": "on"}, "b:on", "x")


@pytest.mark.parametrize("typed", ["nodes", "=2", "image.x=2", "command=[a"])
def test_a_malformed_set_is_a_problem(typed: str) -> None:
    assert problems("image: a", Changes(sets=[typed]))[0].source == "--set"


def test_env_and_arguments_go_on_top_of_the_file() -> None:
    job = parse(
        "image: a\ncommand: [run]\nenv: {A: '1'}", Changes(env=["A=2", "B=x=y"], arguments=["--lr", "0.1"])
    )
    assert (job.env, job.command) == ({"A": "2", "B": "x=y"}, ("run", "--lr", "0.1"))


def test_a_literal_secret_is_refused_on_the_command_line_too() -> None:
    (problem,) = problems("image: a", Changes(env=["WANDB_API_KEY=0123456789abcdef"]))
    assert problem.source == "--env"
    assert "0123456789abcdef" not in str(problem)


@pytest.mark.parametrize(
    "typed", ["env={API_KEY: 'hunter2hunter2'", "env=[hunter2hunter2", "env.X={a: [hunter2hunter2}"]
)
def test_a_malformed_set_does_not_repeat_what_may_be_a_secret(typed: str) -> None:
    with pytest.raises(SpecError) as wrong:
        parse("image: a:1", Changes(sets=[typed]))
    assert "hunter2" not in str(wrong.value)


def test_a_priority_on_the_command_line_wins() -> None:
    assert parse("image: a\npriority: low", Changes(priority="critical")).priority is Priority.CRITICAL
    (problem,) = problems("image: a", Changes(priority="hgih"))
    assert (problem.source, problem.remedy) == ("--priority", "did you mean high?")


def test_a_queue_fills_only_what_the_job_leaves_out() -> None:
    defaults = Defaults(image="d:1", priority="high", nodes=4)
    filled = parse("command: [x]", defaults=defaults)
    assert (filled.image, filled.priority, filled.resources.nodes) == ("d:1", Priority.HIGH, 4)
    stated = parse("image: a\npriority: low\nresources: {nodes: 1}", defaults=defaults)
    assert (stated.image, stated.priority, stated.resources.nodes) == ("a", Priority.LOW, 1)


@pytest.mark.parametrize(
    "name", ["TOKENIZERS_PARALLELISM", "MAX_TOKENS", "SORT_KEY", "SECRET_NAME", "PAD_TOKEN_ID"]
)
def test_names_that_only_sound_like_secrets_are_plain(name: str) -> None:
    assert parse(f"image: a\nenv: {{{name}: false}}").env == {name: "false"}
    assert parse(f"image: a\nenv: {{{name}: abc}}").env == {name: "abc"}


def test_a_job_that_names_no_run_time_gets_the_queue_s_when_a_day_is_more_than_it_allows() -> None:
    short = job_file.parse("job.yaml", "image: a:1", defaults=Defaults(max_runtime=3600))
    assert short.max_runtime == 3600
    named = job_file.parse("job.yaml", "image: a:1\nmax_runtime: 2h", defaults=Defaults(max_runtime=3600))
    assert named.max_runtime == 7200


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("max_preemptions: 2", "max_preemptions: is for preemptible jobs"),
        ("retry_on: [program]", "retry_on: says after what to try again, and retries is 0"),
        ("retries: 2\nretry_on: [Program]", "retry_on[0]: is 'Program'"),
        ("max_queue_time: 31d", "max_queue_time: "),
    ],
)
def test_a_bound_on_what_the_job_does_not_do_is_refused(text: str, problem: str) -> None:
    with pytest.raises(SpecError) as wrong:
        parse(f"image: train\n{text}\n")
    assert any(problem in str(each) for each in wrong.value.problems), wrong.value
