"""Trust policies: who may become each role, and the conditions that keep a confused deputy out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.aws.place import Place
from infra.aws.policies import SAGEMAKER, Document, document


@dataclass(frozen=True, slots=True)
class Tokens:
    """Web identity tokens that may be the agent: the provider's ARN, its issuer, an audience, the subjects."""

    provider: str
    issuer: str
    audience: str
    subjects: tuple[str, ...]


def _trust(
    sid: str, actions: Sequence[str], principal: dict[str, Any], condition: dict[str, Any]
) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": list(actions)}
    return statement | ({"Condition": condition} if condition else {})


def execution(place: Place) -> Document:
    """SageMaker, and only on behalf of this account and its training jobs, becomes the execution role."""
    condition = {
        "StringEquals": {"aws:SourceAccount": place.account},
        "ArnLike": {"aws:SourceArn": place.arn("sagemaker", "*")},
    }
    return document([_trust("SageMaker", ["sts:AssumeRole"], {"Service": SAGEMAKER}, condition)])


def agent(principals: Sequence[str], tokens: Tokens | None) -> Document:
    """Named principals, and tokens of named subjects, become the agent.

    A session may name the person behind it (source identity) and carry tags; with SetSourceIdentity missing
    here, an AssumeRole that names one is denied.
    """
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    statements = [_trust("Principals", actions, {"AWS": sorted(set(principals))}, {})] if principals else []
    if tokens:
        condition = {
            "StringEquals": {f"{tokens.issuer}:aud": tokens.audience},
            "StringLike": {f"{tokens.issuer}:sub": list(tokens.subjects)},
        }
        federated = {"Federated": tokens.provider}
        statements.append(_trust("Tokens", ["sts:AssumeRoleWithWebIdentity"], federated, condition))
    return document(statements)


def flow_logs(place: Place) -> Document:
    """The VPC flow log service, on behalf of this account's flow logs in this region."""
    condition = {
        "StringEquals": {"aws:SourceAccount": place.account},
        "ArnLike": {"aws:SourceArn": place.arn("ec2", "vpc-flow-log/*")},
    }
    service = {"Service": "vpc-flow-logs.amazonaws.com"}
    return document([_trust("FlowLogs", ["sts:AssumeRole"], service, condition)])
