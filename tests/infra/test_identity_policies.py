"""What the agent and a job may do, asked as requests: within the zone's rules, and not one step beside them."""

from __future__ import annotations

from typing import Any

import pytest

from infra.aws import policies, policies_trust
from infra.aws.policies import MANAGED_POLICY_BYTES, agent, execution, flow_logs, split, text
from tests.infra.documents import KEY, PLACE, decision, landing

JOB = PLACE.arn("sagemaker", "training-job/train-abc-1")
SUBMIT: dict[str, Any] = {
    "sagemaker:InstanceTypes": ["ml.m5.xlarge"],
    "sagemaker:VolumeKmsKey": KEY,
    "sagemaker:OutputKmsKey": KEY,
    "sagemaker:VpcSubnets": ["subnet-0a1b2c3d4e5f60718"],
    "sagemaker:VpcSecurityGroupIds": ["sg-0a1b2c3d4e5f60718"],
    "sagemaker:InterContainerTrafficEncryption": "true",
    "sagemaker:MaxRuntimeInSeconds": 3600,
}


def submit(changes: dict[str, Any], **zone: Any) -> str:
    """The decision on CreateTrainingJob; a value of None leaves the key out of the request."""
    context = {key: value for key, value in {**SUBMIT, **changes}.items() if value is not None}
    return decision(agent(landing(**zone)), "sagemaker:CreateTrainingJob", JOB, **context)


def test_the_agent_submits_a_job_within_the_rules() -> None:
    assert submit({}) == "allow"


def test_a_job_on_local_disks_names_no_volume_key() -> None:
    nvme = {"sagemaker:InstanceTypes": ["ml.p4d.24xlarge"]}
    assert submit({**nvme, "sagemaker:VolumeKmsKey": None}) == "allow"
    assert submit(nvme) == "none"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sagemaker:VolumeKmsKey", None),
        ("sagemaker:VolumeKmsKey", KEY.replace("1000", "2000")),
        ("sagemaker:OutputKmsKey", None),
        ("sagemaker:OutputKmsKey", KEY.replace("1000", "2000")),
        ("sagemaker:VpcSubnets", None),
        ("sagemaker:VpcSubnets", ["subnet-0a1b2c3d4e5f60718", "subnet-fffffffffffffffff"]),
        ("sagemaker:VpcSecurityGroupIds", None),
        ("sagemaker:VpcSecurityGroupIds", ["sg-fffffffffffffffff"]),
        ("sagemaker:InterContainerTrafficEncryption", "false"),
        ("sagemaker:InterContainerTrafficEncryption", None),
        ("sagemaker:MaxRuntimeInSeconds", 432_001),
        ("sagemaker:InstanceTypes", None),
        ("sagemaker:InstanceTypes", ["ml.m5.xlarge", "ml.unheard.xlarge"]),
    ],
)
def test_a_job_beside_the_rules_is_not_allowed(key: str, value: Any) -> None:
    assert submit({key: value}) == "none"


def test_an_allow_list_admits_only_its_types() -> None:
    only = {"ebs_types": ("ml.m5.xlarge",), "nvme_types": ()}
    assert submit({}, **only) == "allow"
    assert submit({"sagemaker:InstanceTypes": ["ml.m5.2xlarge"]}, **only) == "none"
    assert [s["Sid"] for s in agent(landing(**only))].count("SubmitNvme") == 0


def test_an_isolated_zone_takes_isolated_jobs_only() -> None:
    assert submit({}, network_isolation=True) == "none"
    assert submit({"sagemaker:NetworkIsolation": "true"}, network_isolation=True) == "allow"


def test_a_public_zone_asks_for_no_subnets() -> None:
    outside = {"sagemaker:VpcSubnets": None, "sagemaker:VpcSecurityGroupIds": None}
    assert submit(outside, vpc=False, subnets=(), security_groups=()) == "allow"


def test_tags_are_a_statement_of_their_own() -> None:
    assert decision(agent(landing()), "sagemaker:AddTags", JOB) == "allow"


def test_the_agent_passes_one_role_to_one_service() -> None:
    zone = landing()
    [passing] = [s for s in agent(zone) if "iam:PassRole" in s["Action"]]
    assert passing["Action"] == ["iam:PassRole"]
    assert passing["Resource"] == [zone.execution_role]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("sagemaker:StopTrainingJob", JOB),
        ("sagemaker:DescribeTrainingJob", JOB),
        ("sagemaker:ListTrainingJobs", "*"),
        ("logs:DescribeLogStreams", PLACE.log_group_arn("/aws/sagemaker/TrainingJobs")),
        (
            "logs:GetLogEvents",
            PLACE.log_group_arn("/aws/sagemaker/TrainingJobs") + ":log-stream:train-abc-1/algo-1",
        ),
        ("s3:GetObject", landing().output + "/job/output/model.tar.gz"),
        ("s3:ListBucket", landing().output),
        ("s3:GetObject", landing().data + "/code/0a1b.tar.gz"),
        ("kms:Decrypt", KEY),
    ],
)
def test_the_agent_watches_stops_and_fetches(action: str, resource: str) -> None:
    assert decision(agent(landing()), action, resource) == "allow"


def test_the_agent_adds_code_and_replaces_none() -> None:
    archive = landing().data + "/code/0a1b.tar.gz"
    new = {"s3:if-none-match": "*"}
    assert decision(agent(landing()), "s3:PutObject", archive, **new) == "allow"
    assert decision(agent(landing()), "s3:PutObject", archive) == "none"
    assert decision(agent(landing()), "s3:PutObject", landing().data + "/codes/x", **new) == "none"
    assert decision(agent(landing()), "s3:PutObject", landing().output + "/x", **new) == "none"


def test_the_agent_encrypts_code_and_nothing_else() -> None:
    for encrypted, expected in ((landing().data, "allow"), (landing().output, "none")):
        context = {"kms:EncryptionContext:aws:s3:arn": encrypted}
        assert decision(agent(landing()), "kms:GenerateDataKey", KEY, **context) == expected
    assert decision(agent(landing()), "kms:GenerateDataKey", KEY) == "none"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", landing().data + "/patients.csv"),
        ("s3:DeleteObject", landing().data + "/code/0a1b.tar.gz"),
        ("s3:ListBucket", landing().data),
        ("ecr:PutImage", landing().repository),
        ("ecr:DeleteRepository", landing().repository),
        ("sagemaker:DeleteTrainingJob", JOB),
        ("iam:PassRole", PLACE.role_arn("admin")),
        ("kms:ScheduleKeyDeletion", KEY),
        ("secretsmanager:GetSecretValue", PLACE.arn("secretsmanager", "secret:aws-euc1/key-AbCdEf")),
    ],
)
def test_the_agent_reads_no_data_and_changes_nothing_else(action: str, resource: str) -> None:
    assert decision(agent(landing()), action, resource) == "none"


def test_images_are_pushed_only_where_the_zone_says_so() -> None:
    repository = landing().repository
    assert decision(agent(landing(image_push=True)), "ecr:PutImage", repository) == "allow"


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:GetObject", landing().data + "/train/1.csv", "allow"),
        ("s3:PutObject", landing().data + "/train/1.csv", "none"),
        ("s3:PutObject", landing().output + "/job/model.tar.gz", "allow"),
        ("s3:DeleteObject", landing().output + "/job/model.tar.gz", "none"),
        ("s3:PutObject", landing().checkpoints + "/job/1", "allow"),
        ("s3:GetObject", "arn:aws:s3:::another-bucket/x", "none"),
        ("secretsmanager:GetSecretValue", PLACE.arn("secretsmanager", "secret:aws-euc1/wandb-AbCdEf"), "allow"),
        ("secretsmanager:GetSecretValue", PLACE.arn("secretsmanager", "secret:prod/db-AbCdEf"), "none"),
        ("sagemaker:CreateTrainingJob", JOB, "none"),
        ("iam:PassRole", landing().execution_role, "none"),
        ("ec2:CreateNetworkInterface", PLACE.arn("ec2", "subnet/subnet-0a1b2c3d4e5f60718"), "allow"),
        ("ec2:CreateNetworkInterface", PLACE.arn("ec2", "subnet/subnet-fffffffffffffffff"), "none"),
    ],
)
def test_a_job_reads_its_data_and_writes_its_results(action: str, resource: str, expected: str) -> None:
    assert decision(execution(landing()), action, resource) == expected


def test_a_grant_on_the_key_is_for_aws_itself() -> None:
    statements = execution(landing())
    assert decision(statements, "kms:CreateGrant", KEY, **{"kms:GrantIsForAWSResource": "true"}) == "allow"
    assert decision(statements, "kms:CreateGrant", KEY) == "none"


def test_no_statement_allows_every_action_of_a_service() -> None:
    every = [*agent(landing(image_push=True)), *execution(landing()), *policies.flow_logs(PLACE, "g")]
    assert [a for s in every for a in s["Action"] if "*" in a] == []


def test_every_statement_has_its_own_name() -> None:
    for statements in (agent(landing(image_push=True)), execution(landing())):
        sids = [s["Sid"] for s in statements]
        assert len(set(sids)) == len(sids)


def test_documents_are_split_below_the_size_of_a_managed_policy() -> None:
    for statements in (agent(landing(image_push=True)), execution(landing())):
        documents = split(statements)
        assert [s for d in documents for s in d["Statement"]] == statements
        assert all(len(text(d)) <= MANAGED_POLICY_BYTES for d in documents)


def test_many_types_make_more_policies_and_too_many_are_refused() -> None:
    statement = {"Sid": "S", "Effect": "Allow", "Action": ["x:Y"], "Resource": ["r" * 3000]}
    assert len(split([statement] * 4)) == 4
    with pytest.raises(ValueError, match="a role takes 10"):
        split([statement] * 11)
    with pytest.raises(ValueError, match="'S' alone"):
        split([{**statement, "Resource": ["r" * 7000]}])


def test_arns_follow_the_partition() -> None:
    from dataclasses import replace

    gov = replace(PLACE, region="us-gov-west-1", partition="aws-us-gov")
    for statements in (agent(landing(gov)), execution(landing(gov))):
        named = [r for s in statements for r in s["Resource"] if r.startswith("arn:") and r != KEY]
        assert named
        assert all(r.startswith("arn:aws-us-gov:") for r in named)


def test_sagemaker_becomes_the_execution_role_for_this_account_only() -> None:
    [statement] = policies_trust.execution(PLACE)["Statement"]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert statement["Action"] == ["sts:AssumeRole"]
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": PLACE.account}


def test_named_principals_become_the_agent_and_may_name_the_person_behind() -> None:
    [statement] = policies_trust.agent(["arn:aws:iam::123456789012:role/platform"], None)["Statement"]
    assert statement["Principal"] == {"AWS": ["arn:aws:iam::123456789012:role/platform"]}
    assert set(statement["Action"]) == {"sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"}


def test_tokens_become_the_agent_only_with_audience_and_subject() -> None:
    provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    issuer = "token.actions.githubusercontent.com"
    tokens = policies_trust.Tokens(provider, issuer, "sts.amazonaws.com", ("repo:acme/train:*",))
    [statement] = policies_trust.agent([], tokens)["Statement"]
    assert statement["Principal"] == {"Federated": provider}
    assert statement["Condition"] == {
        "StringEquals": {f"{issuer}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{issuer}:sub": ["repo:acme/train:*"]},
    }


def test_flow_logs_are_trusted_for_this_account_only() -> None:
    [statement] = policies_trust.flow_logs(PLACE)["Statement"]
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": PLACE.account}


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("logs:CreateLogStream", "/launchway/g:log-stream:eni-1", "allow"),
        ("logs:PutLogEvents", "/launchway/g:log-stream:eni-1", "allow"),
        ("logs:PutLogEvents", "/launchway/other:log-stream:eni-1", "none"),
        ("logs:DescribeLogStreams", "/launchway/g", "allow"),
        ("logs:DescribeLogGroups", ":log-stream:", "allow"),
        ("logs:CreateLogGroup", "/launchway/g", "none"),
    ],
)
def test_flow_logs_find_their_group_and_write_to_no_other(action: str, resource: str, expected: str) -> None:
    assert decision(flow_logs(PLACE, "/launchway/g"), action, PLACE.log_group_arn(resource)) == expected
