"""KMS keys and aliases."""

from __future__ import annotations

from typing import Any

from localcloud.plugin.aws.resource import asked, document, given, pairs, tag_changes, tags
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Invoke, Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

GONE = "NotFoundException"
WAITING = 30  # days, the service's default


def create_key(aws: Aws, inputs: Properties) -> str:
    client = aws.client("kms")
    made = client.create_key(
        **given(
            Description=inputs.get("description"),
            KeySpec=inputs.get("customerMasterKeySpec"),
            KeyUsage=inputs.get("keyUsage"),
            MultiRegion=inputs.get("multiRegion"),
            Policy=inputs.get("policy"),
            CustomKeyStoreId=inputs.get("customKeyStoreId"),
            XksKeyId=inputs.get("xksKeyId"),
            BypassPolicyLockoutSafetyCheck=inputs.get("bypassPolicyLockoutSafetyCheck"),
            Tags=pairs(inputs.get("tags"), "TagKey", "TagValue"),
        )
    )["KeyMetadata"]["KeyId"]
    if inputs.get("enableKeyRotation"):
        _rotate(client, made, inputs)
    if inputs.get("isEnabled") is False:
        client.disable_key(KeyId=made)
    return str(made)


def _rotate(client: Any, key: str, inputs: Properties) -> None:
    if inputs.get("enableKeyRotation"):
        client.enable_key_rotation(KeyId=key, **given(RotationPeriodInDays=inputs.get("rotationPeriodInDays")))
    else:
        client.disable_key_rotation(KeyId=key)


def read_key(aws: Aws, id: str, known: Properties) -> Properties | None:
    client = aws.client("kms")
    answer = asked(lambda: client.describe_key(KeyId=id), GONE)
    if answer is None or answer["KeyMetadata"]["KeyState"] in ("PendingDeletion", "PendingReplicaDeletion"):
        return None
    key = answer["KeyMetadata"]
    symmetric = key["KeySpec"] == "SYMMETRIC_DEFAULT" and key.get("Origin", "AWS_KMS") == "AWS_KMS"
    rotation = client.get_key_rotation_status(KeyId=id) if symmetric else {}
    return {
        "id": key["KeyId"],
        "keyId": key["KeyId"],
        "arn": key["Arn"],
        "description": key.get("Description", ""),
        "customerMasterKeySpec": key["KeySpec"],
        "customKeyStoreId": key.get("CustomKeyStoreId", ""),
        "enableKeyRotation": bool(rotation.get("KeyRotationEnabled")),
        "isEnabled": key["Enabled"],
        "keyUsage": key["KeyUsage"],
        "multiRegion": key.get("MultiRegion", False),
        "policy": document(client.get_key_policy(KeyId=id, PolicyName="default")["Policy"]),
        "rotationPeriodInDays": rotation.get("RotationPeriodInDays") or known.get("rotationPeriodInDays") or 0,
        "xksKeyId": "",
        "tags": tags(client.list_resource_tags(KeyId=id)["Tags"], "TagKey", "TagValue"),
    }


def update_key(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    client = aws.client("kms")
    if "isEnabled" in names and new.get("isEnabled"):  # a disabled key takes no other change
        client.enable_key(KeyId=id)
    if "description" in names:
        client.update_key_description(KeyId=id, Description=new.get("description", ""))
    if "policy" in names:
        client.put_key_policy(KeyId=id, PolicyName="default", Policy=new["policy"])
    if names & {"enableKeyRotation", "rotationPeriodInDays"}:
        _rotate(client, id, new)
    if "tags" in names:
        removed, added = tag_changes(old, new)
        if removed:
            client.untag_resource(KeyId=id, TagKeys=removed)
        if added:
            client.tag_resource(KeyId=id, Tags=pairs(added, "TagKey", "TagValue"))
    if "isEnabled" in names and not new.get("isEnabled"):
        client.disable_key(KeyId=id)


def delete_key(aws: Aws, id: str, state: Properties) -> None:
    window = state.get("deletionWindowInDays") or WAITING
    asked(lambda: aws.client("kms").schedule_key_deletion(KeyId=id, PendingWindowInDays=window), GONE)


def create_alias(aws: Aws, inputs: Properties) -> str:
    aws.client("kms").create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
    return str(inputs["name"])


def read_alias(aws: Aws, id: str, known: Properties) -> Properties | None:
    for page in aws.client("kms").get_paginator("list_aliases").paginate():
        for alias in page["Aliases"]:
            if alias["AliasName"] == id and alias.get("TargetKeyId"):
                target = alias["TargetKeyId"]
                arn = aws.arn("kms", f"key/{target}")
                kept = (
                    known.get("targetKeyId") if known.get("targetKeyId") == arn else target
                )  # the provider keeps an ARN as given
                return {
                    "name": id,
                    "namePrefix": "",
                    "arn": alias["AliasArn"],
                    "targetKeyArn": arn,
                    "targetKeyId": kept,
                }
    return None


def update_alias(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    if "targetKeyId" in names:
        aws.client("kms").update_alias(AliasName=id, TargetKeyId=new["targetKeyId"])


def delete_alias(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("kms").delete_alias(AliasName=id), GONE)


def get_key(aws: Aws, arguments: Properties) -> Properties:
    answer = asked(
        lambda: aws.client("kms").describe_key(
            **given(KeyId=arguments["keyId"], GrantTokens=arguments.get("grantTokens"))
        ),
        GONE,
    )
    if answer is None:
        raise ProviderError(f"reading KMS Key ({arguments['keyId']}): couldn't find resource")
    key = answer["KeyMetadata"]
    return {
        "id": key["KeyId"],
        "keyId": arguments["keyId"],
        "grantTokens": arguments.get("grantTokens"),
        "arn": key["Arn"],
        "awsAccountId": key["AWSAccountId"],
        "cloudHsmClusterId": key.get("CloudHsmClusterId", ""),
        "creationDate": key["CreationDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "customKeyStoreId": key.get("CustomKeyStoreId", ""),
        "customerMasterKeySpec": key["KeySpec"],
        "deletionDate": "",
        "description": key.get("Description", ""),
        "enabled": key["Enabled"],
        "expirationModel": key.get("ExpirationModel", ""),
        "keyManager": key["KeyManager"],
        "keySpec": key["KeySpec"],
        "keyState": key["KeyState"],
        "keyUsage": key["KeyUsage"],
        "multiRegion": key.get("MultiRegion", False),
        "multiRegionConfigurations": [],
        "origin": key["Origin"],
        "pendingDeletionWindowInDays": key.get("PendingDeletionWindowInDays", 0),
        "region": aws.region,
        "validTo": "",
        "xksKeyConfigurations": [],
    }


RESOURCES = {
    "aws:kms/key:Key": Resource("KMS Key", create_key, read_key, update_key, delete_key),
    "aws:kms/alias:Alias": Resource("KMS Alias", create_alias, read_alias, update_alias, delete_alias),
}
INVOKES = {"aws:kms/getKey:getKey": Invoke(frozenset({"keyId", "grantTokens", "region"}), get_key)}
