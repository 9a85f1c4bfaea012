"""Inputs after a refresh: what changed between two readings is taken over, what the service filled in is not."""

from __future__ import annotations

from typing import Any

from localcloud.plugin.values import Properties


def refreshed(inputs: Properties, before: Properties, now: Properties) -> Properties:
    """The inputs, with the difference of the two readings (both as inputs would give them) put on top."""
    found = {name: value for name, value in inputs.items() if name not in before or name in now}
    for name, value in now.items():
        if name not in before:
            found[name] = value
        elif before[name] != value:
            found[name] = _value(inputs[name], before[name], value) if name in inputs else value
    return found


def _value(base: Any, before: Any, now: Any) -> Any:
    if isinstance(base, dict) and isinstance(before, dict) and isinstance(now, dict):
        return refreshed(base, before, now)
    if isinstance(base, list) and isinstance(before, list) and isinstance(now, list):
        known = min(len(base), len(before))
        return [_value(base[i], before[i], one) if i < known else one for i, one in enumerate(now)]
    return now
