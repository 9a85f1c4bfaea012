"""Write dispatcher/placement/data/gcp.csv: the machines of Vertex AI training, one row for every set of GPUs.

Which machines there are, and how many GPUs of which type each takes, is Vertex's own list; vCPU and memory are
Compute Engine's. Both were read into `gcp_machines.csv` and `gcp_accelerators.csv` beside this file, whose
sources are named in the sidecar. An N1 machine with GPUs is called `n1-standard-8+1xT4`: Vertex asks for the
machine type and the GPUs apart, and a queue or a job names both at once. Run: `python -m tools.catalog.gcp
[--check]`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from tools.catalog import table

HERE = Path(__file__).resolve().parent
TARGET = table.DATA / "gcp.csv"
ATTACHING = "n1"
"""The one series that GPUs are attached to; every other machine has its own or none."""


CRAMPED = "n1-highmem-2"
"""Named by Vertex's guide as too small for GPUs: "might cause logging to fail for some workloads"."""


def rows() -> Iterator[dict[str, str]]:
    """Yield the table's rows in Vertex's order."""
    accelerators = {line["accelerator_type"]: line for line in _read("gcp_accelerators.csv")}
    for machine in _read("gcp_machines.csv"):
        attaches = machine["machine"].partition("-")[0] == ATTACHING
        if attaches or not machine["gpus"]:
            yield _row(machine, machine["machine"], None, 0)
        for entry in filter(None, machine["gpus"].split(";")):
            name, *counts = entry.split()
            model = accelerators[name]
            for count in map(int, counts):
                short = f"{machine['machine']}+{count}x{model['gpu_model']}" if attaches else machine["machine"]
                yield _row(machine, short, model, count)


def _row(machine: dict[str, str], instance: str, gpu: dict[str, str] | None, count: int) -> dict[str, str]:
    tpu = machine["tpu_topologies"]
    series = machine["machine"].partition("-")[0]
    status, reason = (gpu["status"], gpu["reason"]) if gpu else ("current", "")
    if gpu and machine["machine"] == CRAMPED:
        status, reason = "discouraged", "its two vCPUs may not keep up with logging beside a GPU"
    return {
        "instance": instance,
        "vcpu": machine["vcpu"],
        "memory_gib": table.number(float(machine["memory_gib"])),
        "gpu_model": gpu["gpu_model"] if gpu else _TPU[series] if tpu else "",
        "gpus": machine["machine"].rpartition("-")[2].removesuffix("t") if tpu else str(count),
        "gpu_memory_gib": gpu["gpu_memory_gib"] if gpu else "",
        "accelerator": "gpu" if gpu else "tpu" if tpu else "none",
        "local_storage": machine["local_storage"],
        "local_storage_gb": machine["local_storage_gb"],
        "efa": machine["fabric"],
        "architecture": "arm64" if series == "a4x" else "x86_64",
        "generation": "previous" if series == "n1" else "current",
        "burstable": "no",
        "status": status,
        "reason": reason,
        "source": "vertex+compute",
        "machine": machine["machine"] if instance != machine["machine"] else "",
        "accelerator_type": gpu["accelerator_type"] if gpu else "",
        "tpu_topologies": tpu,
        "boot_disk": machine["boot_disk"],
    }


_TPU = {"ct5lp": "TPU v5e", "ct6e": "TPU v6e"}


def _read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="") as handle:
        return list(csv.DictReader(handle))


def render() -> str:
    """Return the whole CSV."""
    return table.text(rows())


def sources() -> dict[str, str]:
    """Return where the table comes from, for people and for `dispatch` to print."""
    page = "https://docs.cloud.google.com/gemini-enterprise-agent-platform/machine-learning/training/"
    return {
        "machines": f"{page}configure-compute: machine types, GPU compatibility table, TPU topologies",
        "compute": "Compute Engine machineTypes.list as recorded in Cyclenerd/google-cloud-pricing-cost-calculator"
        "@dac31281f2a4, tools/machinetypes.csv (2026-08-20); TPU v6e from the first source, which "
        "differs for two machines",
        "gpus": "device names as in aws.csv; sizes from dstackai/gpuhunt@027ccf3547ab, providers/gcp.py, "
        "accelerator_details, or from the name; local SSD from local_ssd_sizes_gib there",
        "fabric": "`efa` is yes where the first source names GPUDirect-TCPXO or GPUDirect-RDMA",
        "boot_disk": "series that Compute Engine boots from Hyperdisk only (its page on Hyperdisk)",
        "others": "an empty value is unknown",
    }


if __name__ == "__main__":
    table.main(TARGET, render, sources)
