"""CloudWatch log groups."""

from __future__ import annotations

from typing import Any

from localcloud.plugin.aws.resource import asked, given, tag_changes
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Invoke, Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

GONE = "ResourceNotFoundException"


def create(aws: Aws, inputs: Properties) -> str:
    client, name = aws.client("logs"), inputs["name"]
    client.create_log_group(
        logGroupName=name,
        **given(
            kmsKeyId=inputs.get("kmsKeyId"),
            logGroupClass=inputs.get("logGroupClass"),
            tags=inputs.get("tags") or None,
        ),
    )
    if inputs.get("retentionInDays"):
        client.put_retention_policy(logGroupName=name, retentionInDays=inputs["retentionInDays"])
    return str(name)


def _find(aws: Aws, name: str) -> dict[str, Any] | None:
    for page in aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name):
        for group in page["logGroups"]:
            if group["logGroupName"] == name:
                return dict(group)
    return None


def read(aws: Aws, id: str, known: Properties) -> Properties | None:
    found = _find(aws, id)
    if found is None:
        return None
    arn = found["arn"].removesuffix(":*")
    return {
        "arn": arn,
        # moto knows neither protection nor class
        "deletionProtectionEnabled": bool(
            found.get("deletionProtectionEnabled", known.get("deletionProtectionEnabled"))
        ),
        "kmsKeyId": found.get("kmsKeyId", ""),
        "logGroupClass": found.get("logGroupClass") or known.get("logGroupClass") or "",
        "name": id,
        "namePrefix": "",
        "retentionInDays": found.get("retentionInDays", 0),
        "skipDestroy": bool(known.get("skipDestroy")),
        "tags": _tags(aws, arn),
    }


def _tags(aws: Aws, arn: str) -> dict[str, str]:
    answer = asked(lambda: aws.client("logs").list_tags_for_resource(resourceArn=arn), GONE)
    return dict((answer or {}).get("tags") or {})


def update(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    client = aws.client("logs")
    if "retentionInDays" in names:
        if new.get("retentionInDays"):
            client.put_retention_policy(logGroupName=id, retentionInDays=new["retentionInDays"])
        else:
            client.delete_retention_policy(logGroupName=id)
    if "kmsKeyId" in names:
        if new.get("kmsKeyId"):
            client.associate_kms_key(logGroupName=id, kmsKeyId=new["kmsKeyId"])
        else:
            client.disassociate_kms_key(logGroupName=id)
    if "tags" in names:
        removed, added = tag_changes(old, new)
        if removed:
            client.untag_resource(resourceArn=old["arn"], tagKeys=removed)
        if added:
            client.tag_resource(resourceArn=old["arn"], tags=added)


def delete(aws: Aws, id: str, state: Properties) -> None:
    if state.get("skipDestroy"):
        return
    if state.get("deletionProtectionEnabled"):
        raise ProviderError("api error ValidationException: deletion protection is enabled for the log group")
    asked(lambda: aws.client("logs").delete_log_group(logGroupName=id), GONE)


def get_log_group(aws: Aws, arguments: Properties) -> Properties:
    found = _find(aws, arguments["name"])
    if found is None:
        raise ProviderError(f"reading CloudWatch Logs Log Group ({arguments['name']}): couldn't find resource")
    arn = found["arn"].removesuffix(":*")
    return {
        "id": arguments["name"],
        "arn": arn,
        "creationTime": found["creationTime"],
        "deletionProtectionEnabled": bool(found.get("deletionProtectionEnabled")),
        "kmsKeyId": found.get("kmsKeyId", ""),
        "logGroupClass": found.get("logGroupClass", ""),
        "name": arguments["name"],
        "region": aws.region,
        "retentionInDays": found.get("retentionInDays", 0),
        "tags": _tags(aws, arn),
    }


RESOURCES = {
    "aws:cloudwatch/logGroup:LogGroup": Resource("CloudWatch Logs Log Group", create, read, update, delete)
}
INVOKES = {"aws:cloudwatch/getLogGroup:getLogGroup": Invoke(frozenset({"name", "region", "tags"}), get_log_group)}
