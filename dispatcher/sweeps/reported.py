"""The metric line, by which a job tells what it has reached: `dispatch-metric loss=0.0105 accuracy=0.93 step=20`.

It may stand behind whatever a logging library puts in front of a line. `step` is a whole number and no metric;
what is said last of a name counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

WORD = "dispatch-metric"
STEP = "step"
LINE_MAX = 4_096
"""Characters of a line that is looked at; a longer one is no such line."""

_PAIR = r"[A-Za-z_][A-Za-z0-9_./-]{0,63}=[^\s=]{1,40}"
_LINE = re.compile(rf"(?:^|\s){WORD}((?:[ \t]+{_PAIR})+)\s*$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reported:
    """What a job said last of one metric; `value` is not finite where the program has lost it (`nan`)."""

    value: float
    step: int = 0


def last(lines: Iterable[str]) -> dict[str, Reported]:
    """What was said last of each name. Lines that are none, and values that are no numbers, are passed over."""
    found: dict[str, Reported] = {}
    for line in lines:
        if WORD in line and len(line) <= LINE_MAX:
            found.update(of(line))
    return found


def of(line: str) -> dict[str, Reported]:
    """What one line says."""
    match = _LINE.search(line)
    if match is None:
        return {}
    pairs = [pair.split("=", 1) for pair in match[1].split()]
    steps = [int(text) for name, text in pairs if name == STEP and re.fullmatch(r"\d{1,15}", text, re.ASCII)]
    step = steps[-1] if steps else 0
    numbers = ((name, _number(text)) for name, text in pairs if name != STEP)
    return {name: Reported(value, step) for name, value in numbers if value is not None}


def finite(said: Reported) -> bool:
    """Whether trials can be compared by it."""
    return math.isfinite(said.value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
