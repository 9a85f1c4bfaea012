"""The records of who did what, as the cloud reports them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.engine.security.aws.view import View


def _trails(view: View) -> list[dict[str, Any]]:
    client = view.client("cloudtrail")
    trails: list[dict[str, Any]] = client.describe_trails(includeShadowTrails=False)["trailList"]
    return trails


def there_is_one_trail_that_records(view: View) -> Iterator[str]:
    """A trail of all regions which is switched on."""
    if len(trails := _trails(view)) != 1:
        yield f"{len(trails)} trails"
    for trail in trails:
        if not view.client("cloudtrail").get_trail_status(Name=trail["TrailARN"])["IsLogging"]:
            yield f"{trail['Name']} does not record"
        if not trail["IsMultiRegionTrail"] or not trail["IncludeGlobalServiceEvents"]:
            yield f"{trail['Name']} misses other regions"


def trail_files_can_be_validated(view: View) -> Iterator[str]:
    """Digest files prove that nobody edited the log."""
    for trail in _trails(view):
        if not trail["LogFileValidationEnabled"]:
            yield f"{trail['Name']} has no digests"


def trail_files_are_encrypted_apart_from_the_data(view: View) -> Iterator[str]:
    """A customer's key, and not the one that opens the data."""
    for trail in _trails(view):
        key = trail.get("KmsKeyId")
        if key not in view.all_keys or key == view.zone.keys.data:
            yield f"{trail['Name']} is encrypted with {key}"


def object_access_is_recorded(view: View) -> Iterator[str]:
    """Data events of the data buckets, reads and writes."""
    for trail in _trails(view):
        selectors = view.client("cloudtrail").get_event_selectors(TrailName=trail["TrailARN"])
        text = str(selectors.get("AdvancedEventSelectors") or selectors.get("EventSelectors"))
        for bucket in view.data_buckets:
            if f":s3:::{bucket}/" not in text:
                yield f"{trail['Name']} does not record access to objects of {bucket}"


def log_groups_are_encrypted_and_expire(view: View) -> Iterator[str]:
    """A customer's key other than the data's, and a retention, on every log group."""
    for group in view.client("logs").describe_log_groups()["logGroups"]:
        key = group.get("kmsKeyId")
        if key not in view.all_keys or key == view.zone.keys.data:
            yield f"{group['logGroupName']} is encrypted with {key}"
        if not group.get("retentionInDays"):
            yield f"{group['logGroupName']} is kept for ever"
