"""Secrets Manager and Parameter Store without a network: as whom, signed, where, and every refusal in a line."""

from __future__ import annotations

import base64
import json
import re

import pytest

from dispatcher.runtime.secrets.world import WAITS
from tests.dispatcher.runtime.clouds import (
    AWS,
    CONTAINER,
    INSTANCE,
    PARAMETERS,
    ROLE,
    SECRETS,
    VALUE,
    aws,
    held,
    job,
    net,
    said,
)


def test_a_secret_is_asked_for_with_a_signature_of_the_jobs_role() -> None:
    there = aws(held())
    keys = {"AWS_ACCESS_KEY_ID": "AKIAOTHER", "AWS_SECRET_ACCESS_KEY": "x"}
    there.get(job("aws-sm://zone/hf", AWS, keys))
    (call,) = there.asked(SECRETS)
    assert call.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=ASIAJOB/20270115/eu-central-1/")
    assert call.headers["X-Amz-Security-Token"] == "session"
    assert call.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
    assert json.loads(call.body or b"") == {"SecretId": "zone/hf"}
    assert not call.direct, "the store may be behind a proxy"
    assert there.calls[0].direct, "metadata never is"


def test_credentials_are_asked_for_once_whatever_the_number_of_secrets() -> None:
    there = aws(held())
    there.get({**AWS, **{f"DISPATCH_SECRET_{name}": f"aws-sm://zone/{name}" for name in ("a", "b", "c")}})
    assert len(there.asked(CONTAINER)) == 1


def test_a_field_of_a_secret_is_text_as_it_stands_there() -> None:
    document = json.dumps({"user": "ada", "port": 5432, "on": True})
    assert aws(held(document)).get(job("aws-sm://zone/db#user", AWS))["HF"] == "ada"
    assert aws(held(document)).get(job("aws-sm://zone/db#port", AWS))["HF"] == "5432"
    line = aws(held(json.dumps({"user": VALUE}))).refuse(job("aws-sm://zone/db#pass", AWS))
    assert "its value has no field pass" in line
    assert "no JSON" in aws(held()).refuse(job("aws-sm://zone/db#pass", AWS))


def test_a_whole_arn_is_read_in_its_own_region() -> None:
    arn = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:zone/hf-AbCdEf"
    there = aws(held(), url="https://secretsmanager.cn-north-1.amazonaws.com.cn/")
    assert there.get(job(f"aws-sm://{arn}", AWS))["HF"] == VALUE
    assert "/cn-north-1/secretsmanager/" in there.calls[-1].headers["Authorization"]


def test_a_parameter_is_decrypted_by_the_store() -> None:
    there = aws(said(200, {"Parameter": {"Value": VALUE}}), url=PARAMETERS)
    assert there.get(job("ssm:///prod/hf", AWS))["HF"] == VALUE
    assert json.loads(there.calls[-1].body or b"") == {"Name": "/prod/hf", "WithDecryption": True}


def test_binary_secrets_are_text_or_refused() -> None:
    text = said(200, {"SecretBinary": base64.b64encode(VALUE.encode()).decode()})
    assert aws(text).get(job("aws-sm://zone/hf", AWS))["HF"] == VALUE
    noise = said(200, {"SecretBinary": base64.b64encode(b"\xff\xfe").decode()})
    assert "is binary" in aws(noise).refuse(job("aws-sm://zone/hf", AWS))
    assert "zero byte" in aws(held("a\0b")).refuse(job("aws-sm://zone/hf", AWS))


DENIED = (
    "User: arn:aws:sts::123456789012:assumed-role/execution/SageMaker is not authorized to perform: "
    "secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-central-1:123456789012:secret:zone/hf-A"
)
AWS_REFUSALS = [
    ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", "there is no such secret"),
    (
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
        "no value yet .*: aws secretsmanager put-secret-value --secret-id zone/hf",
    ),
    (
        "AccessDeniedException",
        DENIED,
        "denied .*the job's role needs secretsmanager:GetSecret",
    ),
    ("InvalidRequestException", "it was marked for deletion", r"refused \(InvalidRequestException it was marked"),
]


@pytest.mark.parametrize(("code", "message", "told"), AWS_REFUSALS)
def test_what_aws_refuses_is_one_line_with_a_remedy(code: str, message: str, told: str) -> None:
    there = aws(said(400, {"__type": f"com.amazonaws#{code}", "Message": f"{message}\n\x1b[31m"}))
    line = there.refuse(job("aws-sm://zone/hf", AWS))
    assert line.startswith("secret HF (aws-sm://zone/hf): ")
    assert there.naps == [], "nothing passes by itself here: the job fails at once"
    assert re.search(told, line), line


def test_a_missing_parameter_is_called_one() -> None:
    there = aws(said(400, {"__type": "ParameterNotFound"}), url=PARAMETERS)
    assert "there is no such parameter" in there.refuse(job("ssm:///prod/hf", AWS))


def test_throttling_and_broken_servers_are_waited_for_and_then_told() -> None:
    busy = said(400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
    there = aws(busy, said(500, b""), held())
    assert there.get(job("aws-sm://zone/hf", AWS))["HF"] == VALUE
    assert there.naps == list(WAITS[:2])
    there = aws(busy)
    assert "ThrottlingException Rate exceeded" in there.refuse(job("aws-sm://zone/hf", AWS))
    assert there.naps == list(WAITS)


def test_a_store_that_the_network_does_not_reach_is_told_with_its_host() -> None:
    line = net({CONTAINER: said(200, ROLE)}).refuse(job("aws-sm://zone/hf", AWS))
    assert "secretsmanager.eu-central-1.amazonaws.com cannot be reached" in line
    assert line.endswith("a private endpoint or NAT")


def test_without_a_container_endpoint_the_instance_is_asked_for_its_role() -> None:
    there = net(
        {
            f"{INSTANCE}api/token": said(200, b"session-token"),
            f"{INSTANCE}meta-data/iam/security-credentials/": said(200, b"execution\n"),
            f"{INSTANCE}meta-data/iam/security-credentials/execution": said(200, ROLE),
            SECRETS: held(),
        }
    )
    assert there.get(job("aws-sm://zone/hf", {"AWS_REGION": "eu-central-1"}))["HF"] == VALUE
    first, *others = there.calls[:3]
    assert (first.method, dict(first.headers)) == ("PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "300"})
    assert all(call.headers == {"X-aws-ec2-metadata-token": "session-token"} for call in others)


def test_an_isolated_container_is_told_of_in_the_line() -> None:
    off = {"AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true"}
    assert "no credentials of AWS" in net({}).refuse(job("aws-sm://zone/hf", off))
    assert "isolated" in net({}).refuse(job("aws-sm://zone/hf", {"AWS_REGION": "eu-central-1"}))
    assert "which region" in aws(held()).refuse(job("aws-sm://a/b", {**AWS, "DISPATCH_REGION": ""}))


def test_the_token_of_a_container_endpoint_goes_nowhere_but_to_one() -> None:
    far = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://198.51.100.7/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "t"}
    there = net({})
    assert "no metadata endpoint" in there.refuse(job("aws-sm://zone/hf", far, {"AWS_REGION": "us-east-1"}))
    assert there.calls == []


def test_an_endpoint_of_the_jobs_own_does_not_see_what_is_asked_here() -> None:
    own = {"AWS_ENDPOINT_URL": "https://minio.example.org"}
    assert aws(held()).get(job("aws-sm://zone/hf", AWS, own))["HF"] == VALUE
    local = {"AWS_ENDPOINT_URL": "http://127.0.0.1:5000"}
    there = aws(held(), url="http://127.0.0.1:5000/")
    assert there.get(job("aws-sm://zone/hf", AWS, local))["HF"] == VALUE
