"""A queue's overrides are tried when it is synced: refused when every job would be, on whatever hardware."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from dispatcher import trial
from dispatcher.backends import open_backend
from dispatcher.contract import Compute, Limits, Zone
from dispatcher.queue import Queue
from tests.backends.sagemaker import cases as aws
from tests.backends.vertex.doubles import golden_zone

AWS = aws.open_zone()
GCP = dataclasses.replace(golden_zone(), limits=Limits(max_nodes=16))


def found(zone: Zone, overrides: dict[str, Any], **fields: Any) -> list[tuple[str, str]]:
    """Return path and words of what a sync would say of these overrides."""
    queue = Queue("q", "z", overrides=overrides, **fields)
    problems = trial.overrides(queue, zone, lambda: open_backend(zone, user="ada"), "queue file")
    return [(problem.path, f"{problem.rule} ({problem.remedy})") for problem in problems]


def scheduling(**fields: Any) -> dict[str, Any]:
    return {"jobSpec": {"scheduling": fields}}


@pytest.mark.parametrize(
    ("zone", "overrides"),
    [
        (AWS, {}),
        (AWS, {"ResourceConfig": {"KeepAlivePeriodInSeconds": 60}}),
        (GCP, {"jobSpec": {"enableWebAccess": True}}),
        (GCP, {"job_spec": {"worker_pool_specs": [{"disk_spec": {"boot_disk_size_gb": 300}}]}}),
    ],
)
def test_overrides_that_a_plain_job_takes_are_fine(zone: Zone, overrides: dict[str, Any]) -> None:
    assert found(zone, overrides) == []


@pytest.mark.parametrize(
    "overrides",
    [
        scheduling(strategy="FLEX_START", maxWaitDuration="7200s"),
        {"jobSpec": {"workerPoolSpecs": [{"machineSpec": {"acceleratorType": "NVIDIA_L4"}}]}},
        {"jobSpec": {"workerPoolSpecs": [{"machineSpec": {"tpuTopology": "2x4"}}]}},
    ],
)
def test_overrides_for_one_kind_of_hardware_are_fine_where_a_job_may_have_it(overrides: dict[str, Any]) -> None:
    assert found(GCP, overrides) == []
    narrow = dataclasses.replace(GCP, limits=Limits(("n2-standard-4",)), compute=())
    assert found(narrow, overrides)


def test_a_queue_with_hardware_is_tried_on_it_alone() -> None:
    compute = (Compute("t4", "n1-standard-4+1xT4"), Compute("l4", "g2-standard-8"))
    zone = dataclasses.replace(GCP, compute=compute)
    flex = scheduling(strategy="FLEX_START")
    assert found(zone, flex, hardware="l4") == []
    ((path, said),) = found(zone, flex, hardware="t4")
    assert path == "queue q: overrides"
    assert "flex-start accelerator: n1-standard-4+1xT4 has NVIDIA_TESLA_T4" in said


@pytest.mark.parametrize(
    ("zone", "overrides", "path", "words"),
    [
        (AWS, {"RoleArn": "x"}, "queue q: overrides", "cannot set RoleArn (it is the zone's execution"),
        (GCP, {"jobSpec": {"serviceAccount": "x"}}, "queue q: overrides", "cannot set jobSpec.serviceAccount"),
        (
            GCP,
            scheduling(strateg="SPOT"),
            "queue q: overrides.jobSpec.scheduling.strateg",
            "did you mean strategy?",
        ),
        (
            GCP,
            scheduling(maxWaitDuration="7200"),
            "queue q: overrides.jobSpec.scheduling.maxWaitDuration",
            "does not match",
        ),
    ],
)
def test_what_no_job_could_have_is_refused(zone: Zone, overrides: dict[str, Any], path: str, words: str) -> None:
    problems = found(zone, overrides)
    assert path in [at for at, _ in problems]
    assert any(words in said for _, said in problems)
