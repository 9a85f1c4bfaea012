"""Google's own API definitions as routes: which path a method has, and what its body may hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from localcloud.gcp.api import Api, Request, Respond, Route
from localcloud.gcp.enablement import require
from localcloud.gcp.errors import GoogleError, info, invalid
from localcloud.gcp.state import State

Json = dict[str, Any]
DATA = Path(__file__).resolve().parent / "data"
# Parameters that every method takes (the `parameters` of each discovery document).
SYSTEM = frozenset(
    {"$.xgafv", "access_token", "alt", "callback", "fields", "key", "oauth_token", "prettyPrint", "quotaUser"}
    | {"upload_protocol", "uploadType", "userIp", "$alt"}
)


FORMATS = {
    "google-duration": r"-?\d+(?:\.\d{1,9})?s",
    "google-datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)",
}


@cache
def document(name: str) -> Json:
    """An extract: `{source, revision, methods, types}`; see derive.py."""
    found: Json = json.loads((DATA / f"{name}.json").read_text())
    return found


def routes(name: str, methods: Mapping[str, Respond], *, gated: bool = True) -> Iterator[Route]:
    """Routes for the methods of a document; a `gated` service answers only when it is enabled."""
    known = document(name)["methods"]
    for short, respond in methods.items():
        method = known[short]
        act = partial(_checked, name, short, respond, gated)
        yield Route(method["method"], method["path"], short, act)


def api(name: str, methods: Mapping[str, Respond], *, gated: bool = True) -> Api:
    return Api(list(routes(name, methods, gated=gated)))


def _checked(name: str, short: str, respond: Respond, gated: bool, state: State, request: Request) -> object:
    if gated:
        require(state, f"{name.partition('.')[0]}.googleapis.com")
    method = document(name)["methods"][short]
    unknown = sorted(set(request.query) - SYSTEM - _spellings(method["query"]))
    if unknown:
        raise _unknown([f'Unknown name "{one}": Cannot bind query parameter.' for one in unknown])
    if method["request"]:
        problems = list(wrong(document(name)["types"], method["request"], request.body, ""))
        if problems:
            raise _unknown(problems)
    return respond(state, request)


def argument(request: Request, name: str) -> str:
    """A query parameter in either spelling, "" without it."""
    return next((request.query[spelt] for spelt in sorted(_spellings([name])) if spelt in request.query), "")


def _spellings(names: Iterable[str]) -> set[str]:
    """Parameters in both spellings that Google takes: keyRingId and key_ring_id."""
    return {spelt for name in names for spelt in (name, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())}


def _unknown(problems: list[str]) -> GoogleError:
    text = "\n".join(f"Invalid JSON payload received. {problem}" for problem in problems)
    return (
        invalid(text)
        if len(problems) < 2
        else GoogleError("INVALID_ARGUMENT", text, details=[info("BAD_REQUEST")])
    )


def wrong(types: Json, kind: str, body: Any, path: str) -> Iterator[str]:
    """What of a body does not fit the type, in the words of Google's JSON parser."""
    if not isinstance(body, dict):
        yield f"Invalid value at '{path}'"
        return
    yield from _fields(types, types[kind], body, path)


def _fields(types: Json, properties: Json, body: Json, path: str) -> Iterator[str]:
    for name, value in body.items():
        where = f"{path}.{name}" if path else name
        prop = properties.get(name) or properties.get(_camel(name))
        if prop is None:
            yield f'Unknown name "{name}"{f" at {path!r}" if path else ""}: Cannot find field.'
        else:
            yield from _value(types, prop, value, where)


def _value(types: Json, prop: Json, value: Any, path: str) -> Iterator[str]:
    if value is None:
        return
    if "$ref" in prop:
        yield from wrong(types, prop["$ref"], value, path)
    elif prop["type"] == "array":
        for i, inner in enumerate(value if isinstance(value, list) else [value]):
            yield from _value(types, prop["items"], inner, f"{path}[{i}]")
    elif prop["type"] == "object":
        if not isinstance(value, dict):
            yield f"Invalid value at '{path}'"
        elif "properties" in prop:
            yield from _fields(types, prop["properties"], value, path)
        else:
            for key, inner in value.items():
                yield from _value(
                    types, prop.get("additionalProperties", {"type": "any"}), inner, f"{path}[{key}]"
                )
    else:
        yield from _scalar(prop, value, path)


def _scalar(prop: Json, value: Any, path: str) -> Iterator[str]:
    kind, whole = prop["type"], prop.get("format", "")
    if kind == "boolean":
        fits = isinstance(value, bool)
    elif kind in ("integer", "number") or (kind == "string" and whole in ("int64", "uint64")):
        text = re.fullmatch(r"-?\d+(?:\.\d+)?", str(value))
        fits = text is not None and not isinstance(value, bool)
    elif kind == "string":
        fits = isinstance(value, str) and re.fullmatch(FORMATS.get(whole, ".*"), value, re.S) is not None
    else:
        fits = True
    if not fits:
        yield f"Invalid value at '{path}' (TYPE_{(whole or kind).upper()}), {json.dumps(value)}"
    elif "enum" in prop and value not in prop["enum"] and value != "":
        yield f"Invalid value at '{path}' (TYPE_ENUM), {json.dumps(value)}"


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def writable(name: str, kind: str, body: Json) -> Json:
    """A body without what only the service writes."""
    properties = document(name)["types"][kind]
    return {key: value for key, value in body.items() if not properties.get(key, {}).get("readOnly")}
