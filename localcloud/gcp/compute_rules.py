"""What Compute Engine checks and fills in when a thing is made or changed, and what keeps one in place."""

from __future__ import annotations

import copy
import ipaddress
import re
from collections.abc import Callable
from typing import Any

from localcloud.gcp.compute_state import HOST, Things, path_of
from localcloud.gcp.documents import Document
from localcloud.gcp.errors import GoogleError, invalid
from localcloud.gcp.state import PROJECT, State

# Fields of a thing that name another one, by collection.
LINKS = {
    "subnetworks": ("network",),
    "firewalls": ("network",),
    "globalAddresses": ("network", "subnetwork"),
    "addresses": ("network", "subnetwork"),
    "globalForwardingRules": ("network", "subnetwork"),
    "routes": ("network",),
    "routers": ("network",),
    "networkAttachments": ("network",),
}
BUNDLES = ("all-apis", "vpc-sc")  # targets of a private endpoint for Google's APIs


def _links(state: State, made: Document, collection: str) -> None:
    things = state.store(Things)
    for name in LINKS.get(collection, ()):
        if made.get(name):
            made[name] = f"{HOST}/{things.refer(made[name], name)}"


def _network(state: State, made: Document, path: str) -> None:
    if made.get("IPv4Range"):
        raise invalid("Legacy networks are no longer supported.")
    made.setdefault("autoCreateSubnetworks", True)
    made["routingConfig"] = {"routingMode": "REGIONAL"} | made.get("routingConfig", {})
    made["routingConfig"].setdefault("bgpBestPathSelectionMode", "LEGACY")
    made.setdefault("mtu", 1460)
    made.setdefault("networkFirewallPolicyEnforcementOrder", "AFTER_CLASSIC_FIREWALL")
    made["selfLinkWithId"] = f"{HOST}/projects/{PROJECT}/global/networks/{made['id']}"
    if not made["autoCreateSubnetworks"]:
        # A default route to the internet comes with every network (and goes with it); the provider's
        # deleteDefaultRoutesOnCreate takes it away again.
        things = state.store(Things)
        name = f"default-route-{made['id'][:16]}"
        route = f"projects/{PROJECT}/global/routes/{name}"
        things.by_path[route] = {
            **things.fresh("compute#route", route),
            "name": name,
            "network": made["selfLink"],
            "destRange": "0.0.0.0/0",
            "priority": 1000,
            "nextHopGateway": f"{HOST}/projects/{PROJECT}/global/gateways/default-internet-gateway",
            "description": "Default route to the Internet.",
        }


def _subnetwork(state: State, made: Document, path: str) -> None:
    _links(state, made, "subnetworks")
    if not made.get("network"):
        raise invalid("Required field 'resource.network' not specified")
    wanted = _range(made.get("ipCidrRange", ""))
    for other in state.store(Things).by_path.values():
        same = other["kind"] == "compute#subnetwork" and other["network"] == made["network"]
        if same and wanted.overlaps(ipaddress.ip_network(other["ipCidrRange"])):
            link = path_of(other["selfLink"])
            raise invalid(
                f"Invalid IPCidrRange: {wanted} conflicts with existing subnetwork '{other['name']}' in {link}"
            )
    made.setdefault("purpose", "PRIVATE")
    made.setdefault("stackType", "IPV4_ONLY")
    made.setdefault("privateIpGoogleAccess", False)
    made.setdefault("privateIpv6GoogleAccess", "DISABLE_GOOGLE_ACCESS")
    made["gatewayAddress"] = str(wanted[1])
    _logging(made)


def _logging(made: Document) -> None:
    config = made.get("logConfig")
    if config and config.get("enable"):
        made["logConfig"] = {
            "aggregationInterval": "INTERVAL_5_SEC",
            "flowSampling": 0.5,
            "metadata": "INCLUDE_ALL_METADATA",
            "filterExpr": "true",
            **config,
        }


def _range(text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        raise invalid(f"Invalid value for field 'resource.ipCidrRange': '{text}'. {error}") from error


def _firewall(state: State, made: Document, path: str) -> None:
    _links(state, made, "firewalls")
    if bool(made.get("allowed")) == bool(made.get("denied")):
        raise invalid("Firewall must have exactly one of 'allowed' and 'denied'.")
    made.setdefault("direction", "INGRESS")
    made.setdefault("priority", 1000)
    made.setdefault("disabled", False)
    made["logConfig"] = made.get("logConfig") or {"enable": False}
    if made["direction"] == "EGRESS":
        made.setdefault("destinationRanges", ["0.0.0.0/0"])
    elif not any(made.get(source) for source in ("sourceRanges", "sourceTags", "sourceServiceAccounts")):
        made["sourceRanges"] = ["0.0.0.0/0"]


def _address(state: State, made: Document, path: str) -> None:
    _links(state, made, "addresses")
    made.setdefault("addressType", "EXTERNAL")
    made.setdefault("ipVersion", "IPV4")
    made.setdefault("networkTier", "PREMIUM")
    made["status"] = "RESERVED"
    if made["addressType"] == "INTERNAL" and "/global/" in path:
        if made.get("purpose") not in ("PRIVATE_SERVICE_CONNECT", "VPC_PEERING"):
            raise invalid("Global internal address must have purpose VPC_PEERING or PRIVATE_SERVICE_CONNECT.")
        if not made.get("network"):
            raise invalid("Required field 'resource.network' not specified")
        if made["purpose"] == "PRIVATE_SERVICE_CONNECT" and not made.get("address"):
            raise invalid("Required field 'resource.address' not specified")
        _outside(state, made)
    if not made.get("address"):
        made["address"] = _free(state, made)


def _outside(state: State, made: Document) -> None:
    """An endpoint's address must lie in no subnetwork of its network."""
    if made.get("purpose") != "PRIVATE_SERVICE_CONNECT":
        return
    address = ipaddress.ip_address(made["address"])
    for other in state.store(Things).by_path.values():
        same = other["kind"] == "compute#subnetwork" and other["network"] == made["network"]
        if same and address in ipaddress.ip_network(other["ipCidrRange"]):
            raise invalid(
                f"Invalid value for field 'resource.address': '{address}'. It is within the range of "
                f"subnetwork '{other['name']}'."
            )


def _free(state: State, made: Document) -> str:
    taken = {
        one.get("address") for one in state.store(Things).by_path.values() if one["kind"] == "compute#address"
    }
    # 203.0.113.0/24 is for documentation (RFC 5737): no real host answers there.
    base = ipaddress.ip_network("10.200.0.0/14" if made["addressType"] == "INTERNAL" else "203.0.113.0/24")
    size = 2 ** (32 - int(made.get("prefixLength") or 32))
    first = int(base.network_address) + (size if size > 1 else 1)
    return next(
        str(one)
        for i in range(base.num_addresses)
        if str(one := ipaddress.ip_address(first + i * size)) not in taken
    )


def _rule(state: State, made: Document, path: str) -> None:
    _links(state, made, "globalForwardingRules")
    if made.get("target") in BUNDLES:
        if not re.fullmatch(r"[a-z][a-z0-9]{0,19}", made["name"]):
            raise invalid(
                f"Invalid value for field 'resource.name': '{made['name']}'. A rule for Google APIs must have "
                "1-20 lowercase letters and digits, starting with a letter."
            )
        if not made.get("network") or not made.get("IPAddress"):
            raise invalid("A forwarding rule for Google APIs needs a network and an address.")
        made["loadBalancingScheme"] = ""
        made.pop("IPProtocol", None)
        made["pscConnectionId"] = str(int(made["id"]) % 10**17)
        made["pscConnectionStatus"] = "ACCEPTED"
    things = state.store(Things)
    if address := path_of(made.get("IPAddress", "")):
        found = things.get(address)
        found["status"] = "IN_USE"
        found["users"] = [made["selfLink"]]
        made["IPAddress"] = found["address"]
    made.setdefault("networkTier", "PREMIUM")


def _attachment(state: State, made: Document, path: str) -> None:
    things = state.store(Things)
    if not made.get("subnetworks"):
        raise invalid("Required field 'resource.subnetworks' not specified")
    made["subnetworks"] = [f"{HOST}/{things.refer(one, 'subnetworks')}" for one in made["subnetworks"]]
    made["network"] = things.get(path_of(made["subnetworks"][0]) or "")["network"]
    made.setdefault("connectionPreference", "ACCEPT_AUTOMATIC")
    made["connectionEndpoints"] = []
    made["selfLinkWithId"] = made["selfLink"].rpartition("/")[0] + "/" + made["id"]


def _route(state: State, made: Document, path: str) -> None:
    _links(state, made, "routes")
    hops = [name for name in made if name.startswith("nextHop")]
    if len(hops) != 1:
        raise invalid("Exactly one next hop must be specified.")
    if gateway := made.get("nextHopGateway"):
        name = gateway.rpartition("/")[2]
        made["nextHopGateway"] = f"{HOST}/projects/{PROJECT}/global/gateways/{name}"
    made.setdefault("priority", 1000)


def _router(state: State, made: Document, path: str) -> None:
    _links(state, made, "routers")
    if not made.get("network"):
        raise invalid("Required field 'resource.network' not specified")
    _nats(state, made)


def _nats(state: State, router: Document) -> None:
    things = state.store(Things)
    names = [nat.get("name") for nat in router.get("nats", [])]
    if len(names) != len(set(names)):
        raise invalid("Duplicate NAT name.")
    for nat in router.get("nats", []):
        for one in nat.get("subnetworks", []):
            one["name"] = f"{HOST}/{things.refer(one['name'], 'nats.subnetworks.name')}"
        for list_name in ("natIps", "drainNatIps"):
            nat[list_name] = [f"{HOST}/{things.refer(one, list_name)}" for one in nat.get(list_name, [])]
            if not nat[list_name]:
                del nat[list_name]
        if nat.get("natIpAllocateOption") == "MANUAL_ONLY" and not nat.get("natIps"):
            raise invalid("NAT with MANUAL_ONLY must have natIps.")
        # The defaults of the API (RouterNat in the discovery document).
        for name, value in NAT.items():
            nat.setdefault(name, value)


NAT = {
    "enableEndpointIndependentMapping": False,
    "enableDynamicPortAllocation": False,
    "endpointTypes": ["ENDPOINT_TYPE_VM"],
    "icmpIdleTimeoutSec": 30,
    "tcpEstablishedIdleTimeoutSec": 1200,
    "tcpTimeWaitTimeoutSec": 120,
    "tcpTransitoryIdleTimeoutSec": 30,
    "type": "PUBLIC",
    "udpIdleTimeoutSec": 30,
}

PREPARED: dict[str, Callable[[State, Document, str], None]] = {
    "networks": _network,
    "subnetworks": _subnetwork,
    "firewalls": _firewall,
    "globalAddresses": _address,
    "addresses": _address,
    "globalForwardingRules": _rule,
    "networkAttachments": _attachment,
    "routes": _route,
    "routers": _router,
}


def patched(collection: str, state: State, found: Document, body: dict[str, Any]) -> None:
    """Writes a patch into a thing. Raises GoogleError for a stale fingerprint and for what cannot be."""
    if collection in ("subnetworks", "networkAttachments") and body.get("fingerprint") != found["fingerprint"]:
        raise GoogleError("ABORTED", "Fingerprint is out of date.", status=412, reason="conditionNotMet")
    if collection == "expand":
        wider = _range(body.get("ipCidrRange", ""))
        if not ipaddress.ip_network(found["ipCidrRange"]).subnet_of(wider):  # type: ignore[arg-type]
            raise invalid("The new range must contain the present one.")
        found["gatewayAddress"] = str(wider[1])
    for name, value in copy.deepcopy(body).items():
        if name == "fingerprint":
            continue
        if isinstance(value, dict) and isinstance(found.get(name), dict):
            found[name] = {**found[name], **value}
        elif value is None:
            found.pop(name, None)
        else:
            found[name] = value
    if collection == "networkAttachments" and "subnetworks" in body:
        _attachment(state, found, "")
    if collection == "routers":
        _nats(state, found)
    if collection == "firewalls":
        _links(state, found, "firewalls")
        found["logConfig"] = found.get("logConfig") or {"enable": False}
    _logging(found) if collection == "subnetworks" else None
    state.store(Things).touch(found)


def used_by(things: Things, collection: str, path: str) -> str:
    """The path of what still needs a thing; "" when nothing does."""
    link = f"{HOST}/{path}"
    if collection == "networks":
        for other, one in list(things.by_path.items()):  # a network's own default route goes with it
            if (
                one["kind"] == "compute#route"
                and one["name"].startswith("default-route-")
                and one["network"] == link
            ):
                del things.by_path[other]
    for other, one in things.by_path.items():
        if other == path:
            continue
        held = {one.get("network"), one.get("subnetwork"), *one.get("subnetworks", ())}
        for nat in one.get("nats", []):
            held |= {*nat.get("natIps", ()), *(subnet["name"] for subnet in nat.get("subnetworks", ()))}
        if link in held:
            return other
    found = things.by_path[path]
    if collection == "globalForwardingRules":
        for one in things.by_path.values():
            if found["selfLink"] in one.get("users", ()):
                one["status"], one["users"] = "RESERVED", []
        return ""
    users = found.get("users") or []
    return (path_of(users[0]) or "") if users else ""
