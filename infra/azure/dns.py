"""Which private DNS zones lead to private endpoints: a table, by Azure cloud. No Pulumi in here."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources

import yaml


@functools.cache
def dns_zones(environment: str) -> Mapping[str, tuple[str, ...]]:
    """The private DNS zones by the group id of what they lead to, in one Azure cloud (data/dns_zones.yaml)."""
    data = yaml.safe_load(resources.files("infra.azure").joinpath("data/dns_zones.yaml").read_text())
    return {group: tuple(zones) for group, zones in data["zones"][environment].items()}
