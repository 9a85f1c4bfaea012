"""The jobs of the shared table on Azure ML, every example, and what only Azure has; kept as golden requests."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dispatcher.backends.azureml.render import render
from dispatcher.backends.base import Request, Submission
from dispatcher.backends.context import Context
from dispatcher.contract import AzureNetwork, AzureNetworkIds, AzureZone, Compute, Limits, parse
from dispatcher.job import Job
from dispatcher.queue import Queue
from tests.backends.cases import DIGEST, GOLDEN, controls, examples, train
from tests.backends.sagemaker import cases as sagemaker


def golden_zone() -> AzureZone:
    """Return the zone of the golden Azure contract: private, with one cluster."""
    (zone,) = parse(json.loads((GOLDEN / "contracts" / "azure.json").read_text())).zones.values()
    assert isinstance(zone, AzureZone)
    return zone


PUBLIC = AzureNetwork("public", "none", AzureNetworkIds())
NAT = AzureNetwork("private", "nat", AzureNetworkIds())
CLUSTERS = (
    Compute("cpu", "Standard_D4ds_v5", max=4),
    Compute("gpu", "Standard_NC4as_T4_v3", max=2),
    Compute("gpu-large", "Standard_NC4as_T4_v3", max=16),
    Compute("a100", "Standard_ND96asr_v4", max=8),
)


def open_zone(**changes: Any) -> AzureZone:
    """Return the golden zone with serverless jobs of every size, 16 nodes, and with `changes`."""
    free = {
        "limits": Limits(max_nodes=16, max_runtime=2_419_200),
        "controls": controls("online", "nat"),
        "network": PUBLIC,
        "compute": (),
    }
    return dataclasses.replace(golden_zone(), **{**free, **changes})


def clusters(*entries: Compute, **changes: Any) -> AzureZone:
    """Return a zone on a private network, whose jobs run on clusters."""
    return open_zone(**{"network": NAT, "compute": entries or CLUSTERS, **changes})


@dataclass(frozen=True)
class Case:
    """One row: the job, and the queue, zone and regime it meets."""

    job: Job
    zone: AzureZone = field(default_factory=open_zone)
    queue: Queue = field(default_factory=lambda: queue())
    regime: str = "none"
    user: str = "ada@example.org"
    attempt: int = 1

    def render(self) -> Request:
        submission = Submission("k3v9x2", self.attempt, self.job.name or "train")
        return render(self.job, self.queue, submission, Context(self.zone, self.user, "golden", self.regime))

    def fields(self) -> dict[str, Any]:
        """Return what the job says of itself, below `properties`."""
        fields: dict[str, Any] = self.render().operations[1].body["properties"]
        return fields


def queue(**fields: Any) -> Queue:
    """Return the plain queue with `fields` changed; those that are no queue's are overrides of the job."""
    own = {field.name for field in dataclasses.fields(Queue)}
    raw = {name: fields.pop(name) for name in list(fields) if name not in own}
    if raw:
        fields["overrides"] = {"properties": raw}
    return Queue(**{"name": "training", "zone": "azure-weu", **fields})


_ELSEWHERE = {"other-ecr-repository", "vpc-registry", "full-ecr-name", "isolated-by-the-queue"}
"""Cases about AWS's registries and isolation."""
_REFUSED = {"no-command", "retired-type", "unknown-storage", "spot-28-days"}
"""Cases that Azure ML has no answer to; `test_refusals.py` and `test_mistakes.py` have them."""
_SIZES = {"ml.m5.4xlarge": "Standard_D16ds_v5", "ml.g5.xlarge": "Standard_NV36ads_A10_v5"}
_BLOB = "https://azureweu1a2b3c.blob.core.windows.net"


def ported(case: sagemaker.Case) -> Case:
    """Return a case of the shared table in a zone of Azure's, its addresses in Azure's words."""

    def words(text: str) -> str:
        text = text.replace("s3://aws-euc1-data-1a2b3c", f"{_BLOB}/data")
        text = text.replace("s3://somebody-elses/", "https://somebody.blob.core.windows.net/elses/")
        version = f"@{'0123456789abcdef' * 2}"
        return text.replace("#password", version).replace("aws-sm://", "azure-kv://")

    resources = case.job.resources
    size = resources.instance and _SIZES[resources.instance]
    job = dataclasses.replace(
        case.job,
        inputs={name: words(uri) for name, uri in case.job.inputs.items()},
        secrets={name: words(reference) for name, reference in case.job.secrets.items()},
        resources=dataclasses.replace(resources, instance=size),
    )
    changes: dict[str, Any] = {"controls": dataclasses.replace(case.zone.controls, network_isolation=False)}
    own = {entry.name: entry for entry in case.zone.compute}
    if case.queue.hardware:
        size = "Standard_NC64as_T4_v3" if case.queue.hardware == "gpu" else "Standard_D4ds_v5"
        changes["compute"] = (dataclasses.replace(own[case.queue.hardware], instance=size),)
    zone = clusters(**changes) if case.zone.network is sagemaker.CLOSED else open_zone(**changes)
    line = dataclasses.replace(case.queue, zone="azure-weu", overrides={})
    return Case(job, zone, line, case.regime, case.user, case.attempt)


WORKSPACE = (
    "/subscriptions/00000000-1111-4222-8333-444444444444/resourceGroups/azure-weu/providers/"
    "Microsoft.MachineLearningServices/workspaces/azure-weu-1a2b3c"
)

CASES: Mapping[str, Case] = {
    **{name: ported(case) for name, case in sagemaker.CASES.items() if name not in _ELSEWHERE | _REFUSED},
    **{f"example-{name}": Case(job) for name, job in examples().items()},
    "golden-zone": Case(train(resources={"gpu": 1}, image=f"train@{DIGEST}"), zone=golden_zone(), regime="gdpr"),
    "own-registry": Case(train(image=f"azureweu1a2b3c.azurecr.io/team/train@{DIGEST}"), regime="hipaa"),
    "other-registry": Case(train(image="shared.azurecr.io/base/train:7")),
    "public-registry": Case(train(image="docker.io/library/python:3.12")),
    "public-registry-from-a-closed-network": Case(
        train(image="ghcr.io/acme/train:1"), zone=clusters(network=golden_zone().network)
    ),
    "microsofts-registry-from-a-closed-network": Case(
        train(image="mcr.microsoft.com/azureml/curated/acpt-pytorch-2.2-cuda12.1:20"),
        zone=clusters(network=golden_zone().network),
    ),
    "quotes-and-dollars": Case(train(command=("sh", "-c", "echo \"$HOME\" 'it' $(date) ${X} > /tmp/x && true"))),
    "two-nodes": Case(train(resources={"nodes": 2}, checkpoint=True)),
    "mpi": Case(train(resources={"nodes": 2}), queue=queue(distribution={"distributionType": "Mpi"})),
    "infiniband": Case(train(resources={"gpu": 8, "gpu_type": "H100", "nodes": 4})),
    "serverless-spot": Case(train(resources={"gpu": 1}, spot=True, checkpoint=True, max_wait=7200, retries=2)),
    "serverless-hardware-of-the-queue": Case(
        train(),
        zone=open_zone(compute=(Compute("gpu", "Standard_NC4as_T4_v3", max=2),)),
        queue=queue(hardware="gpu"),
    ),
    "cluster-of-the-queue": Case(train(), zone=clusters(), queue=queue(hardware="gpu")),
    "cluster-by-its-size": Case(train(resources={"instance": "Standard_ND96asr_v4", "nodes": 2}), zone=clusters()),
    "cluster-large-enough": Case(train(resources={"gpu": 1, "nodes": 8}), zone=clusters()),
    "every-kind-of-input": Case(
        train(
            inputs={
                "train-set": f"{_BLOB}/data/images/train",
                "whole": f"{_BLOB}/checkpoints",
                "short": "azureml://datastores/output/paths/train-a-1/",
                "long": f"azureml://subscriptions/{golden_zone().subscription}/resourcegroups/azure-weu"
                "/workspaces/azure-weu-1a2b3c/datastores/data/paths/x",
                "foreign": "azureml://datastores/somebody/paths/x",
            }
        )
    ),
    "secret-of-another-vault": Case(train(secrets={"A": "azure-kv://corp-vault/a"})),
    "government": Case(
        train(inputs={"x": "https://azureweu1a2b3c.blob.core.usgovcloudapi.net/other/x"}),
        zone=open_zone(azure_cloud="usgovernment", region="usgovvirginia"),
    ),
    "no-client-id": Case(
        train(),
        zone=open_zone(identities=dataclasses.replace(golden_zone().identities, execution_client_id=None)),
    ),
    "snake-case-overrides": Case(
        train(env={"A": "1"}, resources={"nodes": 2}),
        queue=queue(
            overrides={
                "properties": {
                    "experiment_name": "vision",
                    "description": "weekly",
                    "resources": {"shm_size": "64g", "docker_args": "--ulimit memlock=-1"},
                    "environment_variables": {"NCCL_DEBUG": "INFO"},
                    "tags": {"team": "vision"},
                    "properties": {"review_by": "ada"},
                    "outputs": {
                        "logs": {
                            "job_output_type": "uri_folder",
                            "mode": "Upload",
                            "uri": "azureml://datastores/output/paths/logs/",
                        }
                    },
                    "notification_setting": {"email_on": ["JobFailed"], "emails": ["ml@example.org"]},
                }
            }
        ),
    ),
    "queue-says-the-same": Case(
        train(resources={"instance": "Standard_D4ds_v5"}),
        zone=clusters(),
        queue=queue(computeId=f"{WORKSPACE}/computes/cpu"),
    ),
    "queue-says-the-same-size": Case(
        train(resources={"instance": "Standard_D4ds_v5"}),
        queue=queue(resources={"instanceType": "Standard_D4ds_v5"}, queueSettings={"jobTier": "Standard"}),
    ),
}
