"""The file system and environment of one node, as SageMaker lays out a container: /opt/ml and its variables."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from localcloud.aws.sagemaker.record import TrainingJob
from localcloud.jobs import layout
from localcloud.jobs.layout import Node

ROOT = "/opt/ml"
CHECKPOINTS = f"{ROOT}/checkpoints/"
GROUP = "homogeneousCluster"


def nodes(count: int, home: Path) -> list[Node]:
    """The nodes of a job, each in a directory of its own below `home`."""
    names = [f"algo-{rank + 1}" for rank in range(count)]
    return [
        Node(rank, name, host, home / name, (ROOT,))
        for rank, (name, host) in enumerate(zip(names, layout.hosts(names), strict=True))
    ]


def build(job: TrainingJob, node: Node, peers: Sequence[Node], image: Path | None) -> None:
    """Make the node's directories and the files of /opt/ml/input/config; copy the image's files."""
    layout.build(node, image)
    ml = node.mount(ROOT)
    for directory in ("input/config", "input/data", "model", "output/data", "checkpoints", "code"):
        (ml / directory).mkdir(parents=True)
    for name, document in _configuration(job, node, [peer.host for peer in peers]).items():
        (ml / "input" / "config" / f"{name}.json").write_text(json.dumps(document, indent=2))


def _configuration(job: TrainingJob, node: Node, peers: Sequence[str]) -> dict[str, Any]:
    request = job.request
    instance = request["ResourceConfig"]["InstanceType"]
    default = request["AlgorithmSpecification"]["TrainingInputMode"]
    channels = {}
    for channel in request.get("InputDataConfig") or []:
        source = channel["DataSource"]["S3DataSource"]
        channels[channel["ChannelName"]] = {
            "TrainingInputMode": channel.get("InputMode", default),
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        } | ({"ContentType": channel["ContentType"]} if "ContentType" in channel else {})
    return {
        "resourceconfig": {
            "current_host": node.host,
            "current_instance_type": instance,
            "current_group_name": GROUP,
            "hosts": list(peers),
            "instance_groups": [
                {"instance_group_name": GROUP, "instance_type": instance, "hosts": list(peers)},
            ],
            "network_interface_name": _interface(),
        },
        "hyperparameters": request.get("HyperParameters") or {},
        "inputdataconfig": channels,
        "trainingjobconfig": {name: value for name, value in request.items() if name != "Tags"},
    }


def _interface() -> str:
    """The interface the nodes talk over: the loopback one, whatever this system calls it."""
    names = [name for _, name in socket.if_nameindex()]
    return next((name for name in names if name.startswith("lo")), "lo")


def command(job: TrainingJob, node: Node) -> list[str]:
    """The argv of the container: its entry point, or `train` as SageMaker passes to an image without one."""
    algorithm = job.request["AlgorithmSpecification"]
    words = [*(algorithm.get("ContainerEntrypoint") or ["train"]), *(algorithm.get("ContainerArguments") or [])]
    return [node.inside(word) for word in words]


def environment(job: TrainingJob, node: Node, peers: Sequence[Node], service: Mapping[str, str]) -> dict[str, str]:
    """The variables of the process: the job's own over the service's over a container's bare ones.

    `service` holds what only the server knows: endpoint and credentials, none under network isolation.
    """
    platform = {
        # On a machine of AWS's, clients would find its credentials; a job has its role's or none.
        "AWS_EC2_METADATA_DISABLED": "true",
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": job.arn,
        "AWS_REGION": job.region,
        "AWS_DEFAULT_REGION": job.region,
    }
    asked = job.request.get("Environment") or {}
    given = {name: layout.reaching(value, node, peers) for name, value in asked.items()}
    return {**layout.environment(node), **platform, **toolkit(job, node, peers), **service, **given}


def toolkit(job: TrainingJob, node: Node, peers: Sequence[Node]) -> dict[str, str]:
    """The SM_ variables that the SageMaker training toolkit sets inside images which carry it.

    Source: github.com/aws/sagemaker-training-toolkit, ENVIRONMENT_VARIABLES.md.
    """
    request, ml = job.request, node.mount(ROOT)
    parameters = request.get("HyperParameters") or {}
    channels = [channel["ChannelName"] for channel in request.get("InputDataConfig") or []]
    return {
        "SM_MODEL_DIR": str(ml / "model"),
        "SM_INPUT_DIR": str(ml / "input"),
        "SM_INPUT_CONFIG_DIR": str(ml / "input" / "config"),
        "SM_OUTPUT_DIR": str(ml / "output"),
        "SM_OUTPUT_DATA_DIR": str(ml / "output" / "data"),
        "SM_HOSTS": json.dumps([peer.host for peer in peers]),
        "SM_CURRENT_HOST": node.host,
        "SM_NUM_GPUS": "0",
        "SM_NUM_CPUS": str(os.cpu_count() or 1),
        "SM_CHANNELS": json.dumps(sorted(channels)),
        "SM_HPS": json.dumps(parameters),
        **{f"SM_CHANNEL_{name.upper()}": str(ml / "input" / "data" / name) for name in channels},
        **{f"SM_HP_{name.upper().replace('-', '_')}": value for name, value in parameters.items()},
    }
