"""The real lane's tables speak of resources that the stacks have: a renamed one must not leave a row idle."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.engine import golden
from tests.engine.altered import meets
from tests.engine.project import stacks
from tests.real import parity
from tests.real.conftest import CHANGES

ROWS = [row for rows in CHANGES.values() for row in rows]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["type"])
def test_a_change_meets_a_resource_of_some_stack(row: dict[str, Any]) -> None:
    inventories = [yaml.safe_load(golden.path(stack).read_text()) for stack in stacks()]
    there = [(kind, each) for inventory in inventories for kind in inventory for each in inventory[kind]]
    assert meets(row, there)


def test_every_reviewed_difference_has_a_reason() -> None:
    assert all(len(entry.reason) > 10 for entry in parity.reviewed())
