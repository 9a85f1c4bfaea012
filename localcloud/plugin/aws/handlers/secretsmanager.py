"""Secrets Manager secrets (never their values)."""

from __future__ import annotations

from localcloud.plugin.aws.resource import asked, document, given, pairs, tag_changes, tags
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

GONE = "ResourceNotFoundException"


def create(aws: Aws, inputs: Properties) -> str:
    if inputs.get("replicas") or inputs.get("namePrefix"):
        raise ProviderError("replicas, namePrefix: the stand-in plugin does not serve them")
    client = aws.client("secretsmanager")
    made = client.create_secret(
        **given(
            Name=inputs["name"],
            Description=inputs.get("description"),
            KmsKeyId=inputs.get("kmsKeyId"),
            Tags=pairs(inputs.get("tags")),
        )
    )["ARN"]
    if inputs.get("policy"):
        client.put_resource_policy(SecretId=made, ResourcePolicy=inputs["policy"])
    return str(made)


def read(aws: Aws, id: str, known: Properties) -> Properties | None:
    client = aws.client("secretsmanager")
    found = asked(lambda: client.describe_secret(SecretId=id), GONE)
    if found is None or found.get("DeletedDate"):
        return None
    policy = asked(lambda: client.get_resource_policy(SecretId=id), GONE) or {}
    return {
        "arn": found["ARN"],
        "description": found.get("Description", ""),
        "kmsKeyId": found.get("KmsKeyId", ""),
        "name": found["Name"],
        "namePrefix": "",
        "policy": document(policy.get("ResourcePolicy")) or "",
        "replicas": [],
        "tags": tags(found.get("Tags")),
    }


def update(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    client = aws.client("secretsmanager")
    if names & {"description", "kmsKeyId"}:
        client.update_secret(
            SecretId=id, Description=new.get("description", ""), **given(KmsKeyId=new.get("kmsKeyId"))
        )
    if "policy" in names:
        if new.get("policy"):
            client.put_resource_policy(SecretId=id, ResourcePolicy=new["policy"])
        else:
            client.delete_resource_policy(SecretId=id)
    if "tags" in names:
        removed, added = tag_changes(old, new)
        if removed:
            client.untag_resource(SecretId=id, TagKeys=removed)
        if added:
            client.tag_resource(SecretId=id, Tags=pairs(added))


def delete(aws: Aws, id: str, state: Properties) -> None:
    days = state.get("recoveryWindowInDays")
    how = {"ForceDeleteWithoutRecovery": True} if days == 0 else {"RecoveryWindowInDays": days or 30}
    asked(lambda: aws.client("secretsmanager").delete_secret(SecretId=id, **how), GONE)


RESOURCES = {"aws:secretsmanager/secret:Secret": Resource("Secrets Manager Secret", create, read, update, delete)}
