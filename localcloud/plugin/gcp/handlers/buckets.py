"""Buckets of Cloud Storage."""

from __future__ import annotations

from urllib.parse import quote

from localcloud.plugin.gcp.fields import Json, received, sent
from localcloud.plugin.gcp.rest import allowed, table
from localcloud.plugin.gcp.session import ApiError, Gcp
from localcloud.plugin.handling import Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.schema import Table, camel
from localcloud.plugin.values import Properties

TOKEN = "gcp:storage/bucket:Bucket"
BASE = "https://storage.googleapis.com/storage/v1/"
# Terraform name -> place in the API's Bucket (setStorageBucket and its expanders in resource_storage_bucket.go).
NAMES = {
    "effective_labels": "labels",
    "lifecycle_rule": "lifecycle.rule",
    "uniform_bucket_level_access": "iamConfiguration.uniformBucketLevelAccess.enabled",
    "public_access_prevention": "iamConfiguration.publicAccessPrevention",
    "requester_pays": "billing.requesterPays",
}
PLAIN = (
    "autoclass",
    "cors",
    "custom_placement_config",
    "default_event_based_hold",
    "encryption",
    "hierarchical_namespace",
    "ip_filter",
    "location",
    "logging",
    "name",
    "project_number",
    "retention_policy",
    "rpo",
    "self_link",
    "soft_delete_policy",
    "storage_class",
    "time_created",
    "updated",
    "versioning",
    "website",
)
STATES = {"LIVE": True, "ARCHIVED": False}
# Numbers that are sent as 0 only when a switch beside them says so.
SWITCHES = {
    "age": "sendAgeIfZero",
    "daysSinceCustomTime": "sendDaysSinceCustomTimeIfZero",
    "daysSinceNoncurrentTime": "sendDaysSinceNoncurrentTimeIfZero",
    "numNewerVersions": "sendNumNewerVersionsIfZero",
}


def _names() -> dict[str, str]:
    return {**{name: camel(name) for name in PLAIN}, **NAMES}


def _properties() -> Table:
    found: Table = table()[TOKEN]["properties"]
    return found


def normal(inputs: Properties) -> Properties:
    """Locations are kept in capitals (the schema's StateFunc)."""
    location = inputs.get("location")
    return {**inputs, "location": location.upper()} if isinstance(location, str) else inputs


def _url(gcp: Gcp, path: str) -> str:
    return gcp.base("storage_custom_endpoint", BASE) + path


def _body(inputs: Properties) -> Json:
    given = {**inputs, "uniformBucketLevelAccess": bool(inputs.get("uniformBucketLevelAccess"))}
    body = sent(_properties(), _names(), given)
    if "lifecycleRules" in given:
        body["lifecycle"] = {"rule": [_sent_rule(rule) for rule in body.get("lifecycle", {}).get("rule", [])]}
    return body


def _sent_rule(rule: Json) -> Json:
    condition = dict(rule["condition"])
    state = condition.pop("withState", None)
    for name, switch in SWITCHES.items():
        if not condition.pop(switch, False) and not condition.get(name):
            condition.pop(name, None)
    return {**rule, "condition": condition | ({"isLive": STATES[state]} if state in STATES else {})}


def create(gcp: Gcp, inputs: Properties) -> str:
    project = str(inputs.get("project") or gcp.project)
    body = _body(inputs)
    locked = (body.get("retentionPolicy") or {}).pop("isLocked", False)
    query = f"?project={quote(project)}"
    if inputs.get("enableObjectRetention"):
        query += "&enableObjectRetention=true"
    made = gcp.call("POST", _url(gcp, "b" + query), body)
    if locked:
        _lock(gcp, made)
    return str(made["name"])


def _lock(gcp: Gcp, bucket: Json) -> None:
    query = f"?ifMetagenerationMatch={bucket['metageneration']}"
    gcp.call("POST", _url(gcp, f"b/{bucket['name']}/lockRetentionPolicy{query}"))


def read(gcp: Gcp, id: str, known: Properties) -> Properties | None:
    name = id.rpartition("/")[2]
    document = gcp.found(_url(gcp, f"b/{name}"))
    if document is None:
        return None
    found = received(_properties(), _names(), document)
    found["lifecycleRules"] = [
        _rule(rule, i, known) for i, rule in enumerate((document.get("lifecycle") or {}).get("rule", []))
    ]
    found["enableObjectRetention"] = bool((document.get("objectRetention") or {}).get("mode") == "Enabled")
    found["project"] = known.get("project") or gcp.project
    found["url"] = f"gs://{name}"
    return {"id": name, **found}


def _rule(rule: Json, index: int, known: Properties) -> Properties:
    """A rule as the provider shows it; its switches are remembered, as no API knows them."""
    rules = known.get("lifecycleRules") or []
    before = (rules[index].get("condition") or {}) if index < len(rules) else {}
    properties: Table = _properties()["lifecycleRules"]["items"]["properties"]
    action = received(properties["action"]["properties"], _inner(properties["action"]), rule["action"])
    condition = received(properties["condition"]["properties"], _inner(properties["condition"]), rule["condition"])
    live = rule["condition"].get("isLive")
    condition["withState"] = "ANY" if live is None else ("LIVE" if live else "ARCHIVED")
    for switch in SWITCHES.values():
        condition[switch] = bool(before.get(switch, False))
    return {"action": action, "condition": condition}


def _inner(block: Table) -> dict[str, str]:
    return {prop["terraform"]: camel(prop["terraform"]) for prop in block["properties"].values()}


def update(gcp: Gcp, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    body = _body(new)
    patch: Json = {}
    for name in names & _properties().keys():
        place = _names().get(_properties()[name]["terraform"])
        if place is not None:
            top = place.split(".")[0]
            patch[top] = body.get(top)
    if "labels" in patch:
        gone = (old.get("effectiveLabels") or {}).keys() - (patch["labels"] or {}).keys()
        patch["labels"] = {**(patch["labels"] or {}), **dict.fromkeys(gone)}
    locking = (patch.get("retentionPolicy") or {}).pop("isLocked", False)
    if patch:
        made = gcp.call("PATCH", _url(gcp, f"b/{id}"), patch)
        if locking and not (made.get("retentionPolicy") or {}).get("isLocked"):
            _lock(gcp, made)


def delete(gcp: Gcp, id: str, state: Properties) -> None:
    if not allowed("StorageBucket", state):
        return
    try:
        while objects := gcp.call("GET", _url(gcp, f"b/{id}/o?versions=true")).get("items"):
            if not state.get("forceDestroy"):
                raise ProviderError(f"Error trying to delete bucket {id} without `force_destroy` set to true")
            for one in objects:
                query = f"?generation={one['generation']}"
                gcp.call("DELETE", _url(gcp, f"b/{id}/o/{quote(one['name'], safe='')}{query}"))
        gcp.call("DELETE", _url(gcp, f"b/{id}"))
    except ApiError as error:
        if error.status != 404:
            raise


RESOURCES = {TOKEN: Resource("bucket", create, read, update, delete, normal)}
