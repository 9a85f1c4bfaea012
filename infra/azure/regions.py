"""Which regions of Azure a zone may be in: read from data/regions.yaml, by Azure cloud."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources

import yaml


@functools.cache
def table() -> Mapping[str, tuple[str, ...]]:
    """The regions of each Azure cloud (`public`, `usgovernment`), by its name.

    Of the public cloud these are all there are: where Azure ML is offered among them, Azure tells only when a
    workspace is made there.
    """
    data = yaml.safe_load(resources.files("infra.azure").joinpath("data/regions.yaml").read_text())
    return {cloud: tuple(facts["regions"]) for cloud, facts in data["clouds"].items()}
