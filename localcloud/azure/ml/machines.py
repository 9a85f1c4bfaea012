"""VM sizes: those there are, and which one a job runs on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dispatcher.placement.catalog import Hardware, catalog
from localcloud.azure.arm.store import Resources
from localcloud.azure.errors import bad
from localcloud.azure.state import State


def find(size: str) -> Hardware | None:
    """A VM size by its name in any letter case."""
    wanted = size.lower()
    return next((one for name, one in catalog("azure").items() if name.lower() == wanted), None)


def require(size: str) -> None:
    """Raises AzureError for a VM size that Azure ML does not have, or has no more."""
    found = find(size)
    if found is None or found.status == "retired":
        raise bad(f"The specified VM size {size} is not supported by Azure Machine Learning.", "InvalidVmSize")


def hardware(state: State, properties: Mapping[str, Any]) -> Hardware | None:
    """What a job with these properties runs on: its cluster's VM size, or the one it names."""
    compute = properties.get("computeId")
    cluster = state.store(Resources).find(str(compute)) if compute else None
    if cluster is not None:
        return find(str(cluster.properties["properties"]["vmSize"]))
    return find(str((properties.get("resources") or {}).get("instanceType") or ""))
