"""The clouds of Azure as data: where they answer, what host names end in, whom tokens are for, app ids."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

import yaml

from dispatcher.backends.azureml.place import clouds


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where Resource Manager and the directory (`graph`) answer, what hosts of storage end in, the audience of
    federated credentials, and the application id of Azure Cosmos DB."""

    resource_manager: str
    storage: str
    federation_audience: str
    graph: str
    cosmos_application: str


@functools.cache
def _data() -> Mapping[str, Mapping[str, str]]:
    data: Mapping[str, Mapping[str, str]] = yaml.safe_load(
        resources.files("infra.azure").joinpath("data/clouds.yaml").read_text()
    )
    return data


def of(environment: str) -> Cloud:
    """The cloud that a zone's `environment` names: `public` or `usgovernment`. Raises KeyError for another."""
    told, ours = clouds()[environment], _data()
    names = ("federation_audience", "graph", "cosmos_application")
    return Cloud(told.arm, told.storage, **{name: ours[name][environment] for name in names})
