"""Writing an extract of a vendor's model, one shape to a line, or checking that the one on disk is current."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def text(document: Mapping[str, Any]) -> str:
    """Return the file's text: one shape per line, so that a difference reads well."""
    lines = [
        f"  {json.dumps(name)}: {json.dumps(shape, separators=(',', ':'))}"
        for name, shape in document["shapes"].items()
    ]
    head = {key: value for key, value in document.items() if key != "shapes"}
    return json.dumps(head)[:-1] + ', "shapes": {\n' + ",\n".join(lines) + "\n}}\n"


def main(target: Path, render: Callable[[], str]) -> None:
    """Write the file, or with `--check` fail when the one on disk differs."""
    if "--check" not in sys.argv[1:]:
        target.write_text(render())
    elif target.read_text() != render():
        raise SystemExit(f"{target.name} is stale: run this without --check")
