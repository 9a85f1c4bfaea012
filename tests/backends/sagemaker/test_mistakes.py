"""What render calls a mistake: every vendor limit and rule, named by the key the user wrote."""

from __future__ import annotations

import pytest

from dispatcher.backends.sagemaker.render import render
from dispatcher.contract import Limits
from dispatcher.errors import SpecError
from tests.backends.cases import train
from tests.backends.sagemaker.cases import Case, open_zone, queue

WRONG: list[tuple[str, Case, str]] = [
    ("spot without checkpoint", Case(train(spot=True)), r"spot: needs checkpoint: true"),
    (
        "max_wait below max_runtime",
        Case(train(spot=True, checkpoint=True, max_runtime=100, max_wait=99)),
        r"max_wait: .*below max_runtime",
    ),
    (
        "max_wait above 30 days",
        Case(train(spot=True, checkpoint=True, max_wait=2_592_001)),
        r"max_wait: is 2592001 s",
    ),
    (
        "more than 28 days",
        Case(train(max_runtime=2_419_201), zone=open_zone(limits=Limits(max_runtime=9_999_999))),
        r"max_runtime: .*28 days",
    ),
    ("no time at all", Case(train(max_runtime=0)), r"max_runtime: 0 is outside at least 1"),
    ("no nodes", Case(train(resources={"nodes": 0})), r"resources\.nodes: is 0"),
    (
        "an argument too long",
        Case(train(command=("python", "a", "x" * 257))),
        r"command\[2\]: has 257 characters, allowed 0 to 256",
    ),
    ("a first word too long", Case(train(command=("x" * 257,))), r"command\[0\]: has 257 characters"),
    (
        "an argument with a newline",
        Case(train(command=("sh", "-c", "a\nb"))),
        r"command\[2\]: 'a\\nb' does not match",
    ),
    ("an argument with a carriage return", Case(train(command=("sh", "a\rb"))), r"command\[1\]"),
    ("too many arguments", Case(train(command=("x",) * 102)), r"command: has 101 items, allowed 1 to 100"),
    ("a value too long", Case(train(env={"A": "x" * 513})), r"env\.A: has 513 characters"),
    ("a variable's name", Case(train(env={"1A": "x"})), r"env\.1A \(key\): '1A' does not match"),
    (
        "too many variables",
        Case(train(env={f"A{n}": "" for n in range(95)})),
        r"env: has \d+ entries, allowed 0 to 100",
    ),
    (
        "a name of the dispatcher",
        Case(train(env={"DISPATCH_JOB_ID": "x"})),
        r"env\.DISPATCH_JOB_ID: the dispatcher sets",
    ),
    ("a made-up W&B mode", Case(train(env={"WANDB_MODE": "onlin"})), r"env\.WANDB_MODE: 'onlin' is not a mode"),
    ("a name too long", Case(train(name="a" * 60)), r"name: has 69 characters, allowed 1 to 63"),
    ("an underscore in a name", Case(train(name="a_b")), r"name: 'a_b-k3v9x2-1' does not match"),
    ("an image that is none", Case(train(image="Train:v1")), r"image: 'Train:v1' is not an image reference"),
    ("a short digest", Case(train(image="train@sha256:abc")), r"image: .*is not an image reference"),
    ("an empty image", Case(train(image="")), r"image: '' is not an image reference"),
    (
        "an input on another cloud",
        Case(train(inputs={"train": "gs://b/x"})),
        r"inputs\.train: 'gs://b/x' is not an s3:// location",
    ),
    ("an input without a bucket", Case(train(inputs={"train": "s3://"})), r"inputs\.train"),
    ("a channel's name", Case(train(inputs={"a b": "s3://b/x"})), r"inputs\[0\]\.ChannelName"),
    (
        "two inputs of one name",
        Case(train(inputs={"a-b": "s3://b/x", "a_b": "s3://b/y"})),
        r"inputs\.a_b: another input is called DISPATCH_INPUT_A_B",
    ),
    ("too many inputs", Case(train(inputs={f"i{n}": "s3://b/x" for n in range(21)})), r"inputs: has 21 items"),
    (
        "a label of the dispatcher",
        Case(train(labels={"queue": "x"})),
        r"labels\.queue: the dispatcher sets this tag",
    ),
    ("a label of AWS", Case(train(labels={"aws:x": "x"})), r"labels\.aws:x: AWS reserves"),
    (
        "too many labels",
        Case(train(labels={f"l{n}": "" for n in range(50)})),
        r"labels: has \d+ items, allowed 0 to 50",
    ),
    (
        "a misspelt override",
        Case(train(), queue=queue(overrides={"StopingCondition": {}})),
        r"queue training: overrides\.StopingCondition: .*no such field \(did you mean StoppingCondition\?\)",
    ),
    (
        "a misspelt override deep inside",
        Case(train(), queue=queue(overrides={"ProfilerConfig": {"Disable": True}})),
        r"overrides\.ProfilerConfig\.Disable: ",
    ),
    (
        "an override of the wrong type",
        Case(train(), queue=queue(overrides={"EnableNetworkIsolation": "yes"})),
        r"overrides\.EnableNetworkIsolation: must be true or false",
    ),
    (
        "an override out of range",
        Case(train(), queue=queue(overrides={"ResourceConfig": {"KeepAlivePeriodInSeconds": 21601}})),
        r"overrides\.ResourceConfig\.KeepAlivePeriodInSeconds: 21601 is outside 0 to 21600",
    ),
    ("an unknown GPU", Case(train(resources={"gpu_type": "A9000"})), r"resources\.gpu_type: aws has no A9000"),
]


@pytest.mark.parametrize(("case", "message"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_mistake_is_named_by_the_key_that_was_written(case: Case, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        render(case.job, case.queue, case.submission, case.context)


def test_an_input_on_another_cloud_is_named_once() -> None:
    case = Case(train(inputs={"train": "gs://b/x"}))
    with pytest.raises(SpecError) as wrong:
        render(case.job, case.queue, case.submission, case.context)
    assert [problem.path for problem in wrong.value.problems] == ["inputs.train"]


def test_all_mistakes_are_named_at_once() -> None:
    case = Case(train(image="A", command=("x" * 300,), env={"1": ""}, spot=True, inputs={"t": "x"}))
    with pytest.raises(SpecError) as wrong:
        render(case.job, case.queue, case.submission, case.context)
    assert {problem.path for problem in wrong.value.problems} >= {
        "image",
        "command[0]",
        "spot",
        "inputs.t",
    }
