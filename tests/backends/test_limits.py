"""What every cloud is said to accept is what the vendor's model says, and no cloud refuses a job of that size."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dispatcher import limits
from dispatcher.backends import open_backend
from dispatcher.backends.base import Submission
from dispatcher.backends.sagemaker.render import MODEL
from dispatcher.errors import SpecError
from tests.backends.azureml import cases as azureml
from tests.backends.cases import train
from tests.backends.sagemaker import cases as sagemaker
from tests.backends.vertex import cases as vertex

SHAPES: dict[str, Any] = json.loads(MODEL.read_text(encoding="utf-8"))["shapes"]


@pytest.mark.parametrize(
    ("limit", "shape", "bound"),
    [
        (limits.ARGUMENTS_MAX, "TrainingContainerEntrypoint", "max"),
        (limits.ARGUMENTS_MAX, "TrainingContainerArguments", "max"),
        (limits.ARGUMENT_MAX, "TrainingContainerEntrypointString", "max"),
        (limits.ARGUMENT_MAX, "TrainingContainerArgument", "max"),
        (limits.ENV_VALUE_MAX, "TrainingEnvironmentValue", "max"),
        (limits.ENV_KEY_MAX, "TrainingEnvironmentKey", "max"),
        (limits.ENV_MAX, "TrainingEnvironmentMap", "max"),
    ],
)
def test_a_limit_is_the_one_of_the_vendor_s_model(limit: int, shape: str, bound: str) -> None:
    assert SHAPES[shape][bound] == limit


@pytest.mark.parametrize("cases", [sagemaker, vertex, azureml], ids=["aws", "gcp", "azure"])
@pytest.mark.parametrize("runtime", [True, False])
def test_the_longest_command_that_a_file_may_have_is_taken_by_every_cloud_with_dispatch_run_before_it(
    cases: Any, runtime: bool
) -> None:
    longest = ("x" * limits.ARGUMENT_MAX,) * limits.ARGUMENTS_MAX
    backend = open_backend(cases.open_zone(), user="ada")
    submission = Submission("abcdefgh", 1, "train")
    assert backend.render(train(command=longest, runtime=runtime), cases.queue(), submission).operations


@pytest.mark.parametrize("command", [("x" * 257,), ("x",) * 102])
def test_a_longer_one_is_refused_by_sagemaker_s_own_model_before_anything_is_sent(
    command: tuple[str, ...],
) -> None:
    backend = open_backend(sagemaker.open_zone(), user="ada")
    with pytest.raises(SpecError, match="command") as caught:
        backend.render(train(command=command), sagemaker.queue(), Submission("abcdefgh", 1, "train"))
    assert caught.value.problems[0].path.startswith("command")
