"""Where a job keeps its checkpoints: one place for all its attempts, and for the jobs that retry it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dispatcher.backends.azureml.render import render as azureml_request
from dispatcher.backends.base import Request, Submission
from dispatcher.backends.context import Context
from dispatcher.backends.local.render import render as local_request
from dispatcher.backends.sagemaker.render import render as sagemaker_request
from dispatcher.backends.vertex.render import render as vertex_request
from dispatcher.queue import Queue
from tests.backends.azureml import cases as azureml
from tests.backends.cases import train
from tests.backends.sagemaker import cases as sagemaker
from tests.backends.vertex import cases as vertex

JOB = train(checkpoint=True)


def rendered(cloud: str, submission: Submission) -> Request:
    match cloud:
        case "aws":
            zone = Context(sagemaker.open_zone(), "ada", "golden", "none")
            return sagemaker_request(JOB, sagemaker.queue(), submission, zone)
        case "gcp":
            return vertex_request(
                JOB, vertex.queue(), submission, Context(vertex.open_zone(), "ada", "golden", "none")
            )
        case "azure":
            context = Context(azureml.open_zone(), "ada", "golden", "none")
            return azureml_request(JOB, azureml.queue(), submission, context)
    return local_request(JOB, Queue("local", "local"), submission, Path("/place"))


@pytest.mark.parametrize("cloud", ["aws", "gcp", "azure", "local"])
def test_a_retried_job_goes_on_with_the_checkpoints_of_the_first_and_shares_nothing_else(cloud: str) -> None:
    first = naming("k3v9x2", rendered(cloud, Submission("k3v9x2", 2, "train")))
    again = rendered(cloud, Submission("m4w8y5", 1, "train", checkpoints_of="k3v9x2"))
    kept = {text for text in first if "checkpoints" in text}
    assert kept == naming("k3v9x2", again)
    assert kept
    assert not [text for text in naming("m4w8y5", again) if "checkpoints" in text]


def naming(id: str, request: Request) -> set[str]:
    """Every text of a request that holds the id of a submission."""
    document = json.dumps([operation.as_json() for operation in request.operations])
    return {text for text in re.findall(r'"([^"]*)"', document) if id in text}
