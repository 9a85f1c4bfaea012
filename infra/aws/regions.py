"""Which AWS regions a zone may be in, and what follows from the partition: read from data/regions.yaml."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

import yaml


@dataclass(frozen=True, slots=True)
class Region:
    """One region. `endpoint_prefix` begins interface endpoint service names; None when unknown."""

    name: str
    partition: str
    dns_suffix: str
    endpoint_prefix: str | None


@functools.cache
def table() -> Mapping[str, Region]:
    """Every region by name, in the order of the data file."""
    data = yaml.safe_load(resources.files("infra.aws").joinpath("data/regions.yaml").read_text())
    return {
        name: Region(name, partition, facts["dns_suffix"], facts["endpoint_prefix"])
        for partition, facts in data["partitions"].items()
        for name in facts["regions"]
    }
