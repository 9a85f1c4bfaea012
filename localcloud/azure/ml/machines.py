"""VM sizes: those Azure has, by its own list and not by the dispatcher's, and which one a job runs on."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from localcloud.azure.arm.store import Resources
from localcloud.azure.errors import bad
from localcloud.azure.state import State

_TABLE = Path(__file__).parents[1] / "data" / "vm_sizes.csv"


@dataclass(frozen=True, slots=True)
class Size:
    """A VM size: its name, vCPU, GiB, GPUs, quota family, and the day it was retired (empty: it was not)."""

    size: str
    vcpu: int
    memory: float
    gpus: int
    family: str
    retired: str


@cache
def sizes() -> Mapping[str, Size]:
    """Every size by its name in lower case."""
    with _TABLE.open(newline="", encoding="utf-8") as table:
        return {
            row["size"].lower(): Size(
                row["size"],
                int(row["vcpu"]),
                float(row["memory_gib"]),
                int(row["gpus"]),
                row["family"],
                row["retired"],
            )
            for row in csv.DictReader(table)
        }


def find(size: str) -> Size | None:
    """A VM size by its name in any letter case."""
    return sizes().get(size.lower())


def require(size: str) -> None:
    """Raises AzureError for a VM size that Azure does not have, or has no more."""
    found = find(size)
    if found is None or found.retired:
        raise bad(f"The specified VM size {size} is not supported by Azure Machine Learning.", "InvalidVmSize")


def hardware(state: State, properties: Mapping[str, Any]) -> Size | None:
    """What a job with these properties runs on: its cluster's VM size, or the one it names."""
    compute = properties.get("computeId")
    cluster = state.store(Resources).find(str(compute)) if compute else None
    if cluster is not None:
        return find(str(cluster.properties["properties"]["vmSize"]))
    return find(str((properties.get("resources") or {}).get("instanceType") or ""))
