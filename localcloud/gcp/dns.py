"""dns.googleapis.com: zones with their records, and server policies."""

from __future__ import annotations

import copy
import ipaddress
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud.gcp import discovery
from localcloud.gcp.api import Request
from localcloud.gcp.documents import Document
from localcloud.gcp.errors import GoogleError, invalid
from localcloud.gcp.names import now, own
from localcloud.gcp.state import State

NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
SERVERS = ["ns-gcp-private.googledomains.com."]
Key = tuple[str, str]  # a record set's name and type


@dataclass
class Zone:
    document: Document
    records: dict[Key, Document] = field(default_factory=dict)


@dataclass
class Dns:
    """Zones and policies by name. Hold `state.lock` while changing them."""

    state: State
    zones: dict[str, Zone] = field(default_factory=dict)
    policies: dict[str, Document] = field(default_factory=dict)

    def zone(self, request: Request) -> Zone:
        own(request.names["project"])
        name = request.names["managedZone"]
        found = self.zones.get(name) or next((z for z in self.zones.values() if z.document["id"] == name), None)
        if found is None:
            raise _missing("parameters.managedZone", name)
        return found

    def policy(self, request: Request) -> Document:
        own(request.names["project"])
        if request.names["policy"] not in self.policies:
            raise _missing("parameters.policy", request.names["policy"])
        return self.policies[request.names["policy"]]


def _missing(field: str, name: str) -> GoogleError:
    return GoogleError("NOT_FOUND", f"The '{field}' resource named '{name}' does not exist.")


def _taken(field: str, name: str) -> GoogleError:
    return GoogleError(
        "ALREADY_EXISTS", f"The resource '{field}' named '{name}' already exists", reason="alreadyExists"
    )


def _networks(state: State, document: Document, *path: str) -> None:
    """Raises GoogleError for networks that are not there."""
    from localcloud.gcp.compute_state import HOST, Things

    held: Any = document
    for step in path:
        held = (held or {}).get(step)
    for network in (held or {}).get("networks", []) if isinstance(held, dict) else held or []:
        path_to = state.store(Things).refer(str(network.get("networkUrl", "")), "networkUrl")
        network["networkUrl"] = f"{HOST}/{path_to}"


def create_zone(state: State, request: Request) -> object:
    own(request.names["project"])
    body = discovery.writable("dns.v1", "ManagedZone", request.body)
    name, domain = str(body.get("name", "")), str(body.get("dnsName", ""))
    if not NAME.fullmatch(name):
        raise invalid(f"Invalid value for 'entity.managedZone.name': '{name}'")
    if not domain.endswith("."):
        raise invalid(f"Invalid value for 'entity.managedZone.dnsName': '{domain}'")
    with state.lock:
        dns = state.store(Dns)
        if name in dns.zones:
            raise _taken("entity.managedZone", name)
        made = {"visibility": "public", "nameServers": SERVERS, **copy.deepcopy(body)}
        made |= {"kind": "dns#managedZone", "id": str(secrets.randbelow(9 * 10**18) + 10**18)}
        made["creationTime"] = now(state)
        made.setdefault("cloudLoggingConfig", {"enableLogging": False})
        _networks(state, made, "privateVisibilityConfig")
        dns.zones[name] = zone = Zone(made)
        soa = f"{SERVERS[0]} cloud-dns-hostmaster.google.com. 1 21600 3600 259200 300"
        for kind, data in (("NS", SERVERS), ("SOA", [soa])):
            zone.records[domain, kind] = _record(domain, kind, 21600, data)
        return copy.deepcopy(made)


def _record(name: str, kind: str, ttl: int, data: list[str]) -> Document:
    return {
        "kind": "dns#resourceRecordSet",
        "name": name,
        "type": kind,
        "ttl": ttl,
        "rrdatas": data,
        "signatureRrdatas": [],
    }


def get_zone(state: State, request: Request) -> object:
    with state.lock:
        return copy.deepcopy(state.store(Dns).zone(request).document)


def list_zones(state: State, request: Request) -> object:
    own(request.names["project"])
    with state.lock:
        found = [copy.deepcopy(zone.document) for _, zone in sorted(state.store(Dns).zones.items())]
    wanted = request.query.get("dnsName")
    return {
        "kind": "dns#managedZonesListResponse",
        "managedZones": [z for z in found if wanted in (None, z["dnsName"])],
    }


def update_zone(state: State, request: Request) -> object:
    with state.lock:
        zone = state.store(Dns).zone(request)
        body = discovery.writable("dns.v1", "ManagedZone", request.body)
        for fixed in ("name", "dnsName", "visibility"):
            if str(body.get(fixed, zone.document[fixed])).lower() != zone.document[fixed]:
                raise invalid(f"The field {fixed} of a zone cannot change.")
        kept = {
            key: zone.document[key] for key in ("kind", "id", "creationTime", "nameServers", "name", "dnsName")
        }
        zone.document = {**copy.deepcopy(body), **kept, "visibility": zone.document["visibility"]}
        zone.document.setdefault("cloudLoggingConfig", {"enableLogging": False})
        _networks(state, zone.document, "privateVisibilityConfig")
        return {"kind": "dns#operation", "status": "done", "type": "update", "id": secrets.token_hex(8)}


def delete_zone(state: State, request: Request) -> object:
    with state.lock:
        dns = state.store(Dns)
        zone = dns.zone(request)
        if any(kind not in ("NS", "SOA") for _, kind in zone.records):
            text = (
                f"The resource named '{zone.document['name']}' cannot be deleted because it contains one or more "
                "'resource records'."
            )
            raise GoogleError("INVALID_ARGUMENT", text, reason="containerNotEmpty")
        del dns.zones[zone.document["name"]]
        return None


def list_records(state: State, request: Request) -> object:
    with state.lock:
        found = [copy.deepcopy(one) for _, one in sorted(state.store(Dns).zone(request).records.items())]
    name, kind = request.query.get("name"), request.query.get("type")
    if kind and not name:
        raise invalid("The 'type' parameter needs 'name'.")
    kept = [one for one in found if name in (None, one["name"]) and kind in (None, one["type"])]
    return {"kind": "dns#resourceRecordSetsListResponse", "rrsets": kept}


def create_change(state: State, request: Request) -> object:
    """Deletions and additions, all or none."""
    with state.lock:
        zone = state.store(Dns).zone(request)
        after = dict(zone.records)
        for one in request.body.get("deletions", []):
            held = after.pop((str(one.get("name")), str(one.get("type"))), None)
            if held is None or sorted(held["rrdatas"]) != sorted(one.get("rrdatas", [])):
                raise GoogleError(
                    "NOT_FOUND",
                    f"The 'entity.change.deletions[0]' resource named '{one.get('name')} ({one.get('type')})' "
                    "does not exist.",
                )
        for one in request.body.get("additions", []):
            added = _valid(zone, one)
            key = (added["name"], added["type"])
            if key in after:
                raise _taken("entity.change.additions[0]", f"{added['name']} ({added['type']})")
            if added["type"] == "CNAME" and any(name == added["name"] for name, _ in after):
                raise invalid(
                    f"The resource record set '{added['name']} (CNAME)' is invalid because the DNS name "
                    f"'{added['name']}' already has another resource record set of the type."
                )
            after[key] = added
        zone.records = after
        return {
            "kind": "dns#change",
            "id": secrets.token_hex(4),
            "status": "done",
            "startTime": now(state),
            "additions": request.body.get("additions", []),
            "deletions": request.body.get("deletions", []),
        }


def _valid(zone: Zone, record: Document) -> Document:
    name, kind, data = str(record.get("name", "")), str(record.get("type", "")), list(record.get("rrdatas", []))
    domain = zone.document["dnsName"]
    if not (name == domain or name.endswith(f".{domain}")):
        raise invalid(f"Invalid value for 'entity.change.additions[0].name': '{name}'")
    if not data:
        raise invalid("Invalid value for 'entity.change.additions[0].rrdata': ''")
    for one in data:
        if kind == "A" and not _address(one):
            raise invalid(f"Invalid value for 'entity.change.additions[0].rrdata[0]': '{one}'")
        if kind == "CNAME" and (not one.endswith(".") or name == domain):
            raise invalid(f"Invalid value for 'entity.change.additions[0].rrdata[0]': '{one}'")
    return _record(name, kind, int(record.get("ttl") or 0), data)


def _address(text: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(text))
    except ValueError:
        return False


def record(act: Callable[[Zone, Key, Request], Document | None]) -> Callable[[State, Request], object]:
    """A method of one record set."""

    def respond(state: State, request: Request) -> object:
        with state.lock:
            zone = state.store(Dns).zone(request)
            key = (request.names["name"], request.names["type"])
            if key not in zone.records:
                raise _missing("parameters.name", f"{key[0]} ({key[1]})")
            return copy.deepcopy(act(zone, key, request))

    return respond


def _drop(zone: Zone, key: Key, request: Request) -> None:
    del zone.records[key]


def create_policy(state: State, request: Request) -> object:
    own(request.names["project"])
    body = discovery.writable("dns.v1", "Policy", request.body)
    with state.lock:
        dns, name = state.store(Dns), str(body.get("name", ""))
        if not NAME.fullmatch(name):
            raise invalid(f"Invalid value for 'entity.policy.name': '{name}'")
        if name in dns.policies:
            raise _taken("entity.policy", name)
        made = {"enableLogging": False, "enableInboundForwarding": False, **copy.deepcopy(body)}
        made |= {"kind": "dns#policy", "id": str(secrets.randbelow(9 * 10**18) + 10**18)}
        _networks(state, {"networks": made.get("networks")}, "networks")
        _one_policy(dns, made)
        dns.policies[name] = made
        return copy.deepcopy(made)


def _one_policy(dns: Dns, policy: Document) -> None:
    """A network has one policy."""
    ours = {one["networkUrl"] for one in policy.get("networks", [])}
    for other in dns.policies.values():
        if other["name"] != policy["name"] and ours & {one["networkUrl"] for one in other.get("networks", [])}:
            raise GoogleError(
                "ALREADY_EXISTS", f"A network of policy '{policy['name']}' is bound to '{other['name']}'."
            )


def get_policy(state: State, request: Request) -> object:
    with state.lock:
        return copy.deepcopy(state.store(Dns).policy(request))


def list_policies(state: State, request: Request) -> object:
    own(request.names["project"])
    with state.lock:
        return {"policies": [copy.deepcopy(one) for _, one in sorted(state.store(Dns).policies.items())]}


def patch_policy(state: State, request: Request) -> object:
    with state.lock:
        found = state.store(Dns).policy(request)
        changed = {**found, **discovery.writable("dns.v1", "Policy", request.body), "name": found["name"]}
        _networks(state, {"networks": changed.get("networks")}, "networks")
        _one_policy(state.store(Dns), changed)
        found.update(copy.deepcopy(changed))
        return {"policy": copy.deepcopy(found)}


def delete_policy(state: State, request: Request) -> object:
    with state.lock:
        found = state.store(Dns).policy(request)
        if found.get("networks"):
            raise GoogleError(
                "INVALID_ARGUMENT", f"The policy '{found['name']}' is bound to networks.", reason="resourceInUse"
            )
        del state.store(Dns).policies[found["name"]]
        return None


API = discovery.api(
    "dns.v1",
    {
        "managedZones.create": create_zone,
        "managedZones.get": get_zone,
        "managedZones.list": list_zones,
        "managedZones.update": update_zone,
        "managedZones.delete": delete_zone,
        "resourceRecordSets.list": list_records,
        "resourceRecordSets.get": record(lambda zone, key, request: zone.records[key]),
        "resourceRecordSets.delete": record(_drop),
        "changes.create": create_change,
        "policies.create": create_policy,
        "policies.get": get_policy,
        "policies.list": list_policies,
        "policies.patch": patch_policy,
        "policies.delete": delete_policy,
    },
)
