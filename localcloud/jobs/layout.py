"""The file system and environment of one node, as SageMaker lays out a container, inside a private directory.

A process cannot be given an `/opt/ml` of its own without privileges, so the directory lies elsewhere and every
`/opt/ml` in the command's arguments and in environment values is rewritten to it. A path written inside the
program is not: programs take their paths from the environment (docs/localcloud.md).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.sagemaker.record import TrainingJob

ROOT = "/opt/ml"
CHECKPOINTS = f"{ROOT}/checkpoints/"
GROUP = "homogeneousCluster"
HOSTS = Path("/etc/hosts")
_ROOT = re.compile(r"(?<![\w./~-])/opt/ml(?=$|[^\w.-])")


@dataclass(frozen=True, slots=True)
class Node:
    """Node `rank` (from 0) of a job: `host` is the name its peers reach it by, `home` its private directory."""

    rank: int
    host: str
    home: Path

    @property
    def name(self) -> str:
        return f"algo-{self.rank + 1}"

    @property
    def ml(self) -> Path:
        """What the container calls /opt/ml."""
        return self.home / "opt" / "ml"

    @property
    def work(self) -> Path:
        """The working directory: a copy of the image's files."""
        return self.home / "work"

    def inside(self, text: str) -> str:
        """Rewrite every `/opt/ml` of a text to the private directory."""
        return _ROOT.sub(lambda _: str(self.ml), text)

    def path(self, container_path: str) -> Path:
        """Where a path below /opt/ml really is; any other path is private too."""
        text = self.inside(container_path)
        return Path(text) if text != container_path else self.home / container_path.lstrip("/")


def hosts(count: int) -> list[str]:
    """Addresses by which nodes on one machine reach each other.

    `algo-N` when the machine resolves it to loopback (an entry in /etc/hosts), else 127.0.0.N: every node has an
    address of its own there, so all of them may listen on the same port, as machines do. A system with a single
    loopback address (macOS) keeps the names.
    """
    names = [f"algo-{rank + 1}" for rank in range(count)]
    if loopback_names(HOSTS.read_text() if HOSTS.is_file() else "").issuperset(names):
        return names
    addresses = [f"127.0.0.{rank + 1}" for rank in range(count)]
    return addresses if all(map(_can_bind, addresses)) else names


def loopback_names(table: str) -> set[str]:
    """The names that a hosts file gives to loopback addresses. A resolver is not asked: it may take long."""
    names: set[str] = set()
    for line in table.splitlines():
        address, *rest = line.partition("#")[0].split() or [""]
        if address.startswith("127.") or address == "::1":
            names.update(rest)
    return names


def _can_bind(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def build(job: TrainingJob, node: Node, peers: Sequence[str], image: Path | None) -> None:
    """Make the node's directories and the files of /opt/ml/input/config; copy the image's files."""
    shutil.rmtree(node.home, ignore_errors=True)
    for directory in ("input/config", "input/data", "model", "output/data", "checkpoints", "code"):
        (node.ml / directory).mkdir(parents=True)
    (node.home / "tmp").mkdir()
    if image is None:
        node.work.mkdir()
    else:
        ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__")
        shutil.copytree(image, node.work, symlinks=True, ignore=ignored)
    for name, document in _configuration(job, node, peers).items():
        (node.ml / "input" / "config" / f"{name}.json").write_text(json.dumps(document, indent=2))


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


def environment(job: TrainingJob, node: Node, peers: Sequence[str], service: Mapping[str, str]) -> dict[str, str]:
    """The variables of the process: the job's own over the service's over a container's bare ones.

    `service` holds what only the server knows: endpoint and credentials, none under network isolation.
    """
    programs = [str(Path(sys.executable).parent), *os.defpath.split(os.pathsep), "/usr/local/bin"]
    path = list(dict.fromkeys([*programs, *os.environ.get("PATH", "").split(os.pathsep)]))
    bare = {
        "PATH": os.pathsep.join(filter(None, path)),
        "HOME": str(node.home),
        "TMPDIR": str(node.home / "tmp"),
        "LANG": "C.UTF-8",
        "HOSTNAME": node.host,
        # On a machine of AWS's, clients would find its credentials; a job has its role's or none.
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    platform = {
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": job.arn,
        "AWS_REGION": job.region,
        "AWS_DEFAULT_REGION": job.region,
    }
    # A container resolves its peers' names; here a value that is one of them is replaced by the peer's address.
    address = {f"algo-{rank}": peer for rank, peer in enumerate(peers, start=1)}
    asked = job.request.get("Environment") or {}
    given = {name: address.get(value, node.inside(value)) for name, value in asked.items()}
    return {**bare, **platform, **toolkit(job, node, peers), **service, **given}


def toolkit(job: TrainingJob, node: Node, peers: Sequence[str]) -> dict[str, str]:
    """The SM_ variables that the SageMaker training toolkit sets inside images which carry it.

    Source: github.com/aws/sagemaker-training-toolkit, ENVIRONMENT_VARIABLES.md.
    """
    request = job.request
    parameters = request.get("HyperParameters") or {}
    channels = [channel["ChannelName"] for channel in request.get("InputDataConfig") or []]
    return {
        "SM_MODEL_DIR": str(node.ml / "model"),
        "SM_INPUT_DIR": str(node.ml / "input"),
        "SM_INPUT_CONFIG_DIR": str(node.ml / "input" / "config"),
        "SM_OUTPUT_DIR": str(node.ml / "output"),
        "SM_OUTPUT_DATA_DIR": str(node.ml / "output" / "data"),
        "SM_HOSTS": json.dumps(list(peers)),
        "SM_CURRENT_HOST": node.host,
        "SM_NUM_GPUS": "0",
        "SM_NUM_CPUS": str(os.cpu_count() or 1),
        "SM_CHANNELS": json.dumps(sorted(channels)),
        "SM_HPS": json.dumps(parameters),
        **{f"SM_CHANNEL_{name.upper()}": str(node.ml / "input" / "data" / name) for name in channels},
        **{f"SM_HP_{name.upper().replace('-', '_')}": value for name, value in parameters.items()},
    }
