"""python -m localcloud.gcp.discovery.derive FOLDER: renews data/ from Google's discovery documents.

FOLDER is `googleapiclient/discovery_cache/documents` of the google-api-python-client distribution.
data/wanted.json names the methods (`*`: all at that place); kept are those, and the types of their requests.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
DATA = Path(__file__).resolve().parent / "data"
KEPT = ("type", "format", "enum", "pattern", "readOnly", "$ref")


def main(folder: str) -> None:
    for name, wanted in json.loads((DATA / "wanted.json").read_text()).items():
        document = json.loads((Path(folder) / f"{name}.json").read_text())
        text = json.dumps(extract(document, wanted), indent=1, sort_keys=True)
        (DATA / f"{name}.json").write_text(text + "\n")


def extract(document: Json, wanted: list[str]) -> Json:
    """The wanted methods of a document and the types they take."""
    methods = {}
    for id, method in _methods(document):
        short = id.partition(".")[2]
        if short in wanted or f"{short.rpartition('.')[0]}.*" in wanted:
            methods[short] = {
                "method": method["httpMethod"],
                "path": "/" + document["servicePath"] + _template(method),
                "query": sorted(n for n, p in method.get("parameters", {}).items() if p["location"] == "query"),
                "request": method.get("request", {}).get("$ref"),
            }
    missing = [one for one in wanted if not one.endswith(".*") and one not in methods]
    if missing:
        raise ValueError(f"{document['id']} has no {', '.join(missing)}")
    types: Json = {}
    for method in methods.values():
        _collect(document["schemas"], method["request"], types)
    return {"source": document["id"], "revision": document["revision"], "methods": methods, "types": types}


def _methods(resource: Json) -> Iterator[tuple[str, Json]]:
    for method in resource.get("methods", {}).values():
        yield method["id"], method
    for inner in resource.get("resources", {}).values():
        yield from _methods(inner)


def _template(method: Json) -> str:
    """`v1/{+name}:go` with name's pattern `^projects/[^/]+$` -> `v1/{name=projects/*}:go`"""
    path: str = method["path"]
    for name, parameter in method.get("parameters", {}).items():
        if f"{{+{name}}}" in path:
            pattern = parameter["pattern"].strip("^$").replace("[^/]+", "*").replace(".*", "**")
            path = path.replace(f"{{+{name}}}", f"{{{name}={pattern}}}")
    return path


def _collect(schemas: Json, name: str | None, types: Json) -> None:
    if name is None or name in types:
        return
    types[name] = {}  # before its properties: types may hold themselves
    properties = {key: _property(value) for key, value in schemas[name].get("properties", {}).items()}
    types[name] = properties
    for used in _used(properties):
        _collect(schemas, used, types)


def _property(value: Json) -> Json:
    kept = {key: value[key] for key in KEPT if key in value}
    for inner in ("items", "additionalProperties"):
        if inner in value:
            kept[inner] = _property(value[inner])
    if value.get("properties"):
        kept["properties"] = {name: _property(one) for name, one in value["properties"].items()}
    return kept


def _used(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _used(inner)


if __name__ == "__main__":
    main(sys.argv[1])
