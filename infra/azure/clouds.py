"""The clouds of Azure as data: what host names end in, and whom a federated credential takes tokens for."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

import yaml


@dataclass(frozen=True, slots=True)
class Cloud:
    """One row of data/clouds.yaml; `storage`, `vault`, `registry` and `ml` are ends of host names."""

    storage: str
    vault: str
    registry: str
    ml: str
    federation_audience: str


@functools.cache
def _table() -> Mapping[str, Cloud]:
    data = yaml.safe_load(resources.files("infra.azure").joinpath("data/clouds.yaml").read_text())
    return {name: Cloud(**facts) for name, facts in data["clouds"].items()}


def of(environment: str) -> Cloud:
    """The cloud that a zone's `environment` names: `public` or `usgovernment`. Raises KeyError for another."""
    return _table()[environment]
