"""Log buckets, sinks, and what is left out of all of them."""

from __future__ import annotations

from localcloud.plugin.gcp.fields import Json, received, sent
from localcloud.plugin.gcp.rest import allowed, table
from localcloud.plugin.gcp.session import ApiError, Gcp
from localcloud.plugin.handling import Resource
from localcloud.plugin.schema import Table, camel
from localcloud.plugin.values import Properties

BASE = "https://logging.googleapis.com/v2/"
BUCKET, SINK = "gcp:logging/projectBucketConfig:ProjectBucketConfig", "gcp:logging/projectSink:ProjectSink"
EXCLUSION = "gcp:logging/projectExclusion:ProjectExclusion"
LEGACY = (
    "serviceAccount:cloud-logs@system.gserviceaccount.com"  # writes for sinks without an identity of their own
)
# Terraform name -> the API's (resource_logging_project_bucket_config.go, resource_logging_sink.go).
BUCKET_NAMES = {"enable_analytics": "analyticsEnabled"} | {
    name: camel(name)
    for name in (
        "name",
        "description",
        "locked",
        "lifecycle_state",
        "retention_days",
        "cmek_settings",
        "index_configs",
    )
}
SINK_NAMES = {
    name: camel(name)
    for name in ("name", "destination", "filter", "description", "disabled", "exclusions", "bigquery_options")
} | {"writer_identity": "writerIdentity"}
LASTING = ("_Default", "_Required")  # nobody can delete these


def _url(gcp: Gcp, name: str) -> str:
    return gcp.base("logging_custom_endpoint", BASE) + name


def _properties(token: str) -> Table:
    found: Table = table()[token]["properties"]
    return found


def _bucket_body(inputs: Properties) -> Json:
    body = sent(_properties(BUCKET), BUCKET_NAMES, inputs)
    if body.get("cmekSettings"):
        body["cmekSettings"] = {"kmsKeyName": body["cmekSettings"]["kmsKeyName"]}
    return body


def create_bucket(gcp: Gcp, inputs: Properties) -> str:
    """A bucket that is there already (the project's own) is taken over and changed."""
    project = str(inputs["project"]).removeprefix("projects/")
    at = f"projects/{project}/locations/{inputs['location']}/buckets"
    id = f"{at}/{inputs['bucketId']}"
    if gcp.found(_url(gcp, id)) is not None:
        update_bucket(gcp, id, {}, inputs, frozenset(inputs))
    else:
        answer = gcp.call(
            "POST", _url(gcp, f"{at}:createAsync?bucketId={inputs['bucketId']}"), _bucket_body(inputs)
        )
        gcp.finished(_url(gcp, ""), answer, "Bucket to create")
    return id


def read_bucket(gcp: Gcp, id: str, known: Properties) -> Properties | None:
    document = gcp.found(_url(gcp, id))
    if document is None:
        return None
    parts = id.split("/")
    found = received(_properties(BUCKET), BUCKET_NAMES, document)
    return found | {"project": known.get("project") or parts[1], "location": parts[3], "bucketId": parts[5]}


def update_bucket(gcp: Gcp, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    """Analytics and the lock are changed alone, as the API wants it: first the one, last the other."""
    body = _bucket_body(new)
    if "enableAnalytics" in names and new.get("enableAnalytics"):
        url = _url(gcp, f"{id}:updateAsync?updateMask=analyticsEnabled")
        gcp.finished(
            _url(gcp, ""), gcp.call("POST", url, {"analyticsEnabled": True}), "Updating Bucket with analytics"
        )
    mask = [name for name in ("retentionDays", "description", "cmekSettings", "indexConfigs") if name in names]
    if mask:
        change = {name: body.get(name) for name in mask}
        gcp.call("PATCH", _url(gcp, f"{id}?updateMask={','.join(mask)}"), change)
    if "locked" in names and new.get("locked") is not None:
        gcp.call("PATCH", _url(gcp, f"{id}?updateMask=locked"), {"locked": new["locked"]})


def delete_bucket(gcp: Gcp, id: str, state: Properties) -> None:
    if allowed("LoggingProjectBucketConfig", state) and id.rpartition("/")[2] not in LASTING:
        _gone(gcp, id)


def _gone(gcp: Gcp, id: str) -> None:
    try:
        gcp.call("DELETE", _url(gcp, id))
    except ApiError as error:
        if error.status != 404:
            raise


def _query(inputs: Properties) -> str:
    unique = inputs.get("uniqueWriterIdentity", True)
    custom = inputs.get("customWriterIdentity")
    return f"uniqueWriterIdentity={str(unique).lower()}" + (f"&customWriterIdentity={custom}" if custom else "")


def create_sink(gcp: Gcp, inputs: Properties) -> str:
    parent = f"projects/{inputs.get('project') or gcp.project}"
    id = f"{parent}/sinks/{inputs['name']}"
    if gcp.found(_url(gcp, id)) is not None:
        update_sink(gcp, id, {}, inputs, frozenset(inputs))
    else:
        body = sent(_properties(SINK), SINK_NAMES, inputs)
        gcp.call("POST", _url(gcp, f"{parent}/sinks?{_query(inputs)}"), body)
    return id


def read_sink(gcp: Gcp, id: str, known: Properties) -> Properties | None:
    document = gcp.found(_url(gcp, id))
    if document is None:
        return None
    found = received(_properties(SINK), SINK_NAMES, document)
    unique = document.get("writerIdentity") != LEGACY
    return found | {"project": id.split("/")[1], "uniqueWriterIdentity": unique}


def update_sink(gcp: Gcp, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    body = {"destination": new["destination"], "filter": "", "disabled": False, "exclusions": []}
    body |= sent(_properties(SINK), SINK_NAMES, {name: value for name, value in new.items() if name != "name"})
    fields = ("destination", "filter", "description", "disabled", "bigqueryOptions")
    mask = ["exclusions", *(name for name in fields if name in names)]
    gcp.call("PATCH", _url(gcp, f"{id}?updateMask={','.join(mask)}&{_query(new)}"), body)


def delete_sink(gcp: Gcp, id: str, state: Properties) -> None:
    if allowed("LoggingProjectSink", state) and state.get("name") not in LASTING:
        _gone(gcp, id)


def create_exclusion(gcp: Gcp, inputs: Properties) -> str:
    parent = f"projects/{inputs.get('project') or gcp.project}/exclusions"
    gcp.call("POST", _url(gcp, parent), _exclusion(inputs))
    return f"{parent}/{inputs['name']}"


def _exclusion(inputs: Properties) -> Json:
    return {name: inputs[name] for name in ("name", "description", "filter", "disabled") if name in inputs}


def read_exclusion(gcp: Gcp, id: str, known: Properties) -> Properties | None:
    found = gcp.found(_url(gcp, id))
    if found is None:
        return None
    texts = {name: found.get(name, "") for name in ("name", "description", "filter")}
    return {**texts, "disabled": bool(found.get("disabled")), "project": id.split("/")[1]}


def update_exclusion(gcp: Gcp, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    mask = [name for name in ("description", "filter", "disabled") if name in names]
    if mask:
        body = {name: new.get(name, False if name == "disabled" else "") for name in mask}
        gcp.call("PATCH", _url(gcp, f"{id}?updateMask={','.join(mask)}"), body)


def delete_exclusion(gcp: Gcp, id: str, state: Properties) -> None:
    if allowed("LoggingProjectExclusion", state):
        _gone(gcp, id)


RESOURCES = {
    EXCLUSION: Resource("exclusion", create_exclusion, read_exclusion, update_exclusion, delete_exclusion),
    BUCKET: Resource("Logging Bucket Config", create_bucket, read_bucket, update_bucket, delete_bucket),
    SINK: Resource("Project Logging Sink", create_sink, read_sink, update_sink, delete_sink),
}
