"""servicenetworking.googleapis.com: a network's peering with the one in which Google runs services for it."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field

from localcloud.gcp import discovery, operations
from localcloud.gcp.agents import Agents
from localcloud.gcp.api import Request
from localcloud.gcp.compute_state import Things
from localcloud.gcp.documents import Document
from localcloud.gcp.errors import GoogleError, invalid, not_found
from localcloud.gcp.names import own
from localcloud.gcp.state import NUMBER, PROJECT, State

PEERING = "servicenetworking-googleapis-com"
NETWORK = re.compile(r"projects/([^/]+)/global/networks/([^/]+)")


@dataclass
class Connections:
    """Connections by network (named by the project's number), and where the way to the internet is cut."""

    state: State
    by_network: dict[str, Document] = field(default_factory=dict)
    cut_off: set[str] = field(default_factory=set)


def _network(state: State, name: str) -> str:
    """A network's name as this service writes it. Raises GoogleError for one that is not there."""
    found = NETWORK.fullmatch(name)
    if found is None:
        raise invalid(f"Invalid network name {name!r}: it must be projects/<number>/global/networks/<name>.")
    own(found[1])
    state.store(Things).get(f"projects/{PROJECT}/global/networks/{found[2]}")
    return f"projects/{NUMBER}/global/networks/{found[2]}"


def _ranges(state: State, names: list[str]) -> list[str]:
    things = state.store(Things)
    for name in names:
        found = things.by_path.get(f"projects/{PROJECT}/global/addresses/{name}")
        if found is None or found.get("purpose") != "VPC_PEERING":
            raise not_found(f"Allocated IP range '{name}' not found in network.")
    if not names:
        raise invalid("At least one reserved peering range is needed.")
    return list(names)


def create(state: State, request: Request) -> object:
    with state.lock:
        network = _network(state, str(request.body.get("network", "")))
        held = state.store(Connections).by_network
        ranges = _ranges(state, request.body.get("reservedPeeringRanges", []))
        if network in held and sorted(held[network]["reservedPeeringRanges"]) != sorted(ranges):
            raise invalid("Cannot modify allocated ranges in CreateConnection. Please use UpdateConnection.")
        state.store(Agents).make("servicenetworking.googleapis.com", "identity")
        service = f"services/{request.names['parent'].partition('/')[2]}"
        made = {"network": network, "peering": PEERING, "reservedPeeringRanges": ranges, "service": service}
        held[network] = made
        return operations.started(state, "", copy.deepcopy(made))


def list_connections(state: State, request: Request) -> object:
    with state.lock:
        network = _network(state, request.query.get("network", ""))
        found = state.store(Connections).by_network.get(network)
        return {"connections": [copy.deepcopy(found)] if found else []}


def patch(state: State, request: Request) -> object:
    with state.lock:
        found = _held(state, str(request.body.get("network", "")))
        found["reservedPeeringRanges"] = _ranges(state, request.body.get("reservedPeeringRanges", []))
        return operations.started(state, "", copy.deepcopy(found))


def _held(state: State, name: str) -> Document:
    found = state.store(Connections).by_network.get(_network(state, name))
    if found is None:
        raise not_found(f"No connection of {name} found.")
    return found


def delete(state: State, request: Request) -> object:
    with state.lock:
        network = _held(state, str(request.body.get("consumerNetwork", "")))["network"]
        store = state.store(Connections)
        del store.by_network[network]
        store.cut_off.discard(network)
        return operations.started(state, "", {})


def enable(state: State, request: Request) -> object:
    with state.lock:
        network = _held(state, str(request.body.get("consumerNetwork", "")))["network"]
        state.store(Connections).cut_off.add(network)
        return operations.started(state, "", {})


def disable(state: State, request: Request) -> object:
    with state.lock:
        network = _held(state, str(request.body.get("consumerNetwork", "")))["network"]
        state.store(Connections).cut_off.discard(network)
        return operations.started(state, "", {})


def get_controls(state: State, request: Request) -> object:
    with state.lock:
        name = "projects/" + request.names["name"].partition("/projects/")[2]
        try:
            network = _held(state, name)["network"]
        except GoogleError as error:
            raise not_found(error.message) from error
        return {"enabled": network in state.store(Connections).cut_off}


API = discovery.api(
    "servicenetworking.v1",
    {
        "services.connections.create": create,
        "services.connections.list": list_connections,
        "services.connections.patch": patch,
        "services.connections.deleteConnection": delete,
        "services.enableVpcServiceControls": enable,
        "services.disableVpcServiceControls": disable,
        "services.projects.global.networks.getVpcServiceControls": get_controls,
        "operations.get": operations.get,
    },
)
