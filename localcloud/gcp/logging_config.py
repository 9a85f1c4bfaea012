"""logging.googleapis.com, where logs are kept: buckets, sinks, exclusions. Entries: localcloud.gcp.logging."""

from __future__ import annotations

import copy
import re

from localcloud.gcp import agents, cmek, discovery, operations
from localcloud.gcp.agents import Agents
from localcloud.gcp.api import Request
from localcloud.gcp.discovery import argument
from localcloud.gcp.documents import Document, Documents, Kind, masked
from localcloud.gcp.errors import GoogleError, exists, invalid, not_found, precondition
from localcloud.gcp.names import canonical, now, own
from localcloud.gcp.state import NUMBER, PROJECT, State

BUCKETS = Kind("logging", "buckets", "Bucket", r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,99}")
SINKS = Kind("logging", "sinks", "Sink", r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,99}")
EXCLUSIONS = Kind("logging", "exclusions", "Exclusion", r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,99}")
LASTING = ("_Default", "_Required")
DAYS = {"_Default": 30, "_Required": 400}
DESTINATION = re.compile(
    r"(?:storage|bigquery|pubsub|logging)\.googleapis\.com/.+",
)
WRITER = f"service-{NUMBER}@gcp-sa-logging.iam.gserviceaccount.com"
LEGACY = "serviceAccount:cloud-logs@system.gserviceaccount.com"


def _own_things(state: State) -> None:
    """The buckets and sinks that every project has from its beginning."""
    documents = state.store(Documents)
    parent = f"projects/{PROJECT}"
    for name, days in DAYS.items():
        at = f"{parent}/locations/global"
        if documents.find("logging", f"{at}/buckets/{name}") is None:
            BUCKETS.add(
                state, at, name, {"retentionDays": days, "lifecycleState": "ACTIVE", "locked": name == "_Required"}
            )
            destination = f"logging.googleapis.com/{at}/buckets/{name}"
            sink = SINKS.add(state, parent, name, {"destination": destination, "filter": ""})
            sink["name"] = name


def _bucket(state: State, request: Request) -> Document:
    _own_things(state)
    name = canonical(request.names["name"])
    found = state.store(Documents).find("logging", name)
    if found is None:
        raise not_found(f"Bucket `{name.rpartition('/')[2]}` does not exist")
    return found


def _key(state: State, body: Document, location: str) -> None:
    key = (body.get("cmekSettings") or {}).get("kmsKeyName")
    if not key:
        return
    agent = f"cmek-p{NUMBER}@gcp-sa-logging.iam.gserviceaccount.com"
    # The canonical code is what Google documents for a missing grant; its words for this service are not known.
    refusal = GoogleError(
        "PERMISSION_DENIED",
        f"The caller's project does not have permission to use the Cloud KMS key {key}: grant "
        f"roles/cloudkms.cryptoKeyEncrypterDecrypter to {agent}.",
    )
    cmek.require(state, agent, key, refusal, location)
    body["cmekSettings"] = {
        "kmsKeyName": key,
        "serviceAccountId": agent,
        "kmsKeyVersionName": f"{key}/cryptoKeyVersions/1",
    }


def _days(body: Document) -> None:
    if "retentionDays" in body and not 1 <= int(body["retentionDays"]) <= 3650:
        raise invalid("Retention days must be between 1 and 3650.")


def create_bucket(state: State, request: Request) -> object:
    with state.lock:
        return copy.deepcopy(_create_bucket(state, request))


def create_bucket_async(state: State, request: Request) -> object:
    with state.lock:
        made = _create_bucket(state, request)
        return operations.started(state, canonical(request.names["parent"]), copy.deepcopy(made))


def _create_bucket(state: State, request: Request) -> Document:
    _own_things(state)
    parent, id = canonical(request.names["parent"]), argument(request, "bucketId")
    old = state.store(Documents).find("logging", f"{parent}/buckets/{id}")
    if old and old["lifecycleState"] == "DELETE_REQUESTED":
        raise exists(f"Bucket `{id}` is pending deletion: its id is free again after 7 days")
    body = copy.deepcopy(discovery.writable("logging.v2", "LogBucket", request.body))
    body.pop("name", None)
    _days(body)
    _key(state, body, parent.rpartition("/")[2])
    made = {"retentionDays": 30, "lifecycleState": "ACTIVE", "createTime": now(state), **body}
    return BUCKETS.add(state, parent, id, made | {"updateTime": made["createTime"]})


def get_bucket(state: State, request: Request) -> object:
    with state.lock:
        return copy.deepcopy(_bucket(state, request))


def list_buckets(state: State, request: Request) -> object:
    with state.lock:
        _own_things(state)
        listed = BUCKETS.listed("buckets", lambda one, _: one["lifecycleState"] == "ACTIVE")
        return listed(state, request)


def patch_bucket(state: State, request: Request) -> object:
    with state.lock:
        return copy.deepcopy(_patch_bucket(state, request))


def update_bucket_async(state: State, request: Request) -> object:
    with state.lock:
        found = _patch_bucket(state, request)
        return operations.started(state, found["name"].partition("/buckets/")[0], copy.deepcopy(found))


def _patch_bucket(state: State, request: Request) -> Document:
    found, body = _bucket(state, request), copy.deepcopy(request.body)
    mask = argument(request, "updateMask")
    if not mask:
        raise invalid("Update mask must be set.")
    if found["lifecycleState"] != "ACTIVE":
        raise precondition(f"Bucket `{found['name']}` is not active")
    if found.get("locked") and set(mask.split(",")) & {"retentionDays", "retention_days", "locked"}:
        raise precondition("Bucket is locked: its retention cannot change.")
    _days(body)
    old = (found.get("cmekSettings") or {}).get("kmsKeyName")
    if "cmek" in mask:
        if not old:
            raise precondition("CMEK can only be set when a bucket is created.")
        _key(state, body, found["name"].split("/")[3])
    masked(found, body, mask)
    found["updateTime"] = now(state)
    return found


def delete_bucket(state: State, request: Request) -> object:
    with state.lock:
        found = _bucket(state, request)
        if found["name"].rpartition("/")[2] in LASTING:
            raise invalid("Buckets _Default and _Required cannot be deleted.")
        if found.get("locked"):
            raise precondition("A locked bucket cannot be deleted while it holds logs.")
        found["lifecycleState"] = "DELETE_REQUESTED"
        return {}


def undelete_bucket(state: State, request: Request) -> object:
    with state.lock:
        found = _bucket(state, request)
        found["lifecycleState"] = "ACTIVE"
        return {}


def cmek_settings(state: State, request: Request) -> object:
    """Asking makes the account that must be granted the use of keys."""
    own(request.names["name"].split("/")[1])
    email = agents.asked(state, "logging.googleapis.com")
    return {"name": f"projects/{NUMBER}/cmekSettings", "serviceAccountId": email}


def _written(state: State, request: Request, body: Document) -> None:
    """Who writes for a sink; a destination in the same project needs nobody."""
    if not DESTINATION.fullmatch(str(body.get("destination", ""))):
        raise invalid(f"Invalid destination: {body.get('destination')!r}")
    if body["destination"].startswith(f"logging.googleapis.com/projects/{PROJECT}/"):
        name = body["destination"].removeprefix("logging.googleapis.com/")
        if state.store(Documents).find("logging", name) is None:
            raise not_found(f"Bucket `{name}` does not exist")
        body.pop("writerIdentity", None)
    elif argument(request, "uniqueWriterIdentity").lower() == "true":
        state.store(Agents).make("logging.googleapis.com", "sink")
        body["writerIdentity"] = f"serviceAccount:{WRITER}"
    else:
        body["writerIdentity"] = LEGACY


def create_sink(state: State, request: Request) -> object:
    body = copy.deepcopy(discovery.writable("logging.v2", "LogSink", request.body))
    with state.lock:
        _own_things(state)
        _written(state, request, body)
        made = SINKS.add(state, canonical(request.names["parent"]), str(body.get("name", "")), body)
        made |= {"name": body["name"], "createTime": now(state), "updateTime": now(state)}
        return copy.deepcopy(made)


def _sink(state: State, request: Request) -> Document:
    _own_things(state)
    found = state.store(Documents).find("logging", canonical(request.names["sinkName"]))
    if found is None:
        raise not_found(f"Sink {request.names['sinkName'].rpartition('/')[2]} does not exist")
    return found


def get_sink(state: State, request: Request) -> object:
    with state.lock:
        return copy.deepcopy(_sink(state, request))


def update_sink(state: State, request: Request) -> object:
    with state.lock:
        found = _sink(state, request)
        mask = argument(request, "updateMask") or "destination,filter,includeChildren"
        changed = copy.deepcopy(found)
        masked(changed, request.body, mask)
        _written(state, request, changed)
        found.clear()
        found.update(changed | {"updateTime": now(state)})
        return copy.deepcopy(found)


def delete_sink(state: State, request: Request) -> object:
    with state.lock:
        name = _sink(state, request)["name"]
        if name in LASTING:
            raise invalid(f"Sink {name} cannot be deleted")
        del state.store(Documents).by_name["logging", canonical(request.names["sinkName"])]
        return {}


def create_exclusion(state: State, request: Request) -> object:
    body = copy.deepcopy(discovery.writable("logging.v2", "LogExclusion", request.body))
    if not body.get("filter"):
        raise invalid("An exclusion needs a filter.")
    with state.lock:
        made = EXCLUSIONS.add(state, canonical(request.names["parent"]), str(body.get("name", "")), body)
        made |= {"name": body["name"], "createTime": now(state), "updateTime": now(state)}
        return copy.deepcopy(made)


def patch_exclusion(state: State, request: Request) -> object:
    with state.lock:
        found = EXCLUSIONS.get(state, request.names["name"])
        masked(found, request.body, argument(request, "updateMask"), ("name",))
        return copy.deepcopy(found)


def delete_exclusion(state: State, request: Request) -> object:
    with state.lock:
        EXCLUSIONS.remove(state, request.names["name"])
        return {}


_AT = "projects.locations.buckets"
API = discovery.api(
    "logging.v2",
    {
        f"{_AT}.create": create_bucket,
        f"{_AT}.createAsync": create_bucket_async,
        f"{_AT}.get": get_bucket,
        f"{_AT}.list": list_buckets,
        f"{_AT}.patch": patch_bucket,
        f"{_AT}.updateAsync": update_bucket_async,
        f"{_AT}.delete": delete_bucket,
        f"{_AT}.undelete": undelete_bucket,
        "projects.locations.operations.get": operations.get,
        "projects.getCmekSettings": cmek_settings,
        "projects.sinks.create": create_sink,
        "projects.sinks.get": get_sink,
        "projects.sinks.list": SINKS.listed("sinks"),
        "projects.sinks.patch": update_sink,
        "projects.sinks.update": update_sink,
        "projects.sinks.delete": delete_sink,
        "projects.exclusions.create": create_exclusion,
        "projects.exclusions.get": EXCLUSIONS.read,
        "projects.exclusions.list": EXCLUSIONS.listed("exclusions"),
        "projects.exclusions.patch": patch_exclusion,
        "projects.exclusions.delete": delete_exclusion,
    },
)
