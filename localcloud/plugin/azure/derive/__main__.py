"""python -m localcloud.plugin.azure.derive: renews data/schema.json and data/config.json of the installed SDK."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from localcloud.plugin.azure.derive import table

DATA = Path(__file__).resolve().parents[1] / "data"


def load(name: str) -> Any:
    return json.loads((DATA / name).read_text())


def derived() -> Any:
    """The table that schema.json must hold."""
    return table.derive(load("types.json"), load("names.json"))


def text(schema: Any) -> str:
    """One type, resource or lookup to a line, so that a difference reads well."""
    parts = []
    for part, entries in schema.items():
        lines = (f"  {json.dumps(name)}: {json.dumps(one, ensure_ascii=False)}" for name, one in entries.items())
        parts.append(f" {json.dumps(part)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    (DATA / "schema.json").write_text(text(derived()))


if __name__ == "__main__":
    main()
