"""Automatic physical names: the logical name, a hyphen and seven hex digits from the engine's random seed."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from localcloud.plugin.schema import DEFAULTS, Failure
from localcloud.plugin.values import Properties

DIGITS = 7  # pulumi-terraform-bridge: AutoNameOptions.Randlen of AutoName()


def name(
    rule: dict[str, Any], logical: str, inputs: Properties, olds: Properties, seed: bytes, proposal: str | None
) -> Failure | None:
    """Fills `inputs` with a name when none was given (rule: `{property, max, lower}`); an automatic one stays."""
    prop, longest = rule["property"], rule["max"]
    prefix = f"{prop}Prefix"
    if inputs.get(prop) is not None or inputs.get(prefix) is not None:
        return None
    if prop in olds.get(DEFAULTS, ()) and olds.get(prop):
        made = olds[prop]
    elif proposal is not None:
        made = proposal
    else:
        made = f"{logical}-{digits(seed, logical, DIGITS)}"
        made = made.lower() if rule.get("lower") else made
    if len(made) > longest:
        return Failure(
            prop, f"automatic name '{made}' is longer than maximum length {longest}; give {prop!r} yourself"
        )
    inputs[prop] = made
    inputs[DEFAULTS] = sorted([*inputs.get(DEFAULTS, ()), prop])
    return None


def digits(seed: bytes, logical: str, count: int) -> str:
    """Hex digits that are the same for one seed and name, at most 64; without a seed they are random."""
    material = hashlib.sha256(seed + logical.encode()).hexdigest() if seed else secrets.token_hex(count)
    return material[:count]
