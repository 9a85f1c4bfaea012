"""The table of jobs whose requests are judged by the vendor's model and kept as golden files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dispatcher.backends.base import Submission
from dispatcher.backends.context import Context
from dispatcher.contract import (
    AwsNetwork,
    AwsNetworkIds,
    AwsZone,
    Compute,
    Limits,
    parse,
)
from dispatcher.job import Job, Priority, Resources, Wandb
from dispatcher.queue import Queue
from tests.backends.cases import CODE, DIGEST, GOLDEN, controls, train


def golden_zone() -> AwsZone:
    """Return the zone of the golden AWS contract."""
    zone = parse(json.loads((GOLDEN / "contracts" / "aws.json").read_text())).zones["aws-euc1"]
    assert isinstance(zone, AwsZone)
    return zone


def open_zone(**changes: Any) -> AwsZone:
    """Return the golden zone with every type allowed and 16 nodes, and with `changes`."""
    return dataclasses.replace(golden_zone(), **{"limits": Limits(max_nodes=16, max_runtime=2_419_200), **changes})


PUBLIC = AwsNetwork("public", "none", AwsNetworkIds())
CLOSED = AwsNetwork("private", "none", golden_zone().network.ids)


@dataclass(frozen=True)
class Case:
    """One row: the job, and the queue, zone and regime it meets."""

    job: Job
    zone: AwsZone = field(default_factory=open_zone)
    queue: Queue = field(default_factory=lambda: Queue("training", "aws-euc1"))
    regime: str = "none"
    user: str = "ada@example.org"
    attempt: int = 1

    @property
    def context(self) -> Context[AwsZone]:
        return Context(self.zone, self.user, "golden", self.regime)

    @property
    def submission(self) -> Submission:
        return Submission("k3v9x2", self.attempt, self.job.name or "train")


def queue(**fields: Any) -> Queue:
    """Return the plain queue with `fields` changed."""
    return Queue(**{"name": "training", "zone": "aws-euc1", **fields})


CASES: Mapping[str, Case] = {
    "with-dispatch-run": Case(train(runtime=True, secrets={"WANDB_API_KEY": "aws-sm://wandb"}, checkpoint=True)),
    "two-nodes-with-dispatch-run": Case(train(runtime=True, resources={"nodes": 2})),
    "code": Case(train(runtime=True, code=CODE, inputs={"train": "s3://aws-euc1-data-1a2b3c/train"})),
    "no-dispatch-run-on-purpose": Case(train(runtime=False)),
    "smallest": Case(train()),
    "seed": Case(
        Job(
            image="wandb/deeplearning:latest",
            command=("python", "train.py", "--learning-rate", "0.001", "--epochs", "100"),
            secrets={"MY_API_KEY": "aws-sm://my-api-key"},
            job_type="train-model",
            resources=Resources(cpu=2, gpu=1, memory=8),
        )
    ),
    "golden-zone-gpu": Case(train(resources={"gpu": 1}), zone=golden_zone()),
    "digest": Case(train(image=f"train@{DIGEST}")),
    "digest-in-gdpr": Case(train(image=f"train@{DIGEST}"), regime="gdpr"),
    "full-ecr-name": Case(train(image=f"{golden_zone().registry.url}@{DIGEST}"), regime="hipaa"),
    "other-ecr-repository": Case(
        train(image="763104351884.dkr.ecr.eu-central-1.amazonaws.com/pytorch-training:2.6.0-gpu-py312")
    ),
    "vpc-registry": Case(
        train(image="registry.corp.example:5000/ml/train:7"),
        queue=queue(
            overrides={"AlgorithmSpecification": {"TrainingImageConfig": {"TrainingRepositoryAccessMode": "Vpc"}}}
        ),
    ),
    "no-command": Case(train(command=())),
    "one-word-command": Case(train(command=("/opt/run",))),
    "long-command": Case(train(command=("python", *(f"--option-{n}=" + "x" * 240 for n in range(90))))),
    "unicode-arguments": Case(train(command=("python", "train.py", "--name", "Žluťoučký kůň 🐎", "", "a b"))),
    "environment": Case(
        train(env={"LOG_LEVEL": "info", "_X": "", "TEXT": "line one\nline two", "BIG": "x" * 512})
    ),
    "many-variables": Case(train(env={f"NAME_{n}": str(n) for n in range(80)})),
    "secrets": Case(train(secrets={"WANDB_API_KEY": "aws-sm://wandb-api-key", "DB": "aws-sm://db#password"})),
    "inputs": Case(
        train(
            inputs={
                "train": "s3://aws-euc1-data-1a2b3c/images/train",
                "test-set": "s3://aws-euc1-data-1a2b3c/images/test",
                "foreign": "s3://somebody-elses/bucket",
            }
        )
    ),
    "ebs-disk": Case(train(resources={"instance": "ml.m5.4xlarge", "disk": 500})),
    "nvme-disk": Case(train(resources={"instance": "ml.g5.xlarge", "disk": 200})),
    "retired-type": Case(train(resources={"instance": "ml.p3.8xlarge"})),
    "unknown-storage": Case(train(resources={"instance": "ml.p6e-gb200.36xlarge", "disk": 10})),
    "four-a100-nodes": Case(train(resources={"gpu": 8, "gpu_type": "A100-40GB", "nodes": 4})),
    "nodes-without-efa": Case(train(resources={"instance": "ml.g5.xlarge", "nodes": 2})),
    "spot": Case(train(spot=True, checkpoint=True, max_runtime=43_200)),
    "spot-max-wait": Case(train(spot=True, checkpoint=True, max_runtime=3600, max_wait=7200)),
    "spot-28-days": Case(train(spot=True, checkpoint=True, max_runtime=2_419_200)),
    "spot-on-a-warm-queue": Case(train(spot=True, checkpoint=True), queue=queue(min_warm=1)),
    "checkpoint": Case(train(checkpoint=True), attempt=3),
    "retries": Case(train(retries=30)),
    "warm-pool": Case(train(), queue=queue(min_warm=2)),
    "queue-hardware": Case(
        train(resources={"nodes": 3}),
        zone=open_zone(compute=(Compute("gpu", "ml.g6.12xlarge", max=4),)),
        queue=queue(hardware="gpu", max_nodes=4, max_runtime=86_400),
    ),
    "spot-tier": Case(
        train(spot=True, checkpoint=True),
        zone=open_zone(compute=(Compute("cheap", "ml.m5.xlarge", tier="spot"),)),
        queue=queue(hardware="cheap", spot="required"),
    ),
    "isolated": Case(train(), zone=open_zone(controls=controls(isolated=True))),
    "isolated-offline-wandb": Case(
        train(wandb=Wandb("p"), env={"WANDB_MODE": "offline"}),
        zone=open_zone(controls=controls("online", "nat", isolated=True)),
    ),
    "isolated-by-the-queue": Case(
        train(), zone=open_zone(controls=controls()), queue=queue(overrides={"EnableNetworkIsolation": True})
    ),
    "public-network": Case(
        train(wandb=Wandb("demo", "team")),
        zone=open_zone(network=PUBLIC, controls=controls("online", host="api.wandb.ai")),
    ),
    "closed-network": Case(train(), zone=open_zone(network=CLOSED, controls=controls("offline"))),
    "wandb-online": Case(train(wandb=Wandb("demo", "team"), secrets={"WANDB_API_KEY": "aws-sm://wandb-api-key"})),
    "wandb-private-link": Case(
        train(wandb=Wandb("demo")),
        zone=open_zone(network=CLOSED, controls=controls("online", "private-link", host="wandb.corp.example")),
    ),
    "wandb-disabled": Case(train(wandb=Wandb("demo")), zone=open_zone(controls=controls())),
    "labels": Case(train(labels={"team": "vision", "cost-center": "42"}, workload="production", job_type="train")),
    "odd-user": Case(train(), user='Ada Łovelace <ada@example.org> (#1, "boss")'),
    "priority": Case(train(priority=Priority.CRITICAL, preemptible=True)),
    "overrides": Case(
        train(env={"A": "1"}),
        queue=queue(
            overrides={
                "OutputDataConfig": {
                    "CompressionType": "NONE",
                    "S3OutputPath": "s3://aws-euc1-output-1a2b3c/teams/x",
                },
                "Environment": {"NCCL_DEBUG": "INFO"},
                "Tags": [{"Key": "team", "Value": "vision"}],
                "AlgorithmSpecification": {"MetricDefinitions": [{"Name": "loss", "Regex": "loss=(\\S+)"}]},
                "ProfilerConfig": {"DisableProfiler": True},
                "StoppingCondition": {"MaxPendingTimeInSeconds": 7200},
                "HyperParameters": {"lr": "0.1"},
            }
        ),
    ),
}
