"""A job's own credentials on a local AWS: what they open, what they do not, and whose signature is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.aws.stage import REGION, TRUST, Stage

pytestmark = pytest.mark.wire
ACCOUNT = "123456789012"
READ, READ_PARAMETER = "secretsmanager:GetSecretValue", "ssm:GetParameter"


def allow(action: str, resource: str, effect: str = "Allow", **condition: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": effect, "Action": action, "Resource": resource}
    return made | ({"Condition": condition} if condition else {})


def secret(name: str) -> str:
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}"


def client(stage: Stage, service: str, *statements: dict[str, Any], key: str = "") -> Any:
    """A client of a new role with these rights, the last of them in a managed policy, the others in its own ones.

    `key` is another secret key than the role's.
    """
    iam, name = stage.client("iam"), f"reader-{len(stage.client('iam').list_roles()['Roles'])}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    *own, managed = (json.dumps({"Version": "2012-10-17", "Statement": [one]}) for one in statements)
    for number, document in enumerate(own):
        iam.put_role_policy(RoleName=name, PolicyName=f"rights-{number}", PolicyDocument=document)
    policy = iam.create_policy(PolicyName=name, PolicyDocument=managed)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    given = stage.client("sts").assume_role(RoleArn=role, RoleSessionName="job")["Credentials"]
    return stage.cloud.client(
        service,
        REGION,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=key or given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


@pytest.fixture(scope="module", autouse=True)
def secrets(made: Stage) -> None:
    store = made.cloud.client("secretsmanager", REGION)
    store.create_secret(Name="zone/token", SecretString="s3cret")
    store.create_secret(Name="zone/locked", SecretString="s3cret", KmsKeyId=made.key)
    store.create_secret(Name="other/token", SecretString="s3cret")
    made.cloud.client("ssm", REGION).put_parameter(Name="/zone/token", Value="s3cret", Type="SecureString")


def refused(reader: Any, **asked: str) -> str:
    read = reader.get_parameter if "Name" in asked else reader.get_secret_value
    with pytest.raises(ClientError) as caught:
        read(**asked)
    return str(caught.value)


def test_a_role_reads_what_one_of_its_policies_allows_and_nothing_else(stage: Stage) -> None:
    reader = client(stage, "secretsmanager", allow(READ, secret("zone/*")))
    assert reader.get_secret_value(SecretId="zone/token")["SecretString"] == "s3cret"
    told = refused(reader, SecretId="other/token")
    assert "AccessDeniedException" in told
    assert "job is not authorized to perform: secretsmanager:GetSecretValue on resource: other/token" in told
    assert "AccessDenied" in refused(reader, SecretId="not/there"), "whether it exists is not told"
    assert "ResourceNotFound" in refused(reader, SecretId="zone/not-there")


def test_an_explicit_deny_wins_and_a_condition_counts(stage: Stage) -> None:
    denied = client(stage, "secretsmanager", allow(READ, "*"), allow(READ, secret("zone/*"), "Deny"))
    assert "AccessDenied" in refused(denied, SecretId="zone/token")
    assert denied.get_secret_value(SecretId="other/token")["SecretString"] == "s3cret"
    narrow = allow(READ, "*", StringEquals={"aws:PrincipalAccount": "999999999999"})
    assert "AccessDenied" in refused(client(stage, "secretsmanager", narrow), SecretId="zone/token")


def test_a_key_of_the_customers_own_has_to_be_open_too(stage: Stage) -> None:
    read = allow(READ, secret("zone/*"))
    assert "Access to KMS is not allowed" in refused(client(stage, "secretsmanager", read), SecretId="zone/locked")
    via = {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}
    open_ = allow("kms:Decrypt", stage.key, StringEquals=via)
    assert client(stage, "secretsmanager", read, open_).get_secret_value(SecretId="zone/locked")["Name"]


def test_who_gives_a_secret_a_key_must_be_able_to_use_it(stage: Stage) -> None:
    create = allow("secretsmanager:CreateSecret", "*")
    asked = {"Name": "zone/keyed", "KmsKeyId": stage.key}
    with pytest.raises(ClientError, match="Access to KMS is not allowed"):
        client(stage, "secretsmanager", create).create_secret(**asked)
    proof = {
        "kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com",
        "kms:EncryptionContext:SecretVersionId": "RequestToValidateKeyAccess",
    }
    both = [allow(f"kms:{action}", stage.key, StringEquals=proof) for action in ("GenerateDataKey", "Decrypt")]
    with pytest.raises(ClientError, match="Access to KMS is not allowed"):
        client(stage, "secretsmanager", create, both[0]).create_secret(**asked)
    assert client(stage, "secretsmanager", create, *both).create_secret(**asked)["ARN"]


def test_a_secrets_own_policy_keeps_out_even_the_person(stage: Stage) -> None:
    store = stage.client("secretsmanager")
    arn = store.create_secret(Name="zone/ours", SecretString="s3cret")["ARN"]
    others = {"ArnNotEquals": {"aws:PrincipalArn": stage.role}}
    deny = {**allow(READ, "*", "Deny"), "Principal": "*", "Condition": others}
    store.put_resource_policy(
        SecretId=arn, ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    )
    assert "AccessDenied" in refused(store, SecretId="zone/ours")
    assert "AccessDenied" in refused(client(stage, "secretsmanager", allow("*", "*")), SecretId=arn)
    iam = stage.client("iam")
    rights = json.dumps({"Version": "2012-10-17", "Statement": [allow(READ, secret("zone/*"))]})
    iam.put_role_policy(RoleName=stage.role.rpartition("/")[2], PolicyName="reads", PolicyDocument=rights)
    job = stage.run(
        "import boto3",
        "print(boto3.client('secretsmanager').get_secret_value(SecretId='zone/ours')['SecretString'])",
    )
    assert stage.lines(job["TrainingJobName"]) == ["s3cret"]


def test_parameters_are_judged_by_their_own_action(stage: Stage) -> None:
    parameter = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/zone/*"
    reader = client(stage, "ssm", allow(READ_PARAMETER, parameter))
    found = reader.get_parameter(Name="/zone/token", WithDecryption=True)["Parameter"]["Value"]
    assert found == "s3cret"
    assert "AccessDenied" in refused(client(stage, "ssm", allow(READ, "*")), Name="/zone/token")


def test_a_signature_with_another_key_is_not_believed(stage: Stage) -> None:
    forged = client(stage, "secretsmanager", allow(READ, "*"), key="not-the-role-s-key")
    assert "InvalidSignatureException" in refused(forged, SecretId="zone/token")


def test_only_a_jobs_own_programs_are_given_its_credentials(stage: Stage) -> None:
    job = stage.run(
        "import os, json, urllib.error, urllib.request as u",
        "ask = lambda token: u.urlopen(u.Request(os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'],",
        "                                        headers={'Authorization': token}))",
        "given = json.load(ask(os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN']))",
        "print(given['RoleArn'].rpartition('/')[2], given['Expiration'][-1], 'AWS_ACCESS_KEY_ID' in os.environ)",
        "try: ask('guessed')",
        "except urllib.error.HTTPError as refused: print(refused.code)",
    )
    assert stage.lines(job["TrainingJobName"]) == ["execution Z False", "403"]
