"""Types whose calls are data, and the little that the provider does for some of them beside its tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from localcloud.plugin.gcp.fields import Json
from localcloud.plugin.gcp.rest import Hooks, Rest, rest
from localcloud.plugin.gcp.session import ApiError, Gcp
from localcloud.plugin.sameness import UNITS
from localcloud.plugin.values import Properties


def _network(gcp: Gcp, body: Json, inputs: Properties, creating: bool) -> Json:
    """resourceComputeNetworkEncoder: what is to be compared is said with the routing."""
    if "routingConfig" in body and inputs.get("deleteBgpAlwaysCompareMed"):
        body["routingConfig"]["deleteBgpAlwaysCompareMed"] = True
    return body


def _numeric(gcp: Gcp, document: Json, known: Properties) -> Json:
    return {**document, "numericId": document.get("id")}


def _without_default_routes(gcp: Gcp, inputs: Properties) -> None:
    """delete_default_routes_on_create: the routes to the internet that came with the network."""
    if not inputs.get("deleteDefaultRoutesOnCreate"):
        return
    base = gcp.base("compute_custom_endpoint", rest()["google_compute_network"]["base"])
    routes = f"{base}projects/{inputs.get('project') or gcp.project}/global/routes"
    for route in gcp.call("GET", routes).get("items", []):
        if route["network"].endswith(f"/networks/{inputs['name']}") and route["destRange"] == "0.0.0.0/0":
            gcp.finished(base, gcp.call("DELETE", f"{routes}/{route['name']}"), "Route")


def _subnetwork(gcp: Gcp, body: Json, inputs: Properties, creating: bool) -> Json:
    """expandComputeSubnetworkLogConfig: a block switches logging on, none switches it off."""
    body["region"] = _region(gcp, inputs)
    config = body.pop("logConfig", None)
    body["logConfig"] = {"enable": True, **config} if config else {"enable": False}
    return body


def _region(gcp: Gcp, inputs: Properties) -> str:
    region = str(inputs.get("region") or gcp.settings.region).rpartition("/")[2]
    return f"projects/{inputs.get('project') or gcp.project}/global/regions/{region}"


def _flows(gcp: Gcp, document: Json, known: Properties) -> Json:
    """flattenComputeSubnetworkLogConfig: logging that is off is no block."""
    config = document.get("logConfig") or {}
    return {**document, "logConfig": config if config.get("enable") else None}


def _regional(gcp: Gcp, body: Json, inputs: Properties, creating: bool) -> Json:
    return {**body, "region": _region(gcp, inputs)}


def _firewall(gcp: Gcp, body: Json, inputs: Properties, creating: bool) -> Json:
    """expandComputeFirewallLogConfig: a block switches logging on, none switches it off."""
    config = body.pop("logConfig", None)
    body["logConfig"] = {"enable": True, **config} if config else {"enable": bool(inputs.get("enableLogging"))}
    return body


def _refusals(gcp: Gcp, document: Json, known: Properties) -> Json:
    config = document.get("logConfig") or {}
    return {**document, "logConfig": config if config.get("enable") else None}


def _route(gcp: Gcp, body: Json, inputs: Properties, creating: bool) -> Json:
    """expandComputeRouteNextHopGateway: the one gateway there is, by its path."""
    if body.get("nextHopGateway") == "default-internet-gateway":
        body["nextHopGateway"] = (
            f"projects/{inputs.get('project') or gcp.project}/global/gateways/default-internet-gateway"
        )
    return body


def _ring(gcp: Gcp, body: Json, inputs: Properties, creating: bool) -> Json:
    return {}


def _own_name(gcp: Gcp, document: Json, known: Properties) -> Json:
    """Shows the short name that the program gave."""
    return {**document, "name": known.get("name") or document["name"].rpartition("/")[2]}


def _key(gcp: Gcp, body: Json, inputs: Properties, creating: bool) -> Json:
    """resourceKMSCryptoKeyEncoder: a period needs a first time."""
    body.pop("name", None)
    if period := inputs.get("rotationPeriod"):
        first = datetime.now(UTC) + timedelta(seconds=float(period.rstrip("s")))
        body["nextRotationTime"] = first.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return body


def _destroy_versions(gcp: Gcp, state: Properties) -> None:
    """clearCryptoKeyVersions, disableCryptoKeyRotation: the key stays for ever, what it encrypted stays shut."""
    base = gcp.base("kms_custom_endpoint", rest()["google_kms_crypto_key"]["base"])
    key = f"{base}{state['keyRing']}/cryptoKeys/{state['name']}"
    for version in gcp.call("GET", f"{key}/cryptoKeyVersions").get("cryptoKeyVersions", []):
        if version["state"] not in ("DESTROYED", "DESTROY_SCHEDULED"):
            gcp.call("POST", f"{base}{version['name']}:destroy", {})
    if state.get("rotationPeriod"):
        gcp.call("PATCH", f"{key}?updateMask=rotationPeriod,nextRotationTime", {})


def _living(gcp: Gcp, document: Json, known: Properties) -> Json | None:
    """A deleted pool is still there for 30 days; to the provider it is gone."""
    return None if document.get("state") == "DELETED" else document


def _empty_zone(gcp: Gcp, state: Properties) -> None:
    """force_destroy: every record but the zone's own."""
    if not state.get("forceDestroy"):
        return
    base = gcp.base("dns_custom_endpoint", rest()["google_dns_managed_zone"]["base"])
    sets = f"{base}projects/{state.get('project') or gcp.project}/managedZones/{state['name']}/rrsets"
    for one in gcp.call("GET", sets).get("rrsets", []):
        if one["type"] not in ("NS", "SOA"):
            gcp.call("DELETE", f"{sets}/{one['name']}/{one['type']}")


def _leave_networks(gcp: Gcp, state: Properties) -> None:
    """A policy is taken off its networks before it is deleted."""
    base = gcp.base("dns_custom_endpoint", rest()["google_dns_policy"]["base"])
    url = f"{base}projects/{state.get('project') or gcp.project}/policies/{state['name']}"
    try:
        gcp.call("PATCH", url, {"networks": []})
    except ApiError as error:
        if error.status != 404:
            raise


def _perimeter(gcp: Gcp, body: Json, inputs: Properties, creating: bool) -> Json:
    """resourceAccessContextManagerServicePerimeterEncoder: the parent is in the URL only."""
    return {name: value for name, value in body.items() if name != "parent"}


def _in_policy(gcp: Gcp, document: Json, known: Properties) -> Json:
    """resourceAccessContextManagerServicePerimeterImport: the parent is in the name."""
    return {**document, "parent": document["name"].partition("/servicePerimeters/")[0]}


def _budget(gcp: Gcp, document: Json, known: Properties) -> Json:
    return {**document, "name": document["name"].rpartition("/")[2]}


def _policies(gcp: Gcp, body: Json, inputs: Properties, creating: bool) -> Json:
    """expandArtifactRegistryRepositoryCleanupPolicies: the API has a map by id where the provider has a set."""
    if "cleanupPolicies" in body:
        for one in body["cleanupPolicies"]:
            condition = one.get("condition", {})
            condition |= {
                name: _seconds(condition[name]) for name in ("olderThan", "newerThan") if condition.get(name)
            }
        body["cleanupPolicies"] = {one["id"]: one for one in body["cleanupPolicies"]}
    return body


def _seconds(text: str) -> str:
    return f"{int(text[:-1]) * UNITS[text[-1]]}s"


def _repository(gcp: Gcp, document: Json, known: Properties) -> Json:
    policies = [{**one, "id": id} for id, one in document.get("cleanupPolicies", {}).items()]
    return _own_name(gcp, {**document, "cleanupPolicies": policies}, {})


SECRET_LABELS = {"authToken": "auth_token", "password": "password", "serviceKey": "service_key"}


def _channel(gcp: Gcp, body: Json, inputs: Properties, creating: bool) -> Json:
    """resourceMonitoringNotificationChannelEncoder: secret labels go among the others, write-only ones last."""
    secret = inputs.get("sensitiveLabels") or {}
    labels = dict(body.get("labels") or {})
    for ending in ("", "Wo"):
        labels |= {
            label: secret[name + ending] for name, label in SECRET_LABELS.items() if secret.get(name + ending)
        }
    return {**{name: value for name, value in body.items() if name != "sensitiveLabels"}, "labels": labels}


def _veiled(gcp: Gcp, document: Json, known: Properties) -> Json:
    """resourceMonitoringNotificationChannelDecoder: the API veils secret labels, the program knows them."""
    labels = document.get("labels") or {}
    if known.get("sensitiveLabels"):
        return {**document, "labels": {k: v for k, v in labels.items() if k not in SECRET_LABELS.values()}}
    own = known.get("labels") or {}
    return {**document, "labels": labels | {k: own[k] for k in SECRET_LABELS.values() if own.get(k)}}


HOOKS: dict[str, Hooks] = {
    "accesscontextmanager/servicePerimeter:ServicePerimeter": Hooks(
        encode=_perimeter, decode=_in_policy, extra={"parent": "parent"}
    ),
    "artifactregistry/repository:Repository": Hooks(encode=_policies, decode=_repository),
    "billing/budget:Budget": Hooks(decode=_budget),
    "compute/address:Address": Hooks(encode=_regional),
    "compute/firewall:Firewall": Hooks(encode=_firewall, decode=_refusals),
    "compute/globalAddress:GlobalAddress": Hooks(),
    "compute/globalForwardingRule:GlobalForwardingRule": Hooks(),
    "compute/network:Network": Hooks(encode=_network, decode=_numeric, made=_without_default_routes),
    "compute/networkAttachment:NetworkAttachment": Hooks(encode=_regional),
    "compute/route:Route": Hooks(encode=_route),
    "compute/router:Router": Hooks(encode=_regional),
    "compute/subnetwork:Subnetwork": Hooks(encode=_subnetwork, decode=_flows),
    "dns/managedZone:ManagedZone": Hooks(removing=_empty_zone),
    "dns/policy:Policy": Hooks(removing=_leave_networks),
    "iam/workloadIdentityPool:WorkloadIdentityPool": Hooks(decode=_living),
    "iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": Hooks(decode=_living),
    "kms/cryptoKey:CryptoKey": Hooks(encode=_key, decode=_own_name, removing=_destroy_versions),
    "kms/keyRing:KeyRing": Hooks(encode=_ring, decode=_own_name, forget=True),
    "monitoring/notificationChannel:NotificationChannel": Hooks(encode=_channel, decode=_veiled),
    "secretmanager/secret:Secret": Hooks(),
}
RESOURCES = {f"gcp:{token}": Rest(f"gcp:{token}", hooks).resource() for token, hooks in HOOKS.items()}
