"""NAT gateways: entries in a router's list, changed by reading and writing the router."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable

from localcloud.plugin.gcp.fields import Json, received
from localcloud.plugin.gcp.rest import Hooks, Rest, allowed
from localcloud.plugin.gcp.session import ApiError, Gcp
from localcloud.plugin.handling import Resource
from localcloud.plugin.values import Properties

TOKEN = "gcp:compute/routerNat:RouterNat"
NAT = Rest(TOKEN, Hooks())
LOCK = threading.Lock()  # the provider's mutex `router/{{region}}/{{router}}`


def _url(gcp: Gcp, values: Properties) -> str:
    values = {**values, "router": str(values["router"]).rpartition("/")[2]}
    return NAT.url(gcp, NAT.calls("Read")[0]["url"], values)


def _change(gcp: Gcp, values: Properties, act: Callable[[list[Json]], list[Json]]) -> None:
    with LOCK:
        url = _url(gcp, values)
        nats = act(copy.deepcopy(gcp.call("GET", url).get("nats", [])))
        gcp.finished(NAT.base(gcp), gcp.call("PATCH", url, {"nats": nats}), NAT.label)


def _values(gcp: Gcp, id: str, known: Properties) -> Properties:
    parts = id.split("/")
    if "regions" in parts:
        named = {"project": parts[1], "region": parts[3], "router": parts[5], "name": parts[-1]}
    else:
        named = dict(zip(("project", "region", "router", "name"), parts, strict=True))
    return {**named, **{name: value for name, value in known.items() if value not in (None, "")}}


def _body(gcp: Gcp, inputs: Properties) -> Json:
    body = NAT.body(gcp, inputs)
    body.pop("initialNatIps", None)  # said only at creation: the provider writes them as natIps
    if inputs.get("initialNatIps") and not body.get("natIps"):
        body["natIps"] = NAT.linked(gcp, inputs)["initialNatIps"]
    return body


def create(gcp: Gcp, inputs: Properties) -> str:
    body = _body(gcp, inputs)

    def add(nats: list[Json]) -> list[Json]:
        if any(nat["name"] == body["name"] for nat in nats):
            raise ApiError(409, f"RouterNat '{body['name']}' already exists", "alreadyExists")
        return [*nats, body]

    _change(gcp, inputs, add)
    region = str(inputs.get("region") or gcp.settings.region).rpartition("/")[2]
    router = str(inputs["router"]).rpartition("/")[2]
    return f"{inputs.get('project') or gcp.project}/{region}/{router}/{inputs['name']}"


def read(gcp: Gcp, id: str, known: Properties) -> Properties | None:
    values = _values(gcp, id, known)
    router = gcp.found(_url(gcp, values))
    document = next((nat for nat in (router or {}).get("nats", []) if nat["name"] == values["name"]), None)
    if document is None:
        return None
    found = received(NAT.properties, NAT.received, document)
    found.pop("initialNatIps", None)
    project, region, name, _ = id.split("/") if "regions" not in id else (*id.split("/")[1:6:2], "")
    return found | {
        "id": f"{project}/{region}/{name}/{values['name']}",
        "project": project,
        "region": region,
        "router": known.get("router") or name,
    }


def update(gcp: Gcp, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    body = _body(gcp, new)

    def put(nats: list[Json]) -> list[Json]:
        return [body if nat["name"] == body["name"] else nat for nat in nats]

    _change(gcp, _values(gcp, id, new), put)


def delete(gcp: Gcp, id: str, state: Properties) -> None:
    if not allowed("ComputeRouterNat", state):
        return
    values = _values(gcp, id, state)
    try:
        _change(gcp, values, lambda nats: [nat for nat in nats if nat["name"] != values["name"]])
    except ApiError as error:
        if error.status != 404:
            raise


RESOURCES = {TOKEN: Resource(NAT.label, create, read, update, delete)}
