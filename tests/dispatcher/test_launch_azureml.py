"""Queues for Azure ML in the Launch form: applied, corrected with a note, or refused."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from dispatcher.backends.azureml.compute import cluster_id
from dispatcher.contract import AzureZone, Compute
from dispatcher.documents import queue_file
from dispatcher.errors import SpecError
from dispatcher.job import Priority
from dispatcher.queue import Queue
from tests.backends.azureml.cases import clusters, open_zone

THEIRS = cluster_id(dataclasses.replace(clusters(), resource_group="g", workspace="eastus-ws"), "gpu")
ODD = "/subscriptions/s/resourceGroups/g/providers/x/workspaces/w/computes/gpu"
GPU = Compute("gpu", "Standard_NC4as_T4_v3", max=8)


def config(**fields: Any) -> str:
    """Return a queue file in the Launch form."""
    return json.dumps({"name": "q", "resource": "azure-ml", "config": fields})  # YAML all the same


def read(text: str, zone: AzureZone | None = None) -> tuple[Queue, list[str]]:
    """Return the one queue of a file, and the notes."""
    notes: list[str] = []
    (queue,) = queue_file.parse("q.yaml", text, {"azure-weu": zone or clusters(GPU)}, notes)
    return queue, notes


def wrong(text: str, zone: AzureZone | None = None) -> list[tuple[str, str]]:
    """Return path and words of every problem."""
    with pytest.raises(SpecError) as raised:
        read(text, zone)
    return [(problem.path, f"{problem.rule} ({problem.remedy})") for problem in raised.value.problems]


def test_the_guides_queue_without_a_config_is_a_line_in_front_of_the_zone() -> None:
    queue, notes = read("name: compliance-azure\nresource: azure-ml\npriority: high\n")
    assert queue == Queue("compliance-azure", "azure-weu", priority=Priority.HIGH)
    assert notes == []


def test_what_a_queue_says_itself_is_taken_out_of_the_jobs_fields() -> None:
    queue, notes = read(
        config(
            compute="azureml:gpu",
            resources={"instance_count": 2, "shm_size": "8g"},
            limits={"timeout": 7200},
            queue_settings={"job_tier": "Spot"},
            environment_variables={"NCCL_DEBUG": "INFO"},
            experiment_name="vision",
        )
    )
    assert queue == Queue(
        "q",
        "azure-weu",
        hardware="gpu",
        nodes=2,
        max_runtime=7200,
        spot="required",
        overrides={
            "properties": {
                "resources": {"shm_size": "8g"},
                "environmentVariables": {"NCCL_DEBUG": "INFO"},
                "experimentName": "vision",
            }
        },
    )
    assert notes == []


def test_the_fields_may_be_written_as_the_api_has_them() -> None:
    own = cluster_id(clusters(GPU), "gpu")
    queue, _ = read(
        config(
            properties={
                "computeId": own.replace("/resourceGroups/", "/resourcegroups/"),
                "limits": {"jobLimitsType": "Command", "timeout": "PT1H30M"},
                "queueSettings": {"jobTier": "Standard"},
                "resources": {"instanceType": "Standard_NC4as_T4_v3", "instanceCount": 1},
            }
        )
    )
    assert (queue.hardware, queue.max_runtime, queue.spot, queue.nodes) == ("gpu", 5400, "allowed", 1)
    assert queue.overrides == {}


def test_the_zones_own_words_are_no_contradiction() -> None:
    zone = clusters(GPU)
    queue, notes = read(
        config(workspace_name=zone.workspace, resourceGroup="AZURE-WEU", subscription_id=zone.subscription,
               location="westeurope", vm_priority="dedicated")
    )  # fmt: skip
    assert queue == Queue("q", "azure-weu")
    assert notes == ["q.yaml:1: config.vm_priority is left out: the zone's clusters are dedicated"]


def test_serverless_is_what_jobs_of_a_public_zone_are() -> None:
    _, notes = read(config(compute="serverless"), open_zone())
    assert "jobs of the zone are serverless" in notes[0]
    ((path, words),) = wrong(config(compute="serverless"))
    assert (path, "not public" in words) == ("config.compute", True)


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("a workspace in another region", {"location": "eastus"}, "config.location", "its region: westeurope"),
    ("another workspace", {"workspace": "theirs"}, "config.workspace", "azure-weu-1a2b3c"),
    ("another subscription", {"subscription_id": "x"}, "config.subscription_id", "the zone's subscription"),
    ("another group", {"resource_group": "x"}, "config.resource_group", "the zone's resource group"),
    ("a low-priority cluster", {"tier": "low_priority"}, "config.tier", "retired on 2026-03-31"),
    ("LowPriority", {"vmPriority": "LowPriority"}, "config.vmPriority", "set spot: required"),
    ("vmPriority Spot", {"vmPriority": "Spot"}, "config.vmPriority", "vmPriority has no Spot"),
    ("a tier nobody has", {"tier": "gold"}, "config.tier", "does not have"),
    ("tier Basic", {"queueSettings": {"jobTier": "Basic"}}, "config.queueSettings.jobTier", "is Basic, a tier"),
    ("a priority", {"queue_settings": {"priority": 1}}, "config.queue_settings.priority", "any more"),
    ("a name too long", {"compute": "c" * 25}, "config.compute", "at most 24 characters"),
    ("an unknown cluster", {"compute": "gpus"}, "config.compute", "did you mean gpu?"),
    (
        "a cluster of another workspace",
        {"computeId": THEIRS},
        "config.computeId",
        "is of workspace eastus-ws in group g (the zone's workspace is azure-weu-1a2b3c in westeurope",
    ),
    ("the same for `az ml`", {"compute": f"azureml:{THEIRS}"}, "config.compute", "is of workspace eastus-ws"),
    (
        "a workspace for a cluster",
        {"computeId": THEIRS.partition("/computes")[0]},
        "config.computeId",
        "eastus-ws",
    ),
    ("an id of something else", {"computeId": ODD}, "config.computeId", "not a compute of zone azure-weu"),
    ("a retired size", {"instance_type": "Standard_NC6s_v3"}, "config.instance_type", "NCv3 series on 2025-09-30"),
    (
        "an unknown size",
        {"resources": {"instance_type": "Standard_NC4as_T4_v4"}},
        "config.resources.instance_type",
        "did you mean Standard_NC4as_T4_v3?",
    ),
    (
        "a size that no cluster has",
        {"resources": {"instanceType": "Standard_ND96asr_v4"}},
        "config.resources.instanceType",
        "it has gpu (Standard_NC4as_T4_v3)",
    ),
    ("no number of nodes", {"instance_count": "two"}, "config.instance_count", "number"),
    ("no duration", {"limits": {"timeout": "soon"}}, "config.limits.timeout", "duration"),
    *(
        (name, {name: "x"}, f"config.{name}", "is not taken from a queue")
        for name in ("command", "environment", "code", "identity", "displayName", "type", "inputs")
    ),
]


@pytest.mark.parametrize(
    ("fields", "path", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_field_that_is_somebody_elses_is_refused_by_name(fields: dict[str, Any], path: str, words: str) -> None:
    ((found, said),) = wrong(config(**fields))
    assert found == path
    assert words in said


@pytest.mark.parametrize(("text", "seconds"), [("PT3600S", 3600), ("P1DT1M", 86_460), ("2h", 7200), (60, 60)])
def test_a_time_limit_is_read_as_the_api_and_as_people_write_it(text: object, seconds: int) -> None:
    queue, _ = read(config(limits={"timeout": text}))
    assert queue.max_runtime == seconds
