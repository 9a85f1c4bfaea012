"""dispatch-run in a request: in front of the command on every cloud, and what is told when the image has none."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dispatcher.backends import runtime
from dispatcher.backends.base import Submission
from dispatcher.backends.findings import Findings
from dispatcher.backends.local.render import render as local_render
from dispatcher.backends.sagemaker.render import render as sagemaker_render
from dispatcher.documents import job_file, queue_file
from dispatcher.errors import SpecError
from dispatcher.job import Job, Resources
from dispatcher.queue import Queue
from dispatcher.sites import Line
from tests.backends.azureml import cases as azureml
from tests.backends.cases import train
from tests.backends.sagemaker import cases as sagemaker
from tests.backends.vertex import cases as vertex

CLOUDS = ("aws", "gcp", "azure")


def told(cloud: str, **fields: Any) -> str:
    findings = Findings()
    runtime.check(train(**fields), cloud, findings)
    findings.settle()
    return "\n".join(findings.warnings)


def rendered(cloud: str, job: Job) -> Mapping[str, Any]:
    """Return the last body of the request."""
    if cloud == "aws":
        aws = dataclasses.replace(sagemaker.CASES["smallest"], job=job)
        return sagemaker_render(aws.job, aws.queue, aws.submission, aws.context).operations[-1].body
    if cloud == "gcp":
        return dataclasses.replace(vertex.CASES["smallest"], job=job).render().operations[-1].body
    return dataclasses.replace(azureml.CASES["smallest"], job=job).render().operations[-1].body


def test_it_stands_in_front_of_the_command_on_every_cloud() -> None:
    job = train(runtime=True, command=("python", "train.py", "--rate", "1e-3"))
    algorithm = rendered("aws", job)["AlgorithmSpecification"]
    assert algorithm["ContainerEntrypoint"] == ["dispatch-run", "--", "python"]
    assert algorithm["ContainerArguments"] == ["train.py", "--rate", "1e-3"]
    container = rendered("gcp", job)["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]
    assert container["command"] == ["dispatch-run", "--", "python"]
    assert container["args"] == ["train.py", "--rate", "1e-3"]
    command = rendered("azure", job)["properties"]["command"]
    assert command.endswith(" && exec dispatch-run -- python train.py --rate 1e-3")


def test_on_this_machine_it_is_the_dispatcher_s_own_whatever_the_path_says(tmp_path: Path) -> None:
    def command(job: Job) -> list[str]:
        queue, submission = Queue("local", "local"), Submission("k3v9x2", 1, "train")
        words: list[str] = local_render(job, queue, submission, tmp_path).operations[0].body["Command"]
        return words

    assert command(train()) == ["python", "train.py"]
    assert command(train(runtime=True)) == [
        sys.executable,
        "-P",
        "-m",
        "dispatcher.runtime",
        "--",
        *command(train()),
    ]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_command_of_the_greatest_length_still_fits_behind_it(cloud: str) -> None:
    assert rendered(cloud, train(runtime=True, command=tuple(["x" * 256] * 100)))


@pytest.mark.parametrize("cloud", CLOUDS)
def test_with_it_a_job_is_warned_of_nothing_and_must_say_its_command(cloud: str) -> None:
    everything = {"secrets": {"A": "aws-sm://a"}, "checkpoint": True, "resources": {"nodes": 3}}
    assert told(cloud, runtime=True, **everything) == ""
    with pytest.raises(SpecError, match="command: is missing: dispatch-run starts what the job says"):
        rendered(cloud, train(runtime=True, command=()))


ALONE = "NODE_RANK and WORLD_SIZE are not set"
TRIED = "whether checkpoints can be written shows at the first one"
REASON = "a failure shows no reason but its exit code"
SECRET = "secrets stay references, which the program must resolve itself (DISPATCH_SECRET_A)"


@pytest.mark.parametrize(
    ("cloud", "fields", "differs"),
    [
        ("aws", {}, [ALONE, REASON]),
        ("gcp", {}, [ALONE]),
        ("azure", {}, [ALONE]),
        ("azure", {"checkpoint": True}, [ALONE, TRIED]),
        ("aws", {"secrets": {"A": "aws-sm://a"}}, [SECRET, ALONE, REASON]),
        ("aws", {"nodes": 2}, ["no node is told its rank", ALONE, REASON]),
        ("gcp", {"nodes": 2}, ["no node is told MASTER_ADDR, which it must read from CLUSTER_SPEC", ALONE]),
        ("gcp", {"nodes": 3}, ["no node is told MASTER_ADDR nor its rank", ALONE]),
        ("azure", {"nodes": 2}, []),
    ],
)
def test_without_it_a_job_is_told_what_differs_there_and_how_to_have_it(
    cloud: str, fields: dict[str, Any], differs: list[str]
) -> None:
    text = told(cloud, resources=Resources(nodes=fields.pop("nodes", 1)), **fields)
    assert bool(text) == bool(differs)
    assert all(one in text for one in differs)
    assert text.count("; ") == max(len(differs) - 1, 0)
    if differs:
        assert text.startswith("the image is not said to have dispatch-run: ")
        assert text.endswith(f"({runtime.ADD})")


def test_who_says_that_it_is_not_there_is_told_only_what_breaks() -> None:
    assert told("aws", runtime=False, checkpoint=True) == ""
    broken = told("aws", runtime=False, secrets={"A": "aws-sm://a"}, resources={"nodes": 2})
    assert SECRET in broken
    assert "no node is told its rank" in broken
    assert ALONE not in broken


def test_a_queue_says_it_for_jobs_that_do_not() -> None:
    (queue,) = queue_file.parse("q.yaml", "{name: gpu, zone: z, runtime: true}")
    assert queue.runtime is True
    assert "runtime: true" in queue_file.as_text([queue])
    defaults = Line(queue, None, None).defaults()
    assert job_file.parse("j.yaml", "image: a:1", defaults=defaults).runtime is True
    assert job_file.parse("j.yaml", "{image: a:1, runtime: false}", defaults=defaults).runtime is False
    assert job_file.parse("j.yaml", "image: a:1").runtime is None


@pytest.mark.parametrize("name", ["NODE_RANK", "RANK", "WORLD_SIZE", "MASTER_ADDR", "DISPATCH_NODES"])
def test_a_job_cannot_set_what_it_sets(name: str) -> None:
    with pytest.raises(SpecError, match="is set by the dispatcher or the cloud in every job"):
        job_file.parse("j.yaml", f"{{image: a:1, env: {{{name}: 1}}}}")
