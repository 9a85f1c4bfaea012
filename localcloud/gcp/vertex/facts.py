"""What Vertex AI offers where, from the sourced tables that the dispatcher ships."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dispatcher
from dispatcher.placement.catalog import catalog

_DATA = Path(dispatcher.__file__).parent / "backends" / "vertex" / "data"


@functools.cache
def table(name: str) -> dict[str, Any]:
    """One of the dispatcher's tables about Vertex AI."""
    found: dict[str, Any] = json.loads((_DATA / f"{name}.json").read_text())
    return found


def regions() -> list[str]:
    """Where custom jobs can run."""
    return list(table("regions")["regions"])


@functools.cache
def machines() -> Mapping[str, frozenset[tuple[str, int]]]:
    """Machine types with the accelerators each may have, as (type, count); without any it is ("", 0)."""
    found: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for name, hardware in catalog("gcp").items():
        kind = hardware.accelerator_type or ""
        found[hardware.machine or name].add((kind, hardware.gpus if kind else 0))
    return {name: frozenset(kinds) for name, kinds in found.items()}


@functools.cache
def topologies() -> Mapping[str, Mapping[str, int]]:
    """TPU machine types with their topologies, and how many machines each takes."""
    hardware = catalog("gcp").values()
    return {item.machine or item.instance: item.tpu_topologies for item in hardware if item.tpu_topologies}
