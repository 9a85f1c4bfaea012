"""Policy statements as IAM reads them: what is named, what is excepted, what a condition asks for."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.aws.evaluation import ANYTHING, allowed, names

READ = "secretsmanager:GetSecretValue"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:zone/token-AbCdEf"
ROLE = "arn:aws:iam::123456789012:role/execution"
CONTEXT = {"aws:PrincipalArn": ROLE}


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": READ, "Resource": "*"} | elements


@pytest.mark.parametrize(
    ("one", "right"),
    [
        (statement(), True),
        (statement(Action="secretsmanager:get*"), True),
        (statement(Action=["s3:*", "SecretsManager:GetSecretValue"]), True),
        (statement(Action="secretsmanager:ListSecrets"), False),
        ({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, True),
        ({"Effect": "Allow", "NotAction": "secretsmanager:*", "Resource": "*"}, False),
        (statement(Resource="arn:aws:secretsmanager:*:*:secret:zone/*"), True),
        (statement(Resource="arn:aws:secretsmanager:*:*:secret:zone/token-??????"), True),
        (statement(Resource="arn:aws:secretsmanager:*:*:secret:zone"), False),
        ({"Effect": "Allow", "Action": "*", "NotResource": ARN}, False),
        (statement(Condition={"ArnEquals": {"aws:PrincipalArn": [ROLE, "x"]}}), True),
        (statement(Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/exec*"}}), True),
        (statement(Condition={"StringNotEquals": {"aws:PrincipalArn": ROLE}}), False),
        (statement(Condition={"StringNotLike": {"aws:PrincipalArn": "*other"}}), True),
        (statement(Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}}), False),
        (statement(Condition={"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}), True),
        (statement(Condition={"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}), False),
    ],
)
def test_a_statement_allows_what_it_names(one: dict[str, Any], right: bool) -> None:
    assert allowed([one], READ, ARN, CONTEXT) is right


def test_nothing_is_allowed_that_nobody_allows_or_somebody_denies() -> None:
    assert not allowed([], READ, ARN, CONTEXT)
    assert not allowed([ANYTHING, statement("Deny")], READ, ARN, CONTEXT)
    assert allowed([ANYTHING, statement("Deny", Resource="arn:aws:s3:::x")], READ, ARN, CONTEXT)


@pytest.mark.parametrize(
    ("principal", "right"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": ["x", ROLE]}, True),
        ({"AWS": "123456789012"}, True),
        ({"AWS": "arn:aws:iam::123456789012:root"}, True),
        ({"AWS": "arn:aws:iam::123456789012:role/other"}, False),
        ({"Service": "sagemaker.amazonaws.com"}, False),
    ],
)
def test_a_resources_own_policy_names_principals(principal: Any, right: bool) -> None:
    assert names(statement(Principal=principal), ROLE, "123456789012") is right
