"""What a process of a command job finds: its folders, its command with their paths in it, its environment.

Sources: learn.microsoft.com/azure/machine-learning/how-to-train-distributed-gpu (environment variables from Azure
ML), /how-to-read-write-data-v2 (modes), /how-to-identity-based-service-authentication
(DEFAULT_IDENTITY_CLIENT_ID).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.azure import identity
from localcloud.azure.errors import bad
from localcloud.azure.ml import data
from localcloud.azure.ml.record import CommandJob
from localcloud.azure.state import State
from localcloud.jobs import layout
from localcloud.jobs.layout import Node
from localcloud.place import AZURE, HOST, SUBSCRIPTION, TENANT

PORT = 6105
"""The port of the first node; every process may listen on its own address there."""
_WORDS = re.compile(r"\$\{\{\s*(inputs|outputs)\.([A-Za-z_]\w*)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Process:
    """Process `local` of machine `instance`, `rank` of all."""

    rank: int
    instance: int
    local: int
    node: Node
    image: Path | None

    @property
    def log(self) -> str:
        """What its output is called, alone and among others."""
        return f"user_logs/std_log_process_{self.rank}.txt"


def processes(job: CommandJob, home: Path, image: Path | None) -> list[Process]:
    """Every process of a job; those of one machine share its address."""
    names = [f"{job.name}-{instance}" for instance in range(job.nodes)]
    hosts = layout.hosts(names)
    places = [(instance, local) for instance in range(job.nodes) for local in range(job.processes)]
    return [
        Process(rank, instance, local, Node(rank, names[instance], hosts[instance], home / str(rank)), image)
        for rank, (instance, local) in enumerate(places)
    ]


@dataclass(frozen=True)
class Data:
    """The job's inputs and outputs as paths on this machine (text for a literal), by side and name."""

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    uploads: Mapping[str, tuple[Path, Path]]
    """Outputs that are written when the job has ended well: from, to."""

    def fill(self, command: str) -> str:
        """The command with the places of its data in it."""
        sides = {"inputs": self.inputs, "outputs": self.outputs}
        return _WORDS.sub(lambda found: sides[found[1]][found[2]], command)

    @property
    def variables(self) -> dict[str, str]:
        return {
            **{f"AZURE_ML_INPUT_{name}": path for name, path in self.inputs.items()},
            **{f"AZURE_ML_OUTPUT_{name}": path for name, path in self.outputs.items()},
        }


def prepare(state: State, job: CommandJob, home: Path) -> Data:
    """Mount, or copy, what the job reads and writes."""
    root = home / "data"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    inputs, outputs, uploads = {}, {}, {}
    for name, entry in (job.properties.get("inputs") or {}).items():
        inputs[name] = _input(state, job, root / f"input-{name}", entry)
    for name, entry in (job.properties.get("outputs") or {}).items():
        real = data.resolve(state, job.workspace, str(entry["uri"])).directory(state)
        place, mode = root / f"output-{name}", entry.get("mode") or "ReadWriteMount"
        if mode == "Direct":
            outputs[name] = str(entry["uri"])
            continue
        if mode == "Upload":
            place.mkdir()
            uploads[name] = place, real
        else:
            real.mkdir(parents=True, exist_ok=True)
            place.symlink_to(real, target_is_directory=True)
        outputs[name] = str(place)
    return Data(inputs, outputs, uploads)


def _input(state: State, job: CommandJob, place: Path, entry: Mapping[str, Any]) -> str:
    if entry.get("jobInputType") == "literal":
        return str(entry.get("value"))
    if entry.get("mode") == "Direct":
        return str(entry["uri"])
    real = data.resolve(state, job.workspace, str(entry["uri"])).directory(state)
    if not real.exists():
        raise bad(f"The data at {entry['uri']} was not found.", "UserError")
    if entry.get("mode") == "Download":
        (shutil.copytree if real.is_dir() else shutil.copy)(real, place)
    else:
        place.symlink_to(real)
    return str(place)


def build(process: Process) -> None:
    """Make the process's directories, with the ./outputs that every job may write to."""
    layout.build(process.node, process.image)


def command(job: CommandJob, filled: Data) -> list[str]:
    """The argv of the process: Azure ML gives the command to a shell."""
    return ["/bin/bash", "-c", filled.fill(str(job.properties["command"]))]


def environment(
    state: State, job: CommandJob, process: Process, peers: list[Process], filled: Data
) -> dict[str, str]:
    """The variables of the process: the job's own over the service's over a container's bare ones."""
    node = process.node
    words = job.workspace.split("/")
    client = str((job.properties.get("identity") or {}).get("clientId") or "")
    service = {
        "AZUREML_RUN_ID": job.name,
        "AZUREML_ROOT_RUN_ID": job.name,
        "AZUREML_ARM_SUBSCRIPTION": words[2],
        "AZUREML_ARM_RESOURCEGROUP": words[4],
        "AZUREML_ARM_WORKSPACE_NAME": words[8],
        "AZUREML_ARM_PROJECT_NAME": str(job.properties.get("experimentName")),
        "AZUREML_NODE_COUNT": str(job.nodes),
        **filled.variables,
        **_rendezvous(job, process, peers),
        # What leads the job's programs to this cloud, as its identity.
        "DISPATCH_AZURE_ENDPOINT": state.url + AZURE,
        **identity.lent(state, client),
        "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CONFIG_DIR": str(node.home / "azure"),
        "NO_PROXY": f"{HOST},localhost",
        **({"DEFAULT_IDENTITY_CLIENT_ID": client, "AZURE_CLIENT_ID": client} if client else {}),
    }
    own = {
        name: layout.reaching(str(value), node, [peer.node for peer in peers])
        for name, value in (job.properties.get("environmentVariables") or {}).items()
    }
    return {**layout.environment(node), **service, **own}


def _rendezvous(job: CommandJob, process: Process, peers: list[Process]) -> dict[str, str]:
    """How processes find each other, by the distribution that was asked for."""
    first, count = peers[0].node.host, len(peers)
    if job.distribution == "PyTorch":
        return {
            "MASTER_ADDR": first,
            "MASTER_PORT": str(PORT),
            "NODE_RANK": str(process.instance),
            "WORLD_SIZE": str(count),
            "RANK": str(process.rank),
            "LOCAL_RANK": str(process.local),
        }
    if job.distribution == "Mpi":
        # No MASTER_ADDR: programs take it out of AZ_BATCH_MASTER_NODE themselves (microsoft/PyMarlin, fabrics).
        return {
            "AZ_BATCH_MASTER_NODE": f"{first}:{PORT}",
            "OMPI_COMM_WORLD_RANK": str(process.rank),
            "OMPI_COMM_WORLD_SIZE": str(count),
            "OMPI_COMM_WORLD_LOCAL_RANK": str(process.local),
        }
    return {}
