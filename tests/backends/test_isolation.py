"""A zone whose containers have no network: what needs one is refused by name, on every cloud, all at once."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from dispatcher.backends.azureml.render import render as azureml
from dispatcher.backends.base import Submission
from dispatcher.backends.context import Context
from dispatcher.backends.sagemaker.render import render as sagemaker
from dispatcher.backends.vertex.render import render as vertex
from dispatcher.errors import PolicyRefusal
from dispatcher.job import Code, Wandb
from tests.backends import cases
from tests.backends.azureml import cases as azureml_cases
from tests.backends.sagemaker import cases as sagemaker_cases
from tests.backends.vertex import cases as vertex_cases

CLOUDS = [
    pytest.param(sagemaker, sagemaker_cases, "aws-sm", id="sagemaker"),
    pytest.param(vertex, vertex_cases, "gcp-sm", id="vertex"),
    pytest.param(azureml, azureml_cases, "azure-kv", id="azureml"),
]


@pytest.mark.parametrize(("render", "own", "scheme"), CLOUDS)
def test_secrets_code_and_wandb_online_are_each_refused_by_the_name_of_the_rule(
    render: Callable[..., Any], own: ModuleType, scheme: str
) -> None:
    job = cases.train(
        secrets={"HF_TOKEN": f"{scheme}://hf"}, code=Code("src", "0" * 64, 1), runtime=True, wandb=Wandb("p")
    )
    controls = cases.controls("online", "nat", isolated=True, host="api.wandb.ai")
    context = Context(own.open_zone(controls=controls), "ada@example.org", "golden", "none")
    with pytest.raises(PolicyRefusal) as refused:
        render(job, own.Case(job).queue, Submission("k3v9x2", 1, "train"), context)
    said = str(refused.value)
    rule = "controls.network_isolation: an isolated container"
    assert f"{rule} cannot fetch secrets (HF_TOKEN)" in said
    assert f"{rule} takes no code beside its image (src)" in said
    assert f"{rule} cannot reach W&B online" in said
