"""The types of a custom job without the package around them: light, complete, and in nobody's way."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from dispatcher.backends.vertex import protos
from dispatcher.errors import SpecError, UsageError

BODY = {
    "displayName": "train-abc-1",
    "labels": {"dispatch-name": "train-abc-1"},
    "jobSpec": {
        "workerPoolSpecs": [
            {
                "machineSpec": {"machineType": "n2-standard-4"},
                "replicaCount": "1",
                "containerSpec": {"imageUri": "x", "command": ["true"]},
            }
        ],
        "scheduling": {"timeout": "3600s", "strategy": "SPOT"},
    },
}


def python(program: str) -> Any:
    """Run a program of its own and return the JSON it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.process
def test_the_types_come_alone_and_the_whole_package_can_still_be_imported() -> None:
    program = """
import json, sys
from dispatcher.backends.vertex import protos
light = protos.load("custom_job")
seen = sorted(name for name in sys.modules if name.startswith("google.cloud.aiplatform"))
import google.cloud.aiplatform
import google.cloud.aiplatform_v1 as whole
from google.cloud.aiplatform_v1.types import custom_job
same = whole.CustomJob is light.CustomJob and custom_job is light
same = same and protos.load("job_service").ListCustomJobsRequest is whole.ListCustomJobsRequest
made = google.cloud.aiplatform.CustomJob.__name__
print(json.dumps({"seen": seen, "same": same, "client": whole.JobServiceClient.__name__, "made": made}))
"""
    found = python(program)
    assert found["same"]
    assert found["client"] == "JobServiceClient"
    assert "google.cloud.aiplatform_v1" not in found["seen"]
    assert "google.cloud.aiplatform" not in found["seen"]
    assert not [name for name in found["seen"] if ".services" in name]
    assert len(found["seen"]) < 40


@pytest.mark.process
def test_where_the_layout_is_another_the_whole_package_is_imported() -> None:
    program = """
import json, sys
from dispatcher.backends.vertex import protos
def moved(): raise FileNotFoundError("the package looks different now")
protos._folder = moved
light = protos.load("custom_job")
protos.check({"displayName": "x"})
print(json.dumps({"whole": "google.cloud.aiplatform_v1" in sys.modules, "name": light.CustomJob.__name__}))
"""
    assert python(program) == {"whole": True, "name": "CustomJob"}


def test_a_body_that_the_types_hold_is_accepted() -> None:
    protos.check(BODY)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"displayNme": "x"}, "displayNme"),
        ({"jobSpec": {"scheduling": {"strategy": "CHEAP"}}}, "CHEAP"),
        ({"jobSpec": {"scheduling": {"timeout": "3600"}}}, "3600"),
        ({"jobSpec": {"workerPoolSpecs": {"replicaCount": "1"}}}, "workerPoolSpecs"),
        ({"labels": {"a": 1}}, "labels"),
    ],
)
def test_a_field_an_enum_or_a_duration_that_the_types_do_not_know_is_refused(
    wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(SpecError) as caught:
        protos.check({**BODY, **wrong})
    assert words in str(caught.value)


def test_types_that_are_not_installed_are_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(protos, "load", absent)
    with pytest.raises(UsageError) as caught:
        protos.check(BODY)
    assert caught.value.remedy == "pip install 'launchway[gcp]'"
