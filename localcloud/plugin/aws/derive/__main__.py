"""python -m localcloud.plugin.aws.derive [--source DIR --schema FILE]: renews data/schema.json and its sources.

--source: the unpacked Go module of the provider; renews data/rules.json (replacement flags, defaults, validators).
--schema: an answer of `providers schema`; renews data/upstream.json (only the types that the stand-in serves).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from localcloud.plugin.aws.derive import golang
from localcloud.plugin.derive import table

DATA = Path(__file__).resolve().parent.parent / "data"


def load(name: str) -> Any:
    return json.loads((DATA / name).read_text())


def write(name: str, value: Any) -> None:
    (DATA / name).write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--schema", type=Path)
    arguments = parser.parse_args()
    types = load("types.json")["types"]
    if arguments.schema:
        whole = json.loads(arguments.schema.read_text())
        kept = {entry["terraform"]: whole["resource_schemas"][entry["terraform"]] for entry in types.values()}
        write("upstream.json", {"module": whole["module"], "version": whole["version"], "resource_schemas": kept})
    if arguments.source:
        facts = {entry["terraform"]: golang.facts(arguments.source, entry["file"]) for entry in types.values()}
        write("rules.json", facts)
        services = sorted({entry["file"].split("/")[0] for entry in types.values()})
        found = {service: golang.enums(arguments.source, service, json.dumps(facts)) for service in services}
        source = "aws-sdk-go-v2 service/*/types/enums.go, in the versions that the provider's go.mod names"
        write("enums.json", {"source": source, "services": found})
    write("schema.json", derived())


def derived() -> Any:
    """The table that schema.json must hold."""
    parts = ("upstream.json", "rules.json", "validators.json", "names.json", "enums.json")
    return table.derive(load("types.json")["types"], *map(load, parts))


if __name__ == "__main__":
    main()
