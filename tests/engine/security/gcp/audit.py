"""The records of who did what, as the cloud reports them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.engine.security.gcp.view import View

_ACCESS = {"ADMIN_READ", "DATA_READ", "DATA_WRITE"}
_HOLD_DATA = ("aiplatform", "artifactregistry", "cloudkms", "secretmanager", "storage")


def access_to_data_is_recorded(view: View) -> Iterator[str]:
    """Data Access audit logs of reads and writes, for every service that holds data, for everybody."""
    configs = view.policy.get("auditConfigs", [])
    for service in _HOLD_DATA:
        ours = [config for config in configs if config["service"] in (f"{service}.googleapis.com", "allServices")]
        recorded = {log["logType"] for config in ours for log in config["auditLogConfigs"]}
        if missing := _ACCESS - recorded:
            yield f"nobody records {sorted(missing)} of {service}"
    for config in configs:
        for log in config["auditLogConfigs"]:
            if log.get("exemptedMembers"):
                yield f"{log['exemptedMembers']} leave no trace in {config['service']}"


def log_buckets_are_encrypted_and_expire(view: View) -> Iterator[str]:
    """A customer's key other than the data's, and a retention, on every log bucket."""
    if not view.log_buckets:
        yield "no log bucket"
    keys = {key["name"] for key in view.keys}
    for bucket in view.log_buckets:
        key = bucket.get("cmekSettings", {}).get("kmsKeyName")
        if key not in keys or key == view.zone.keys.data:
            yield f"{bucket['name']} is encrypted with {key}"
        if not bucket.get("retentionDays"):
            yield f"{bucket['name']} has no retention"


def logs_stay_in_the_region(view: View) -> Iterator[str]:
    """No log bucket of ours outside the zone's region."""
    for bucket in view.log_buckets:
        if f"/locations/{view.zone.region}/" not in bucket["name"]:
            yield f"{bucket['name']} is elsewhere"


def audit_logs_and_job_logs_are_kept(view: View) -> Iterator[str]:
    """A sink brings every audit log, and what jobs write, into a log bucket of ours."""
    text = _kept(view)
    for wanted in ("cloudaudit.googleapis.com/activity", "cloudaudit.googleapis.com/data_access", "ml_job"):
        if wanted not in text:
            yield f"nothing keeps {wanted}"


def flows_are_kept(view: View) -> Iterator[str]:
    """A sink brings what the network records into a log bucket of ours."""
    text = _kept(view)
    if missing := [one["name"] for one in view.subnetworks if f'"{one["name"]}"' not in text]:
        yield f"nothing keeps the flows of {missing}"


def _kept(view: View) -> str:
    """The filters of all sinks that fill a log bucket of ours."""
    ours = {f"logging.googleapis.com/{bucket['name']}" for bucket in view.log_buckets}
    sinks = view.every("logging", f"/v2/{view.project}/sinks", "sinks")
    kept = [sink for sink in sinks if sink["destination"] in ours and not sink.get("disabled")]
    return " ".join(sink.get("filter", "") for sink in kept)
