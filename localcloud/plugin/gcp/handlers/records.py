"""Record sets of a DNS zone."""

from __future__ import annotations

from localcloud.plugin.gcp.fields import Json
from localcloud.plugin.gcp.rest import allowed
from localcloud.plugin.gcp.session import ApiError, Gcp
from localcloud.plugin.handling import Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

BASE = "https://dns.googleapis.com/dns/v1/"


def _zone(gcp: Gcp, values: Properties) -> str:
    project, zone = values.get("project") or gcp.project, str(values["managedZone"]).rpartition("/")[2]
    return gcp.base("dns_custom_endpoint", BASE) + f"projects/{project}/managedZones/{zone}"


def _body(inputs: Properties) -> Json:
    if inputs.get("routingPolicy"):
        raise ProviderError("the stand-in plugin cannot honour routingPolicy")
    return {
        "name": inputs["name"],
        "type": inputs["type"],
        "ttl": inputs.get("ttl") or 0,
        "rrdatas": inputs["rrdatas"],
    }


def _id(gcp: Gcp, values: Properties) -> str:
    project, zone = values.get("project") or gcp.project, str(values["managedZone"]).rpartition("/")[2]
    return f"projects/{project}/managedZones/{zone}/rrsets/{values['name']}/{values['type']}"


def create(gcp: Gcp, inputs: Properties) -> str:
    """A change that takes an NS or SOA record of the zone itself in exchange, as the provider does it."""
    zone, added = _zone(gcp, inputs), _body(inputs)
    listed = gcp.call("GET", f"{zone}/rrsets?name={inputs['name']}&type={inputs['type']}").get("rrsets", [])
    taken = [one for one in listed if one["type"] in ("NS", "SOA")]
    gcp.call("POST", f"{zone}/changes", {"additions": [added], "deletions": taken})
    return _id(gcp, inputs)


def _values(id: str, known: Properties) -> Properties:
    parts = id.split("/")
    named = {"project": parts[1], "managedZone": parts[3], "name": parts[5], "type": parts[6]}
    return {**named, **{name: value for name, value in known.items() if value not in (None, "")}}


def _record(gcp: Gcp, values: Properties) -> Json | None:
    try:
        listed = gcp.call("GET", f"{_zone(gcp, values)}/rrsets?name={values['name']}&type={values['type']}")
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    return next(iter(listed.get("rrsets", [])), None)


def read(gcp: Gcp, id: str, known: Properties) -> Properties | None:
    values = _values(id, known)
    found = _record(gcp, values)
    if found is None:
        return None
    return {
        "id": _id(gcp, values),
        "project": values["project"],
        "managedZone": values["managedZone"],
        "name": found["name"],
        "type": found["type"],
        "ttl": int(found.get("ttl", 0)),
        "rrdatas": found.get("rrdatas", []),
    }


def update(gcp: Gcp, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    if names & {"type", "ttl", "rrdatas"}:
        present = _record(gcp, _values(id, old))
        change = {"deletions": [present] if present else [], "additions": [_body(new)]}
        gcp.call("POST", f"{_zone(gcp, new)}/changes", change)


def delete(gcp: Gcp, id: str, state: Properties) -> None:
    """The zone's own NS and SOA stay: a zone cannot be without them."""
    present = _record(gcp, _values(id, state)) if allowed("DNSRecordSet", state) else None
    if present and present["type"] not in ("NS", "SOA"):
        gcp.call("POST", f"{_zone(gcp, state)}/changes", {"deletions": [present]})


RESOURCES = {"gcp:dns/recordSet:RecordSet": Resource("DNS RecordSet", create, read, update, delete)}
