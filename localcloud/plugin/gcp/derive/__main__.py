"""python -m localcloud.plugin.gcp.derive [--source DIR --schema FILE]: renews data/schema.json and its sources.

--source: the unpacked Go module of the provider; needs Go; renews data/rules.json and data/rest.json.
--schema: an answer of `providers schema`; with --source renews data/upstream.json (only the types that are served;
one that the answer lacks is made of the source).
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

from localcloud.plugin.derive import sdk, table
from localcloud.plugin.gcp.derive import facts, lookups

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data"
PARTS = ("upstream.json", "rules.json", "validators.json", "names.json")
NO_ENUMS: dict[str, Any] = {"services": {}}  # the source spells its enumerations out
LONGEST = 255  # prov.SetAutonaming(255, "-") in pulumi-gcp's provider/resources.go: for inputs called `name`


def load(name: str) -> Any:
    return json.loads((DATA / name).read_text())


def write(name: str, value: Any) -> None:
    (DATA / name).write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--schema", type=Path)
    arguments = parser.parse_args()
    wanted = sorted({entry["terraform"] for entry in load("types.json")["types"].values()})
    if arguments.source:
        command = ["go", "run", str(HERE / "facts.go"), str(arguments.source), *wanted]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        found |= load("beta.json")["types"]
        write("rules.json", {name: facts.rules(one["schema"]) for name, one in found.items()})
        write("rest.json", {name: facts.calls(one) for name, one in found.items()})
        if arguments.schema:
            whole = json.loads(arguments.schema.read_text())
            kept = {
                name: whole["resource_schemas"].get(name) or facts.block(found[name]["schema"]) for name in wanted
            }
            made = sorted(set(wanted) - whole["resource_schemas"].keys())
            head = {"module": whole["module"], "version": whole["version"], "made_of_the_source": made}
            write("upstream.json", head | {"resource_schemas": kept})
    write("schema.json", derived())
    write("lookups.json", lookups.derive(load("types.json")["lookups"], derived()))


def derived() -> Any:
    """The table that schema.json must hold."""
    types: dict[str, Any] = load("types.json")["types"]
    for token, entry in types.items():
        if "autoname" not in entry and "name" in sdk.inputs(token):
            entry["autoname"] = {"property": "name", "max": LONGEST}
        elif entry.get("autoname", ...) is None:
            del entry["autoname"]
    rest = load("rest.json")
    upstream, rules, validators, names = map(load, PARTS)
    out = table.derive(types, upstream, rules, validators, names, NO_ENUMS)
    for entry in out.values():
        entry["planned"] = rest[entry["terraform"]].get("planned", [])
    return out


if __name__ == "__main__":
    main()
