"""Peering with the network of Google's services, and whether that has a way to the internet."""

from __future__ import annotations

from localcloud.plugin.gcp.fields import Json
from localcloud.plugin.gcp.rest import allowed
from localcloud.plugin.gcp.session import Gcp, quoted
from localcloud.plugin.handling import Resource
from localcloud.plugin.values import Properties

BASE = "https://servicenetworking.googleapis.com/v1/"
PROJECTS = "https://cloudresourcemanager.googleapis.com/v1/"
PEER = "connections/servicenetworking-googleapis-com"  # the one connection a network has


def _url(gcp: Gcp, path: str) -> str:
    return gcp.base("service_networking_custom_endpoint", BASE) + path


def _numbered(gcp: Gcp, network: str, project: str = "") -> str:
    """A network's name with the project's number in it (RetrieveServiceNetworkingNetworkName)."""
    parts = network.partition("projects/")[2].split("/") if "projects/" in network else []
    project, name = (parts[0], parts[-1]) if parts else (project or gcp.project, network)
    found = gcp.call("GET", gcp.base("resource_manager_custom_endpoint", PROJECTS) + f"projects/{project}")
    return f"projects/{found['projectNumber']}/global/networks/{name}"


def _wait(gcp: Gcp, answer: Json, what: str) -> None:
    gcp.finished(_url(gcp, ""), answer, what)


def connect(gcp: Gcp, inputs: Properties) -> str:
    network, service = inputs["network"], inputs["service"]
    body = {"network": _numbered(gcp, network), "reservedPeeringRanges": inputs["reservedPeeringRanges"]}
    answer = gcp.call("POST", _url(gcp, f"services/{service}/connections"), body)
    _wait(gcp, answer, "Create Service Networking Connection")
    return f"{quoted(network)}:{service}"


def read_connection(gcp: Gcp, id: str, known: Properties) -> Properties | None:
    network, _, service = id.replace("%2F", "/").replace("%3A", ":").rpartition(":")
    name = _numbered(gcp, network)
    listed = gcp.call("GET", _url(gcp, f"services/{service}/connections?network={quoted(name)}"))
    found = next((one for one in listed.get("connections", []) if one["network"] == name), None)
    if found is None:
        return None
    return {
        "network": known.get("network") or network,
        "service": service,
        "peering": found.get("peering", ""),
        "reservedPeeringRanges": found.get("reservedPeeringRanges", []),
    }


def update_connection(gcp: Gcp, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    if "reservedPeeringRanges" in names:
        body = {"network": _numbered(gcp, new["network"]), "reservedPeeringRanges": new["reservedPeeringRanges"]}
        url = _url(gcp, f"services/{new['service']}/connections/-?updateMask=reservedPeeringRanges&force=true")
        _wait(gcp, gcp.call("PATCH", url, body), "Update Service Networking Connection")


def disconnect(gcp: Gcp, id: str, state: Properties) -> None:
    if allowed("ServiceNetworkingConnection", state) and read_connection(gcp, id, state):
        body = {"consumerNetwork": _numbered(gcp, state["network"])}
        answer = gcp.call("POST", _url(gcp, f"services/{state['service']}/{PEER}"), body)
        _wait(gcp, answer, "Delete Service Networking Connection")


def _project(gcp: Gcp, values: Properties) -> str:
    return str(values.get("project") or gcp.project)


def switch(gcp: Gcp, inputs: Properties) -> str:
    project, service, network = _project(gcp, inputs), inputs["service"], inputs["network"]
    verb = "enableVpcServiceControls" if inputs["enabled"] else "disableVpcServiceControls"
    body = {"consumerNetwork": _numbered(gcp, network, project)}
    _wait(gcp, gcp.call("PATCH", _url(gcp, f"services/{service}:{verb}"), body), "VPC service controls")
    return f"services/{service}/projects/{project}/networks/{network}"


def read_switch(gcp: Gcp, id: str, known: Properties) -> Properties | None:
    _, service, _, project, _, network = id.split("/")
    parent = f"services/{service}/{_numbered(gcp, network, project)}"
    found = gcp.found(_url(gcp, f"{parent}/vpcServiceControls"))
    if found is None:
        return None
    own = {"project": known["project"]} if known.get("project") else {}
    return {"service": service, "network": network, "enabled": bool(found.get("enabled"))} | own


def update_switch(gcp: Gcp, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    switch(gcp, new)


def forget(gcp: Gcp, id: str, state: Properties) -> None:
    return None  # the provider leaves the setting as it is


RESOURCES = {
    "gcp:servicenetworking/connection:Connection": Resource(
        "Service Networking Connection", connect, read_connection, update_connection, disconnect
    ),
    "gcp:servicenetworking/vpcServiceControls:VpcServiceControls": Resource(
        "VPCServiceControls", switch, read_switch, update_switch, forget
    ),
}
