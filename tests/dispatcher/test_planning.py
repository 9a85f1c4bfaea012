"""A plan counts what a job takes: nodes, or the machines behind one replica."""

from __future__ import annotations

import dataclasses
import json

from dispatcher import planning
from dispatcher.backends import open_backend
from dispatcher.contract import Limits, as_json
from dispatcher.job import Job, Resources
from dispatcher.ledger import ZoneRow
from dispatcher.queue import Queue
from dispatcher.redact import Redactor
from dispatcher.sites import Line
from tests.backends.vertex.doubles import golden_zone

NOW = "2026-11-21T00:00:00Z"


def test_a_pod_of_tpus_is_estimated_and_counted_by_its_machines() -> None:
    zone = dataclasses.replace(golden_zone(), limits=Limits(max_nodes=16))
    topology = {"jobSpec": {"workerPoolSpecs": [{"machineSpec": {"tpuTopology": "4x4"}}]}}
    queue = Queue("tpu", "gcp-euw4", overrides=topology)
    document = json.dumps(as_json(zone))
    row = ZoneRow("gcp-euw4", "gcp", zone.region, "golden", "none", "test", 1, NOW, NOW, document)
    job = Job(image="train", command=("x",), resources=Resources(instance="ct5lp-hightpu-4t"))
    made = planning.plan(job, Line(queue, None, row), open_backend(zone, user="ada"), None, Redactor())
    assert made.estimate.nodes == 4
    entry = planning.entry(made, who="ada", host="h", now=NOW)
    assert entry.nodes == 4


def test_a_plan_warns_of_gpus_that_nobody_asked_for() -> None:
    zone = dataclasses.replace(golden_zone(), limits=Limits(max_nodes=1))
    row = ZoneRow("gcp-euw4", "gcp", zone.region, "golden", "none", "test", 1, NOW, NOW, json.dumps(as_json(zone)))
    line = Line(Queue("line", "gcp-euw4"), None, row)
    job = Job(image="train", command=("x",), resources=Resources(gpu=1, instance="a2-highgpu-8g"))
    made = planning.plan(job, line, open_backend(zone, user="ada"), None, Redactor())
    assert any("a2-highgpu-8g has 8 GPUs, the job asks for 1" in text for text in made.request.warnings)
