"""The network and its ways in and out, as the cloud reports them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.engine.security.gcp.view import View

_DNS = "/dns/v1"
_EVERYWHERE = "0.0.0.0/0"
_DOMAINS = {"googleapis.com.", "pkg.dev.", "gcr.io."}


def subnetworks_are_our_own(view: View) -> Iterator[str]:
    """No subnetwork appears by itself in every region of the world."""
    for network in view.compute("global/networks"):
        if view.in_network(network["selfLink"]) and network.get("autoCreateSubnetworks"):
            yield f"{network['name']} makes its own subnetworks"


def google_is_reached_without_public_addresses(view: View) -> Iterator[str]:
    """Private Google Access on every subnetwork."""
    if not view.subnetworks:
        yield "no subnetworks"
    for subnetwork in view.subnetworks:
        if not subnetwork.get("privateIpGoogleAccess"):
            yield f"{subnetwork['name']} needs public addresses for Google's APIs"


def traffic_is_recorded(view: View) -> Iterator[str]:
    """Flow logs of every subnetwork, every packet's flow, with all metadata."""
    for subnetwork in view.subnetworks:
        found = subnetwork.get("logConfig", {})
        whole = found.get("flowSampling") == 1 and found.get("metadata") == "INCLUDE_ALL_METADATA"
        if not found.get("enable") or not whole:
            yield f"{subnetwork['name']}: flow logs are {found}"


def nothing_comes_in(view: View) -> Iterator[str]:
    """No rule lets anything in, and one refuses all of it."""
    inward = [rule for rule in view.firewalls if rule["direction"] == "INGRESS" and not rule.get("disabled")]
    yield from (f"{rule['name']} lets traffic in" for rule in inward if rule.get("allowed"))
    if not any(_refuses_everything(rule, "sourceRanges") for rule in inward):
        yield "nothing refuses traffic from outside"


def nothing_goes_out_that_no_rule_allows(view: View) -> Iterator[str]:
    """What is not allowed is refused: a VPC lets everything out unless a rule says otherwise."""
    outward = [rule for rule in view.firewalls if rule["direction"] == "EGRESS" and not rule.get("disabled")]
    if not any(_refuses_everything(rule, "destinationRanges") for rule in outward):
        yield "everything may leave"
    for rule in outward:
        if rule.get("allowed") and _EVERYWHERE in rule.get("destinationRanges", [_EVERYWHERE]):
            if view.zone.network.egress == "none":
                yield f"{rule['name']} lets traffic out to everywhere"
            if rule["allowed"] != [{"IPProtocol": "tcp", "ports": ["443"]}]:
                yield f"{rule['name']} lets out {rule['allowed']}"


def refusals_are_recorded(view: View) -> Iterator[str]:
    """Every firewall rule logs."""
    yield from (
        f"{rule['name']} leaves no trace" for rule in view.firewalls if not rule.get("logConfig", {}).get("enable")
    )


def the_internet_is_reached_only_through_declared_egress(view: View) -> Iterator[str]:
    """No default route without a NAT that records, and neither where the contract says that nothing leaves."""
    out = [
        route["name"]
        for route in view.compute("global/routes")
        if view.in_network(route["network"])
        and "default-internet-gateway" in route.get("nextHopGateway", "")
        and route["destRange"] == _EVERYWHERE
    ]
    routers = [one for one in view.compute(f"{view.near}/routers") if view.in_network(one["network"])]
    nats = [nat["name"] for router in routers for nat in router.get("nats", [])]
    if bool(out) != bool(nats) or (out and view.zone.network.egress == "none"):
        yield f"egress is {view.zone.network.egress}, with the routes {out} and the NATs {nats}"


def apis_answer_on_a_private_address(view: View) -> Iterator[str]:
    """A PSC endpoint of the bundle that the contract names, at the address it names.

    A network with a way out may have none: Private Google Access is asked for above.
    """
    rules = [rule for rule in view.compute("global/forwardingRules") if view.in_network(rule.get("network", ""))]
    addresses = {one["selfLink"]: one["address"] for one in view.compute("global/addresses")}
    found = {}
    for rule in rules:
        given = rule["IPAddress"]
        at = next((address for link, address in addresses.items() if link.endswith(given)), given)
        found[rule["target"].rpartition("/")[2]] = at
    if found != dict(view.zone.network.endpoints) or (not found and view.zone.network.egress == "none"):
        yield f"the contract says {dict(view.zone.network.endpoints)}, the network has {found}"


def names_of_apis_lead_to_the_private_address(view: View) -> Iterator[str]:
    """Private zones for every domain of Google's that an agent calls, with the address of the endpoint, if any."""
    if not view.zone.network.endpoints:
        return
    zones = {
        zone["dnsName"]: zone for zone in view.every("dns", f"{_DNS}/{view.project}/managedZones", "managedZones")
    }
    if missing := _DOMAINS - set(zones):
        yield f"no private zone for {sorted(missing)}"
    for domain in _DOMAINS & set(zones):
        zone = zones[domain]
        networks = [one["networkUrl"] for one in zone.get("privateVisibilityConfig", {}).get("networks", [])]
        if zone["visibility"] != "private" or not any(view.in_network(url) for url in networks):
            yield f"{domain} is not the network's own"
        records = view.every("dns", f"{_DNS}/{view.project}/managedZones/{zone['name']}/rrsets", "rrsets")
        data = {(record["name"], record["type"]): record["rrdatas"] for record in records}
        wanted = list(view.zone.network.endpoints.values())
        if data.get((domain, "A")) != wanted or data.get((f"*.{domain}", "CNAME")) != [domain]:
            yield f"{domain} resolves to {data}"


def names_are_recorded(view: View) -> Iterator[str]:
    """Every name that something in the network asks for is logged."""
    policies = view.every("dns", f"{_DNS}/{view.project}/policies", "policies")
    ours = [
        policy
        for policy in policies
        if any(view.in_network(network["networkUrl"]) for network in policy.get("networks", []))
    ]
    if not any(policy.get("enableLogging") for policy in ours):
        yield "nobody records names that were asked for"


def jobs_are_attached_only_by_consent(view: View) -> Iterator[str]:
    """Interfaces in the network are for projects on the attachment's list, not for whoever asks."""
    for attachment in view.compute(f"{view.near}/networkAttachments"):
        if attachment["connectionPreference"] != "ACCEPT_MANUAL":
            yield f"{attachment['name']} is {attachment['connectionPreference']}"


def _refuses_everything(rule: object, ranges: str) -> bool:
    assert isinstance(rule, dict)
    return rule.get("denied") == [{"IPProtocol": "all"}] and _EVERYWHERE in rule.get(ranges, [])
