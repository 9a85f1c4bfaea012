"""Metrics that a program leaves in a file, said once more as lines of the job's log: a sweep reads them there.

Read are `metrics.json` in the output folder, one object of names and numbers, and the summary that W&B's client
leaves (`wandb/latest-run/files/wandb-summary.json` below WANDB_DIR or the working directory), whose names with `_`
in front are W&B's own. Neither needs a network here; the client (0.31) writes its summary when it is online only.
"""

from __future__ import annotations

import os

from . import log
from .folders import OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

WORD = "dispatch-metric"
"""The first word of the line (dispatcher.sweeps.reported)."""
SUMMARY = os.path.join("wandb", "latest-run", "files", "wandb-summary.json")
LARGEST = 1 << 20
"""Bytes of a file that is read."""
MOST = 50
"""Metrics that are said."""


def tell(environ: Mapping[str, str], since: float) -> None:
    """Say the metrics of files that were written after `since` (seconds since 1970). Never fails."""
    output = environ.get(OUTPUT)
    own = _fresh(os.path.join(output, "metrics.json"), since) if output else ""
    theirs = _fresh(os.path.join(environ.get("WANDB_DIR") or ".", SUMMARY), since)
    for path in (theirs, own):  # what a sweep hears last counts
        if path:
            for line in lines(path):
                log.write(f"{line}\n".encode())


def lines(path: str) -> list[str]:
    """Return the lines that a file's numbers make, one for each, with the step where the file has it."""
    import json
    import math
    import re

    try:
        with open(path, "rb") as file:
            found: Any = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        return []
    if not isinstance(found, dict):
        return []
    step = found.get("_step", found.get("step"))
    tail = f" step={step}" if type(step) is int and step >= 0 else ""
    told = []
    for name, value in found.items():
        known = name != "step" and re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]{0,63}", name, re.ASCII)
        if known and type(value) in (int, float):
            text = repr(float(value)) if math.isfinite(value) else str(float(value))
            told.append(f"{WORD} {name}={text}{tail}")
    return told[:MOST]


def _fresh(path: str, since: float) -> str:
    try:
        return path if os.stat(path).st_mtime >= since - 1 else ""  # some disks know whole seconds only
    except OSError:
        return ""
