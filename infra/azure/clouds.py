"""The clouds of Azure as data: where Resource Manager answers, what host names end in, whom tokens are for."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

import yaml

from dispatcher.backends.azureml.place import clouds


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where Resource Manager answers, what hosts of storage end in, and the audience of federated credentials."""

    resource_manager: str
    storage: str
    federation_audience: str


@functools.cache
def _audiences() -> Mapping[str, str]:
    data = yaml.safe_load(resources.files("infra.azure").joinpath("data/clouds.yaml").read_text())
    audiences: Mapping[str, str] = data["federation_audience"]
    return audiences


def of(environment: str) -> Cloud:
    """The cloud that a zone's `environment` names: `public` or `usgovernment`. Raises KeyError for another."""
    told = clouds()[environment]
    return Cloud(told.arm, told.storage, _audiences()[environment])
