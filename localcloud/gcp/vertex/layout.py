"""The environment of one replica, as Vertex AI lays out a training container: its cluster, outputs and /gcs.

Sources: "Distributed training" (CLUSTER_SPEC, TF_CONFIG), CustomJobSpec.base_output_directory (AIP_...), EnvVar
(how `$(NAME)` is expanded), "Cloud Storage as a mounted file system" (/gcs).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.gcp.vertex import proto
from localcloud.gcp.vertex.record import CustomJob
from localcloud.jobs import layout
from localcloud.jobs.layout import Node
from localcloud.place import NUMBER

MOUNT = "/gcs"
PORT = 2222
_ROLES = ("chief", "worker", "ps", "evaluator")  # of pools 0 to 3 in TF_CONFIG
# What the service sets from the base output directory, and the folder of each.
_OUTPUTS = {"AIP_MODEL_DIR": "model", "AIP_CHECKPOINT_DIR": "checkpoints", "AIP_TENSORBOARD_LOG_DIR": "logs"}


@dataclass(frozen=True, slots=True)
class Replica:
    """Replica `index` of pool `pool`, as a node of the job."""

    pool: int
    index: int
    node: Node

    @property
    def task(self) -> str:
        """Its name in the logs, such as `workerpool0-0`."""
        return f"workerpool{self.pool}-{self.index}"


def replicas(job: CustomJob, home: Path) -> list[Replica]:
    """All replicas, each in a directory of its own below `home`; the primary one first."""
    places = [
        (pool, index)
        for pool, spec in enumerate(job.spec.worker_pool_specs)
        for index in range(int(spec.replica_count))
    ]
    mark = f"{int(job.id) % 16**10:010x}"
    names = [f"cmle-training-workerpool{pool}-{mark}-{index}" for pool, index in places]
    return [
        Replica(pool, index, Node(rank, name, host, home / f"workerpool{pool}-{index}", (MOUNT,)))
        for rank, ((pool, index), name, host) in enumerate(zip(places, names, layout.hosts(names), strict=True))
    ]


def build(replica: Replica, image: Path | None, buckets: Path) -> None:
    """Make the replica's directories; /gcs is the directory that holds the buckets themselves."""
    layout.build(replica.node, image)
    replica.node.mount(MOUNT).symlink_to(buckets, target_is_directory=True)


def command(job: CustomJob, replica: Replica) -> list[str]:
    """The argv of the container: `command` stands for the image's entry point, which is not known here."""
    container = job.spec.worker_pool_specs[replica.pool].container_spec
    return [replica.node.inside(word) for word in (*container.command, *container.args)]


def environment(
    job: CustomJob, replica: Replica, peers: Sequence[Replica], service: Mapping[str, str]
) -> dict[str, str]:
    """The variables of the process: the job's own over the service's over a container's bare ones.

    `service` holds what only the server knows: endpoints and credentials.
    """
    node, nodes = replica.node, [peer.node for peer in peers]
    platform = {
        "CLOUD_ML_JOB_ID": job.id,
        "CLOUD_ML_PROJECT_ID": NUMBER,
        "CLOUD_ML_REGION": job.location,
        "CLUSTER_SPEC": json.dumps(_cluster(job, replica, peers)),
        **dict(_outputs(job)),
    }
    if len(peers) > 1:
        platform["TF_CONFIG"] = json.dumps(_tf_config(job, replica, peers))
    whole = {**layout.environment(node), **platform, **service}
    for variable in job.spec.worker_pool_specs[replica.pool].container_spec.env:
        whole[variable.name] = layout.reaching(expanded(variable.value, whole), node, nodes)
    return whole


def expanded(value: str, known: Mapping[str, str]) -> str:
    """A value with `$(NAME)` replaced by what is known so far; unknown ones stay, and `$$(NAME)` is `$(NAME)`."""

    def one(found: re.Match[str]) -> str:
        if found[0].startswith("$$"):
            return found[0][1:]
        return known.get(found[1], found[0])

    return re.sub(r"\$?\$\(([A-Za-z_][A-Za-z0-9_]*)\)", one, value)


def _outputs(job: CustomJob) -> Iterator[tuple[str, str]]:
    base = job.spec.base_output_directory.output_uri_prefix.rstrip("/")
    if base:
        yield from ((name, f"{base}/{folder}/") for name, folder in _OUTPUTS.items())


def _cluster(job: CustomJob, replica: Replica, peers: Sequence[Replica]) -> dict[str, Any]:
    addresses: dict[str, list[str]] = {}
    for peer in peers:
        addresses.setdefault(f"workerpool{peer.pool}", []).append(f"{peer.node.host}:{PORT}")
    return {
        "cluster": addresses,
        "environment": "cloud",
        "task": {"type": f"workerpool{replica.pool}", "index": replica.index},
        "job": proto.write(job.spec),
    }


def _tf_config(job: CustomJob, replica: Replica, peers: Sequence[Replica]) -> dict[str, Any]:
    addresses: dict[str, list[str]] = {}
    for peer in peers:
        # Evaluators are not part of TensorFlow's cluster.
        if _ROLES[peer.pool] != "evaluator":
            addresses.setdefault(_ROLES[peer.pool], []).append(f"{peer.node.host}:{PORT}")
    return {
        "cluster": addresses,
        "environment": "cloud",
        "task": {"type": _ROLES[replica.pool], "index": replica.index},
        "job": proto.write(job.spec),
    }
