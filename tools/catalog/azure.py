"""Write dispatcher/placement/data/azure.csv: the VM sizes of Azure ML training, one row for each.

What each size has (`azure_machines.csv`) and what its series has in common (`azure_series.csv`) were read from the
pages that the sidecar names. Azure ML takes fewer sizes than Azure has, and asks for a temporary disk: a series
that neither its list of supported series nor its list of sizes names is not here. Sizes with a part of a GPU are
left out. Retired ones are here to be refused by name. Run: `python -m tools.catalog.azure [--check]`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from tools.catalog import table

HERE = Path(__file__).resolve().parent
TARGET = table.DATA / "azure.csv"
GIB = 2**30


def rows() -> Iterator[dict[str, str]]:
    """Yield the table's rows, GPUs first."""
    series = {line["series"]: line for line in _read("azure_series.csv")}
    for machine in _read("azure_machines.csv"):
        yield _row(machine, series[machine["series"]])


def _row(machine: dict[str, str], series: dict[str, str]) -> dict[str, str]:
    temporary = machine["temp_gib"]
    return {
        "instance": machine["machine"],
        "vcpu": machine["vcpu"],
        "memory_gib": machine["memory_gib"],
        "gpu_model": series["gpu_model"],
        "gpus": machine["gpus"],
        "gpu_memory_gib": series["gpu_memory_gib"],
        "accelerator": "gpu" if series["gpu_model"] else "none",
        "local_storage": "yes" if temporary else "unknown",
        "local_storage_gb": str(int(temporary) * GIB // 10**9) if temporary else "",
        "efa": "yes" if machine["machine"] == "Standard_NC24rs_v3" else series["fabric"],
        "architecture": "x86_64",
        "generation": series["generation"],
        "burstable": "no",
        "status": series["status"],
        "reason": series["reason"],
        "source": series["source"],
        "family": series["family"],
        "ends": series["ends"],
    }


def _read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="") as handle:
        return list(csv.DictReader(handle))


def render() -> str:
    """Return the whole CSV."""
    return table.text(rows())


def sources() -> dict[str, str]:
    """Return where the table comes from, for people and for `dispatch` to print."""
    return {
        "sizes": "https://learn.microsoft.com/azure/virtual-machines/sizes/, the page of each series "
        "(MicrosoftDocs/azure-compute-docs, articles/virtual-machines/sizes): vCPU, memory, temporary disk, "
        "accelerators; `local_storage_gb` is the temporary disk, in GB",
        "ml": "VM sizes that Azure ML offers with vCPU and memory, as recorded in skypilot-org/skypilot-catalog"
        "@a7fff1712e3b, catalogs/v5/azure/az_ml_vms.csv",
        "supported": "https://learn.microsoft.com/azure/machine-learning/concept-compute-target: supported series",
        "retired": "MicrosoftDocs/azure-ai-docs, articles/machine-learning/includes/retiring-vms.md; NCv3 "
        "MicrosoftDocs/azure-docs, articles/virtual-machines/ncv3-nc6s-nc12s-nc24s-retirement.md",
        "ends": "retired and announced series: MicrosoftDocs/azure-compute-docs@0bdc5d348160, "
        "articles/virtual-machines/sizes/retirement/retired-sizes-list.md; vCPU, memory and family of NVv3 and "
        "NVv4: microsoft/aspire@59d405ff5a49, AksNodeVmSizes.Generated.cs, which counts "
        "a part of a GPU as one",
        "family": "quota families of GPUs as in skypilot-org/skypilot, catalog/data_fetchers/fetch_azure.py; "
        "of CPUs as in microsoft/azure-skills, azure-compute/references/vm-families.md, else a series' own "
        "name; of H200 and MI300X as in microsoft/aspire@59d405ff5a49, AksNodeVmSizes.Generated.cs",
        "fabric": "`efa` is yes for sizes with InfiniBand, which have an r in their name",
        "others": "an empty value is unknown",
    }


if __name__ == "__main__":
    table.main(TARGET, render, sources)
