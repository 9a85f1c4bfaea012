"""Rendering loads no cloud SDK and no pydantic; opening a backend reaches nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dispatcher.contract import Zone, as_json
from tests.backends.azureml.cases import golden_zone as azure_zone
from tests.backends.sagemaker.cases import golden_zone as aws_zone
from tests.backends.vertex.doubles import golden_zone as gcp_zone

HEAVY = {
    "boto3",
    "botocore",
    "google",
    "azure",
    "msal",
    "proto",
    "grpc",
    "pydantic",
    "requests",
    "pulumi",
    "yaml",
    "moto",
}
SCRIPT = """
import json, sys
before = set(sys.modules)  # the interpreter itself loads empty google and google.cloud packages
from dispatcher.contract import trusted
from dispatcher.backends import open_backend
from dispatcher.backends.base import Submission
from dispatcher.job import Job
from dispatcher.placement import choose, estimate
from dispatcher.queue import Queue
zone = trusted(json.load(sys.stdin))
job, queue = Job(image="train", command=("x",)), Queue("q", "z")
backend = open_backend(zone, user="ada")
backend.render(job, queue, Submission("abc", 1, "train"))
estimate(choose(job, queue, zone), job).as_json()
open_backend(None, user="ada")
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.mark.wire
@pytest.mark.parametrize("zone", [aws_zone(), gcp_zone(), azure_zone()], ids=["aws", "gcp", "azure"])
def test_a_dry_run_loads_nothing_heavy(zone: Zone) -> None:
    import json

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(as_json(zone)),
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & HEAVY


def test_no_module_of_the_backends_names_an_sdk_at_its_top() -> None:
    root = Path(__file__).parents[2] / "dispatcher"
    for path in [*(root / "backends").rglob("*.py"), *(root / "placement").rglob("*.py")]:
        top = [line for line in path.read_text().splitlines() if line.startswith(("import ", "from "))]
        assert not [line for line in top if line.split()[1].partition(".")[0] in HEAVY], path
