"""CloudTrail trails with their event selectors."""

from __future__ import annotations

from typing import Any

from localcloud.plugin.aws.resource import asked, given, pairs, tag_changes, tags
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Resource
from localcloud.plugin.values import Properties

GONE = ("TrailNotFoundException", "ResourceNotFoundException")
MATCHES = {
    "equals": "Equals",
    "notEquals": "NotEquals",
    "startsWiths": "StartsWith",
    "notStartsWiths": "NotStartsWith",
    "endsWiths": "EndsWith",
    "notEndsWiths": "NotEndsWith",
}
SELECTORS = frozenset({"eventSelectors", "advancedEventSelectors"})


def _arguments(inputs: Properties) -> dict[str, Any]:
    return given(
        S3BucketName=inputs["s3BucketName"],
        S3KeyPrefix=inputs.get("s3KeyPrefix"),
        SnsTopicName=inputs.get("snsTopicName"),
        IncludeGlobalServiceEvents=inputs.get("includeGlobalServiceEvents"),
        IsMultiRegionTrail=inputs.get("isMultiRegionTrail"),
        EnableLogFileValidation=inputs.get("enableLogFileValidation"),
        CloudWatchLogsLogGroupArn=inputs.get("cloudWatchLogsGroupArn"),
        CloudWatchLogsRoleArn=inputs.get("cloudWatchLogsRoleArn"),
        KmsKeyId=inputs.get("kmsKeyId"),
        IsOrganizationTrail=inputs.get("isOrganizationTrail"),
    )


def create(aws: Aws, inputs: Properties) -> str:
    client = aws.client("cloudtrail")
    arn = client.create_trail(Name=inputs["name"], TagsList=pairs(inputs.get("tags")), **_arguments(inputs))[
        "TrailARN"
    ]
    if inputs.get("enableLogging") is not False:
        client.start_logging(Name=arn)
    _select(client, arn, inputs)
    if inputs.get("insightSelectors"):
        wanted = [{"InsightType": each["insightType"]} for each in inputs["insightSelectors"]]
        client.put_insight_selectors(TrailName=arn, InsightSelectors=wanted)
    return str(arn)


def _select(client: Any, arn: str, inputs: Properties) -> None:
    advanced = inputs.get("advancedEventSelectors")
    basic = inputs.get("eventSelectors")
    if advanced:
        client.put_event_selectors(TrailName=arn, AdvancedEventSelectors=[_advanced(each) for each in advanced])
    elif basic:
        client.put_event_selectors(TrailName=arn, EventSelectors=[_basic(each) for each in basic])


def _advanced(selector: Properties) -> dict[str, Any]:
    fields = [
        {"Field": field["field"], **given(**{theirs: field.get(ours) for ours, theirs in MATCHES.items()})}
        for field in selector["fieldSelectors"]
    ]
    return {"FieldSelectors": fields, **given(Name=selector.get("name"))}


def _basic(selector: Properties) -> dict[str, Any]:
    return given(
        ReadWriteType=selector.get("readWriteType"),
        IncludeManagementEvents=selector.get("includeManagementEvents"),
        ExcludeManagementEventSources=selector.get("excludeManagementEventSources"),
        DataResources=[
            {"Type": each["type"], "Values": each["values"]} for each in selector.get("dataResources") or []
        ],
    )


def read(aws: Aws, id: str, known: Properties) -> Properties | None:
    client = aws.client("cloudtrail")
    answer = asked(lambda: client.get_trail(Name=id), *GONE)
    if answer is None:
        return None
    trail = answer["Trail"]
    arn = trail["TrailARN"]
    selectors = client.get_event_selectors(TrailName=arn)
    listed = client.list_tags(ResourceIdList=[arn])["ResourceTagList"]
    insights = asked(lambda: client.get_insight_selectors(TrailName=arn), "InsightNotEnabledException") or {}
    return {
        "id": arn,
        "arn": arn,
        "advancedEventSelectors": [_from_advanced(each) for each in selectors.get("AdvancedEventSelectors") or []],
        "cloudWatchLogsGroupArn": trail.get("CloudWatchLogsLogGroupArn", ""),
        "cloudWatchLogsRoleArn": trail.get("CloudWatchLogsRoleArn", ""),
        "enableLogFileValidation": bool(trail.get("LogFileValidationEnabled")),
        "enableLogging": bool(client.get_trail_status(Name=arn)["IsLogging"]),
        "eventSelectors": [_from_basic(each) for each in selectors.get("EventSelectors") or [] if _chosen(each)],
        "homeRegion": trail.get("HomeRegion") or arn.split(":")[3],
        "includeGlobalServiceEvents": bool(trail.get("IncludeGlobalServiceEvents")),
        "insightSelectors": [
            {"insightType": each["InsightType"]} for each in insights.get("InsightSelectors", [])
        ],
        "isMultiRegionTrail": bool(trail.get("IsMultiRegionTrail")),
        "isOrganizationTrail": bool(trail.get("IsOrganizationTrail")),
        "kmsKeyId": trail.get("KmsKeyId", ""),
        "name": trail["Name"],
        "s3BucketName": trail["S3BucketName"],
        "s3KeyPrefix": trail.get("S3KeyPrefix", ""),
        "snsTopicArn": trail.get("SnsTopicARN", ""),
        "snsTopicName": trail.get("SnsTopicName", ""),
        "tags": tags(listed[0]["TagsList"]) if listed else {},
    }


def _chosen(selector: dict[str, Any]) -> bool:
    """Not the selector that every trail has before anyone sets one: the provider shows none then."""
    default = selector.get("ReadWriteType", "All") == "All" and selector.get("IncludeManagementEvents", True)
    return not default or bool(selector.get("DataResources") or selector.get("ExcludeManagementEventSources"))


def _from_advanced(selector: dict[str, Any]) -> Properties:
    fields = [
        {"field": field["Field"], **{ours: field.get(theirs) or [] for ours, theirs in MATCHES.items()}}
        for field in selector["FieldSelectors"]
    ]
    return {"name": selector.get("Name", ""), "fieldSelectors": fields}


def _from_basic(selector: dict[str, Any]) -> Properties:
    return {
        "dataResources": [
            {"type": each["Type"], "values": each["Values"]} for each in selector.get("DataResources", [])
        ],
        "excludeManagementEventSources": selector.get("ExcludeManagementEventSources", []),
        "includeManagementEvents": selector.get("IncludeManagementEvents", True),
        "readWriteType": selector.get("ReadWriteType", "All"),
    }


def update(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    client = aws.client("cloudtrail")
    if names - {"tags", "enableLogging", "insightSelectors", *SELECTORS}:
        client.update_trail(Name=id, **_arguments(new))
    if names & SELECTORS:
        default = {"eventSelectors": [{"readWriteType": "All", "includeManagementEvents": True}]}
        _select(client, id, new if new.get("eventSelectors") or new.get("advancedEventSelectors") else default)
    if "insightSelectors" in names:
        wanted = [{"InsightType": each["insightType"]} for each in new.get("insightSelectors") or []]
        client.put_insight_selectors(TrailName=id, InsightSelectors=wanted)
    if "enableLogging" in names:
        (client.start_logging if new.get("enableLogging") else client.stop_logging)(Name=id)
    if "tags" in names:
        removed, added = tag_changes(old, new)
        if removed:
            client.remove_tags(ResourceId=id, TagsList=[{"Key": key} for key in removed])
        if added:
            client.add_tags(ResourceId=id, TagsList=pairs(added))


def delete(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("cloudtrail").delete_trail(Name=id), *GONE)


RESOURCES = {"aws:cloudtrail/trail:Trail": Resource("CloudTrail Trail", create, read, update, delete)}
