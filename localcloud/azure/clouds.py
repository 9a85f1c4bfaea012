"""The clouds of Azure: the one that a region is in says what hosts end in, and whose tokens are taken."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Cloud:
    """`managers` and `studio` are audiences; `tracking` stands behind a region, what follows behind a name."""

    name: str
    managers: tuple[str, ...]
    studio: str
    tracking: str
    storage: str
    vault: str
    registry: str


@cache
def _table() -> Mapping[str, Cloud]:
    """The clouds by what their regions begin with."""
    document: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "clouds.json").read_text("utf-8"))
    rows = [{"name": name, **row} for name, row in document.items() if isinstance(row, dict)]
    return {row.pop("regions"): Cloud(managers=tuple(row.pop("managers")), **row) for row in rows}


def of(region: str) -> Cloud:
    """The cloud a region is in; the public one when its name says nothing else."""
    named = (cloud for start, cloud in _table().items() if start and re.match(start, region.lower()))
    return next(named, _table()[""])


def managers() -> tuple[str, ...]:
    """Whose tokens Resource Manager takes: those of every cloud, for its paths have no region."""
    return tuple(one for cloud in _table().values() for one in cloud.managers)


def storages() -> tuple[str, ...]:
    """What the hosts of storage end in, over all clouds."""
    return tuple(cloud.storage for cloud in _table().values())
