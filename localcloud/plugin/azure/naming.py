"""Automatic names as azure-native makes them: at random, a copy of the logical name, or a UUID."""

from __future__ import annotations

import uuid

from localcloud.plugin import naming
from localcloud.plugin.azure.differences import MADE_UP
from localcloud.plugin.schema import Table
from localcloud.plugin.values import Properties

DIGITS = 8  # provider/pkg/provider/provider.go, getDefaultName


def name(
    rule: Table, logical: str, inputs: Properties, olds: Properties, seed: bytes, proposal: str | None
) -> None:
    """Fills `inputs` with a name when none was given (rule: `{property, kind}`); one that is there stays."""
    prop, kind = rule["property"], rule["kind"]
    if inputs.get(prop) is not None:
        return
    if olds.get(prop) is not None:
        inputs[prop], made_up = olds[prop], bool(olds.get(MADE_UP, False))
    elif kind == "uuid":  # a proposal is no UUID
        inputs[prop], made_up = str(uuid.UUID(naming.digits(seed, logical, 32))), True
    elif proposal is not None:
        inputs[prop], made_up = proposal, True
    else:
        made_up = kind == "random"
        inputs[prop] = logical + naming.digits(seed, logical, DIGITS) if made_up else logical
    if made_up:
        inputs[MADE_UP] = True
