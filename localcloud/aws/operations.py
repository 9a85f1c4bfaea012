"""Which operation of which service a call is: read from headers and body, or from the vendor's model for REST."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from localcloud.server.seen import Seen
from localcloud.server.wire import Call

# Services whose signing name is not the name boto3 knows them by.
_CLIENT = {"monitoring": "cloudwatch", "elasticloadbalancing": "elbv2", "email": "ses"}


def understand(call: Call) -> Seen:
    """What a call asks for. Unknown parts are empty words; nothing is raised."""
    _, region, signing = call.credential
    service = _CLIENT.get(signing, signing)
    target = call.lower.get("x-amz-target", "")
    if target:
        return Seen(service or target.partition(".")[0].lower(), target.rpartition(".")[2], region, _json(call))
    kind = call.lower.get("content-type", "")
    if call.method == "POST" and kind.startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(call.body.decode(errors="replace"), keep_blank_values=True))
        if "Action" in form:
            return Seen(service, form.pop("Action"), region, form)
    if service == "s3" and (call.path.startswith("/v20180820/") or "s3-control" in call.host):
        service = "s3control"
    operation, parameters = _rest(service, call) if service else ("", {})
    return Seen(service, operation, region, parameters)


def _json(call: Call) -> Mapping[str, Any]:
    try:
        document = json.loads(call.body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


@dataclass(frozen=True, slots=True)
class _Route:
    name: str
    method: str
    path: re.Pattern[str]
    query: Mapping[str, str]
    weight: tuple[int, int]
    copies: bool


@functools.cache
def _routes(service: str) -> list[_Route]:
    """The REST operations of a service, the most particular first. Empty for a service botocore does not know."""
    from botocore.exceptions import UnknownServiceError
    from botocore.loaders import Loader

    try:
        model = Loader().load_service_model(service, "service-2")
    except UnknownServiceError:
        return []
    routes = []
    for name, operation in model["operations"].items():
        template, _, query = operation["http"]["requestUri"].partition("?")
        pattern = re.sub(r"\\\{(\w+)\\\+\\\}", r"(?P<\1>.+)", re.escape(template))
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern)
        fixed = {key: value for key, value in parse_qsl(query, keep_blank_values=True) if key != "x-id"}
        # Members that must come in the query tell operations of one path apart (UploadPart from PutObject).
        shape = model["shapes"].get(operation.get("input", {}).get("shape", ""), {})
        for member in shape.get("required", []):
            description = shape["members"][member]
            if description.get("location") == "querystring":
                fixed.setdefault(description["locationName"], "")
        copies = "CopySource" in shape.get("required", [])
        literal = len(re.sub(r"\{[^}]*\}", "", template))
        routes.append(
            _Route(
                name, operation["http"]["method"], re.compile(pattern + "/?"), fixed, (len(fixed), literal), copies
            )
        )
    return sorted(routes, key=lambda route: (*route.weight, route.copies), reverse=True)


def _rest(service: str, call: Call) -> tuple[str, Mapping[str, Any]]:
    copies = "x-amz-copy-source" in call.lower
    for route in _routes(service):
        if route.method != call.method or route.copies > copies:
            continue
        found = route.path.fullmatch(call.path)
        query = call.query
        if found and all(key in query and value in ("", query[key]) for key, value in route.query.items()):
            named = {key: unquote(value) for key, value in found.groupdict().items() if value}
            return route.name, {**query, **named, **({} if service == "s3" else _json(call))}
    return "", {}
