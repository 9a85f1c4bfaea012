"""Which node of how many this is, and where all meet: read from what each cloud leaves in a container.

Sources: SageMaker developer guide, "How SageMaker AI Provides Training Information" (resourceconfig.json);
Vertex AI training guide, "Distributed training" (CLUSTER_SPEC); Azure ML, "Distributed GPU training" (variables of
the PyTorch, MPI and TensorFlow distributions).
"""

from __future__ import annotations

from .fault import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` would cost a tenth of the time this program has to start
    from collections.abc import Mapping
    from typing import Any

PORT = 29400
"""Where nodes meet when nothing says another port (as render has it, torchrun's own)."""


class Cluster:
    """Node `rank` of `nodes`, which meet at `host`:`port`; `source` is where that was read.

    `alone` is false where the cloud starts several processes on each node: their count is not ours to change.
    """

    def __init__(
        self, rank: int, nodes: int, host: str, port: int, source: str, *, cloud: str = "", alone: bool = True
    ) -> None:
        if not 0 <= rank < nodes:
            raise ValueError(f"it says node {rank} of {nodes}")
        self.rank = rank
        self.nodes = nodes
        self.host = host if nodes > 1 else "127.0.0.1"
        self.port = port
        self.source = source
        self.cloud = cloud
        self.alone = alone

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return `environ` with what says where this node is; of torchrun's own options the job's word stands."""
        return {**self.torchrun(), **environ, **self.variables()}

    def torchrun(self) -> dict[str, str]:
        """Return the options that torchrun reads from the environment (`PET_<OPTION>`), of several nodes only."""
        if self.nodes == 1 or not self.alone:
            return {}
        options = {
            "NNODES": str(self.nodes),
            "NODE_RANK": str(self.rank),
            "MASTER_ADDR": self.host,
            "MASTER_PORT": str(self.port),
        }
        return {f"PET_{name}": value for name, value in options.items()}

    def variables(self) -> dict[str, str]:
        """Return the environment that says it, under the names that torch.distributed knows.

        RANK and WORLD_SIZE count nodes, one process on each: who starts more processes (torchrun) sets its own.
        """
        named = {
            "DISPATCH_NODES": str(self.nodes),
            "DISPATCH_NODE_RANK": str(self.rank),
            "NODE_RANK": str(self.rank),
            "MASTER_ADDR": self.host,
            "MASTER_PORT": str(self.port),
        }
        return {**named, "RANK": str(self.rank), "WORLD_SIZE": str(self.nodes)} if self.alone else named


def find(environ: Mapping[str, str]) -> Cluster:
    """Return what this container says; without a word it is the only node.

    Raises Fault for what cannot be read, and for one of several nodes that cannot tell which it is: two that both
    think they are the first would write over each other's checkpoints.
    """
    asked = environ.get("DISPATCH_NODES", "1")
    for source, read in _PLACES:
        try:
            found = read(environ)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise Fault(
                f"{source} does not say which node this is: {type(error).__name__}: {error}",
                "if it is the cloud's own, tell us",
            ) from error
        if found is not None:
            return found
    if asked != "1":
        raise Fault(
            f"the job has {asked} nodes, and nothing in this container says which of them it is",
            "resourceconfig.json, CLUSTER_SPEC, TF_CONFIG, or NODE_RANK with MASTER_ADDR would",
        )
    return Cluster(0, 1, "", _port(environ), "nothing here: a single node")


def _sagemaker(environ: Mapping[str, str]) -> Cluster | None:
    path = resource_config(environ)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return None
    document = _json(text)
    hosts = sorted(document["hosts"], key=_natural)
    rank = hosts.index(document["current_host"])
    return Cluster(rank, len(hosts), hosts[0], _port(environ), path, cloud="aws")


def resource_config(environ: Mapping[str, str]) -> str:
    """Return the path of SageMaker's description of the cluster; SM_INPUT_CONFIG_DIR is its training toolkit's."""
    return environ.get("SM_INPUT_CONFIG_DIR", "/opt/ml/input/config").rstrip("/") + "/resourceconfig.json"


def _natural(host: str) -> tuple[str, int]:
    """Order algo-2 before algo-10, so that ranks follow the numbers in the names of log streams."""
    name = host.rstrip("0123456789")
    return name, int(host[len(name) :] or 0)


def _vertex(environ: Mapping[str, str]) -> Cluster | None:
    """Read CLUSTER_SPEC: pools in the order of their numbers, replicas in the order of their indexes.

    The port is the one in node 0's address: between nodes the service opens that one.
    """
    text = environ.get("CLUSTER_SPEC")
    if not text:
        return None
    document = _json(text)
    pools, task = document["cluster"], document["task"]
    order = [(pool, index) for pool in sorted(pools, key=_natural) for index in range(len(pools[pool]))]
    rank = order.index((task["type"], int(task["index"])))
    host, _, port = pools[order[0][0]][0].rpartition(":")
    port = port if len(order) > 1 else _port(environ)
    return Cluster(rank, len(order), host, int(port), "CLUSTER_SPEC", cloud="gcp")


def _azure(environ: Mapping[str, str]) -> Cluster | None:
    """Read the variables of the PyTorch distribution, or of MPI, whose ranks go through the nodes in order."""
    if "AZUREML_RUN_ID" not in environ:
        return None
    nodes = int(environ.get("AZUREML_NODE_COUNT") or environ.get("DISPATCH_NODES") or 1)
    processes = int(environ.get("WORLD_SIZE") or environ.get("OMPI_COMM_WORLD_SIZE") or nodes)
    rank, source, host = 0, "AZUREML_RUN_ID", environ.get("MASTER_ADDR", "")
    if nodes > 1 and environ.get("NODE_RANK") and host:
        rank, source = int(environ["NODE_RANK"]), "NODE_RANK of Azure ML"
    elif nodes > 1 and environ.get("OMPI_COMM_WORLD_RANK"):
        rank, source = int(environ["OMPI_COMM_WORLD_RANK"]) * nodes // processes, "OMPI_COMM_WORLD_RANK"
        host = host or environ["AZ_BATCH_MASTER_NODE"].rpartition(":")[0]
    elif nodes > 1:
        return None
    return Cluster(rank, nodes, host, _port(environ), source, cloud="azure", alone=processes == nodes)


def _tensorflow(environ: Mapping[str, str]) -> Cluster | None:
    """Read TF_CONFIG, which Azure ML sets for its TensorFlow distribution: the chief first, then by role."""
    text = environ.get("TF_CONFIG")
    if not text:
        return None
    document = _json(text)
    cluster, task = document["cluster"], document["task"]
    order = [(role, index) for role in _ROLES for index in range(len(cluster.get(role, ())))]
    host, _, port = cluster[order[0][0]][0].rpartition(":")
    return Cluster(order.index((task["type"], int(task["index"]))), len(order), host, int(port), "TF_CONFIG")


_ROLES = ("chief", "master", "worker", "ps", "evaluator")


def _told(environ: Mapping[str, str]) -> Cluster | None:
    """Read what render could say by itself, or who starts the container by hand."""
    rank = environ.get("DISPATCH_NODE_RANK") or environ.get("NODE_RANK")
    nodes, host = int(environ.get("DISPATCH_NODES") or 1), environ.get("MASTER_ADDR", "")
    if not rank or (nodes > 1 and not host):
        return None
    return Cluster(int(rank), nodes, host, _port(environ), "DISPATCH_NODE_RANK")


_PLACES = (
    ("resourceconfig.json", _sagemaker),
    ("CLUSTER_SPEC", _vertex),
    ("the environment that Azure ML sets", _azure),
    ("TF_CONFIG", _tensorflow),
    ("DISPATCH_NODE_RANK", _told),
)


def _port(environ: Mapping[str, str]) -> int:
    return int(environ.get("MASTER_PORT") or PORT)


def _json(text: str) -> Any:
    import json

    return json.loads(text)
