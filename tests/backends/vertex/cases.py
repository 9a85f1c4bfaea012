"""The jobs of the shared table on Vertex AI, every example, and what only Vertex has; kept as golden requests."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dispatcher.backends.base import Request, Submission
from dispatcher.backends.context import Context
from dispatcher.backends.vertex.render import render
from dispatcher.contract import Compute, GcpNetwork, GcpNetworkIds, GcpZone, Limits
from dispatcher.job import Job
from dispatcher.queue import Queue
from tests.backends.cases import DIGEST, controls, examples, train
from tests.backends.sagemaker import cases as sagemaker
from tests.backends.vertex.doubles import golden_zone


def open_zone(**changes: Any) -> GcpZone:
    """Return the golden zone with every type allowed and 16 nodes, and with `changes`."""
    free = {"limits": Limits(max_nodes=16, max_runtime=2_419_200), "controls": controls("online", "nat")}
    return dataclasses.replace(golden_zone(), **{**free, **changes})


def network(**ids: Any) -> GcpNetwork:
    """Return a private network in which jobs have these places."""
    return GcpNetwork("private", "nat", GcpNetworkIds(**ids))


NETWORK = "projects/acme-ml-eu/global/networks/gcp-euw4"
AGENT_ONLY = network(network=NETWORK, subnetwork="projects/acme-ml-eu/regions/europe-west4/subnetworks/gcp-euw4")
PEERED = network(network=NETWORK, reserved_ranges=("vertex-training",))


@dataclass(frozen=True)
class Case:
    """One row: the job, and the queue, zone and regime it meets."""

    job: Job
    zone: GcpZone = field(default_factory=open_zone)
    queue: Queue = field(default_factory=lambda: queue())
    regime: str = "none"
    user: str = "ada@example.org"
    attempt: int = 1

    def render(self) -> Request:
        submission = Submission("k3v9x2", self.attempt, self.job.name or "train")
        return render(self.job, self.queue, submission, Context(self.zone, self.user, "golden", self.regime))


def queue(
    *, pools: list[dict[str, Any]] | None = None, spec: dict[str, Any] | None = None, **fields: Any
) -> Queue:
    """Return the plain queue with `fields` changed; `spec` and `pools` are overrides of the job's spec."""
    if pools is not None or spec is not None:
        job_spec = {**(spec or {}), **({"workerPoolSpecs": pools} if pools is not None else {})}
        fields["overrides"] = {**fields.get("overrides", {}), "jobSpec": job_spec}
    return Queue(**{"name": "training", "zone": "gcp-euw4", **fields})


def scheduled(**fields: Any) -> Queue:
    """Return a queue whose overrides are fields of `scheduling`."""
    return queue(spec={"scheduling": fields})


_ELSEWHERE = {"other-ecr-repository", "vpc-registry", "full-ecr-name"}
"""Cases about AWS's registries."""
_INSTANCES = {"ml.p3.8xlarge": "n1-standard-32+4xV100", "ml.g5.xlarge": "g2-standard-4"}


def ported(case: sagemaker.Case) -> Case:
    """Return a case of the shared table in a zone of Google's, its addresses in Google's words."""

    def words(text: str) -> str:
        text = text.replace("s3://aws-euc1-", "gs://gcp-euw4-").replace("s3://", "gs://")
        return text.replace("aws-sm://db#password", "gcp-sm://db@3").replace("aws-sm://", "gcp-sm://")

    resources = case.job.resources
    instance = resources.instance and _INSTANCES.get(resources.instance, "n2-standard-16")
    job = dataclasses.replace(
        case.job,
        inputs={name: words(uri) for name, uri in case.job.inputs.items()},
        secrets={name: words(reference) for name, reference in case.job.secrets.items()},
        resources=dataclasses.replace(resources, instance=instance),
    )
    changes: dict[str, Any] = {"controls": dataclasses.replace(case.zone.controls, network_isolation=False)}
    if case.zone.network.mode == "public":
        changes["network"] = GcpNetwork("public", "none", GcpNetworkIds())
    return Case(job, open_zone(**changes), regime=case.regime, user=case.user, attempt=case.attempt)


H100 = {"gpu": 8, "gpu_type": "H100", "instance": "a3-highgpu-8g"}
FLEX = scheduled(strategy="FLEX_START")

CASES: Mapping[str, Case] = {
    **{name: ported(case) for name, case in sagemaker.CASES.items() if name not in _ELSEWHERE},
    **{f"example-{name}": Case(job) for name, job in examples().items()},
    "golden-zone": Case(train(resources={"gpu": 1}, image=f"train@{DIGEST}"), zone=golden_zone(), regime="gdpr"),
    "own-registry": Case(train(image=f"{golden_zone().registry.url}/team/train@{DIGEST}"), regime="hipaa"),
    "other-region": Case(train(image="us-docker.pkg.dev/acme-ml-eu/models/train:7")),
    "declared-project": Case(train(image=f"europe-west4-docker.pkg.dev/acme-shared-images/base/train@{DIGEST}")),
    "prebuilt-container": Case(
        train(image="europe-docker.pkg.dev/vertex-ai/training/pytorch-gpu.2-4.py310:latest")
    ),
    "public-registry": Case(train(image="docker.io/library/python:3.12")),
    "dollars": Case(train(env={"A": "$(HOME)", "B": "$$(HOME)", "C": "$HOME costs $5"})),
    "two-nodes": Case(train(resources={"nodes": 2})),
    "four-t4-on-n1": Case(train(resources={"gpu": 4, "gpu_type": "T4"})),
    "n1-by-its-own-name": Case(train(resources={"instance": "n1-standard-16", "gpu": 2, "gpu_type": "V100"})),
    "gpudirect": Case(train(resources={"instance": "a3-megagpu-8g", "nodes": 4})),
    "small-disk": Case(train(resources={"disk": 20})),
    "spot-nodes": Case(train(spot=True, checkpoint=True, resources={"gpu": 1, "gpu_type": "L4", "nodes": 3})),
    "flex-start": Case(train(resources=H100, max_wait=2 * 86_400), queue=FLEX),
    "flex-start-its-own-wait": Case(
        train(resources=H100), queue=scheduled(strategy="FLEX_START", max_wait_duration="0s")
    ),
    "persistent": Case(train(), queue=queue(spec={"persistentResourceId": "warm-l4"}, min_warm=1)),
    "restarts-of-the-queue": Case(train(), queue=scheduled(restart_job_on_worker_restart=True)),
    "tpu": Case(train(resources={"instance": "ct5lp-hightpu-4t"})),
    "tpu-pod": Case(
        train(resources={"gpu_type": "TPU v5e", "instance": "ct5lp-hightpu-4t"}),
        queue=queue(pools=[{"machineSpec": {"tpuTopology": "4x4"}}]),
    ),
    "reservation": Case(
        train(resources={"instance": "a4x-highgpu-4g"}),
        queue=queue(
            pools=[
                {
                    "machineSpec": {
                        "reservationAffinity": {
                            "reservationAffinityType": "SPECIFIC_RESERVATION",
                            "key": "compute.googleapis.com/reservation-name",
                            "values": ["projects/acme-ml-eu/zones/europe-west4-a/reservations/gb200"],
                        }
                    }
                }
            ]
        ),
    ),
    "agent-only-network": Case(train(), zone=open_zone(network=AGENT_ONLY)),
    "peered-network": Case(train(), zone=open_zone(network=PEERED)),
    "host-project": Case(
        train(),
        zone=open_zone(network=network(network="projects/99/global/networks/shared", reserved_ranges=("r",))),
    ),
    "n1-queue-hardware": Case(
        train(resources={"nodes": 3}),
        zone=open_zone(compute=(Compute("gpu", "n1-standard-8+1xT4", max=4),)),
        queue=queue(hardware="gpu"),
    ),
    "snake-case-overrides": Case(
        train(env={"A": "1"}, resources={"instance": "n2-standard-4", "nodes": 2}),
        queue=queue(
            overrides={
                "labels": {"team": "vision"},
                "job_spec": {
                    "worker_pool_specs": [
                        {
                            "disk_spec": {"boot_disk_type": "pd-standard", "boot_disk_size_gb": 300},
                            "container_spec": {"env": [{"name": "NCCL_DEBUG", "value": "INFO"}]},
                            "nfs_mounts": [{"server": "10.0.0.2", "path": "/data", "mount_point": "data"}],
                        }
                    ],
                    "base_output_directory": {"output_uri_prefix": "gs://gcp-euw4-output-1a2b3c/teams/x/"},
                    "psc_interface_config": {
                        "dns_peering_configs": [
                            {"domain": "corp.", "target_project": "acme-ml-eu", "target_network": "gcp-euw4"}
                        ]
                    },
                    "tensorboard": "projects/acme-ml-eu/locations/europe-west4/tensorboards/1",
                    "enable_web_access": False,
                },
            }
        ),
    ),
    "two-pool-overrides": Case(
        train(resources={"nodes": 3}),
        queue=queue(pools=[{"diskSpec": {"bootDiskSizeGb": 500}}, {"diskSpec": {"bootDiskSizeGb": 100}}]),
    ),
    "queue-says-the-same-hardware": Case(
        train(resources={"instance": "g2-standard-8"}),
        queue=queue(
            pools=[{"machineSpec": {"machineType": "g2-standard-8", "acceleratorType": "NVIDIA_L4"}}],
        ),
    ),
}
