"""Every fault on demand, as boto3 sees it; among them the wire lane's list of bad days."""

from __future__ import annotations

import json
import time
from typing import Any

import botocore.exceptions
import pytest
from botocore.config import Config

from localcloud.control import ControlError
from tests.localcloud.aws.stage import REGION, TRUST, Stage

pytestmark = pytest.mark.wire

ONCE = Config(retries={"total_max_attempts": 1})


def code(error: pytest.ExceptionInfo[botocore.exceptions.ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_throttled_twice_then_served(stage: Stage) -> None:
    stage.cloud.fault("throttle", operation="CreateTrainingJob", times=2)
    answer = stage.client("sagemaker").create_training_job(**(request := stage.job()))
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    seen = stage.cloud.requests("sagemaker", "CreateTrainingJob")
    assert [(entry["status"], entry["fault"]) for entry in seen] == [
        (400, "throttle"),
        (400, "throttle"),
        (200, None),
    ]
    assert seen[-1]["parameters"] == request


def test_a_client_that_does_not_retry_sees_the_throttling(stage: Stage) -> None:
    stage.cloud.fault("throttle", operation="DescribeTrainingJob")
    with pytest.raises(botocore.exceptions.ClientError, match="Rate exceeded") as caught:
        stage.client("sagemaker", config=ONCE).describe_training_job(TrainingJobName="x")
    assert code(caught) == "ThrottlingException"


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ({}, "'ml.m5.large for training job usage' is 0 Instances"),
        (
            {
                "EnableManagedSpotTraining": True,
                "StoppingCondition": {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1},
                "ResourceConfig__InstanceCount": 2,
            },
            "'ml.m5.large for spot training job usage' is 0 Instances, with current utilization of 0 Instances "
            "and a request delta of 2 Instances",
        ),
    ],
    ids=["on demand", "spot"],
)
def test_a_quota_is_named(stage: Stage, change: dict[str, Any], limit: str) -> None:
    stage.cloud.fault("quota")
    sagemaker = stage.client("sagemaker")
    with pytest.raises(sagemaker.exceptions.ResourceLimitExceeded) as caught:
        sagemaker.create_training_job(**stage.job(**change))
    assert limit in str(caught.value)


def test_no_capacity_fails_the_job_later(stage: Stage) -> None:
    stage.cloud.fault("capacity", seconds=0.1)
    job = stage.run()
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("CapacityError: Unable to provision requested ML compute capacity")
    assert "TrainingStartTime" not in job


def test_an_internal_error_has_no_effect(stage: Stage) -> None:
    stage.cloud.fault("5xx", operation="CreateTrainingJob")
    sagemaker = stage.client("sagemaker", config=ONCE)
    request = stage.job()
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        sagemaker.create_training_job(**request)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    sagemaker.create_training_job(**request)


def test_a_reset_connection_has_no_effect(stage: Stage) -> None:
    stage.cloud.fault("reset", operation="CreateTrainingJob")
    sagemaker = stage.client("sagemaker", config=ONCE)
    request = stage.job()
    with pytest.raises(botocore.exceptions.HTTPClientError):
        sagemaker.create_training_job(**request)
    sagemaker.create_training_job(**request)


def test_a_lost_answer_leaves_the_effect(stage: Stage) -> None:
    stage.cloud.fault("lost", operation="CreateTrainingJob")
    sagemaker = stage.client("sagemaker", config=ONCE)
    request = stage.job()
    with pytest.raises(botocore.exceptions.HTTPClientError):
        sagemaker.create_training_job(**request)
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        sagemaker.create_training_job(**request)


def test_a_retry_after_a_lost_answer_meets_its_own_job(stage: Stage) -> None:
    stage.cloud.fault("lost", operation="CreateTrainingJob")
    sagemaker = stage.client("sagemaker")
    with pytest.raises(sagemaker.exceptions.ResourceInUse) as caught:
        sagemaker.create_training_job(**stage.job())
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 1


def test_a_slow_answer_comes(stage: Stage) -> None:
    stage.cloud.fault("slow", operation="ListTrainingJobs", seconds=0.3)
    began = time.monotonic()
    stage.client("sagemaker").list_training_jobs()
    assert time.monotonic() - began >= 0.3


def test_a_slower_answer_than_the_client_waits_for_is_a_timeout(stage: Stage) -> None:
    stage.cloud.fault("slow", operation="ListTrainingJobs", seconds=1)
    hasty = Config(read_timeout=0.2, retries={"total_max_attempts": 1})
    with pytest.raises(botocore.exceptions.ReadTimeoutError):
        stage.client("sagemaker", config=hasty).list_training_jobs()


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("sagemaker", "list_training_jobs", "ExpiredTokenException"),
        ("s3", "list_buckets", "ExpiredToken"),
        ("iam", "list_roles", "ExpiredToken"),
        ("ec2", "describe_vpcs", "RequestExpired"),
        ("logs", "describe_log_groups", "ExpiredTokenException"),
    ],
)
def test_credentials_expire_in_every_protocol(stage: Stage, service: str, operation: str, expected: str) -> None:
    stage.cloud.fault("expired", service=service)
    client = stage.client(service)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        getattr(client, operation)()
    assert code(caught) == expected
    getattr(client, operation)()


def test_a_new_role_cannot_be_assumed_for_a_while(stage: Stage) -> None:
    # Clients first: making them takes a while, and the role is young for two seconds only.
    iam, sagemaker, sts = stage.client("iam"), stage.client("sagemaker"), stage.client("sts")
    stage.cloud.fault("denied", operation="CreateTrainingJob", seconds=2, times=None)
    stage.cloud.fault("denied", service="sts", operation="AssumeRole", seconds=2, times=None)
    role = iam.create_role(RoleName="young", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    with pytest.raises(botocore.exceptions.ClientError, match="Could not assume role") as caught:
        sagemaker.create_training_job(**stage.job(RoleArn=role))
    assert code(caught) == "ValidationException"
    with pytest.raises(botocore.exceptions.ClientError, match=f"sts:AssumeRole on resource: {role}") as caught:
        sts.assume_role(RoleArn=role, RoleSessionName="me")
    assert code(caught) == "AccessDenied"
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            sts.assume_role(RoleArn=role, RoleSessionName="me")
            break
        except botocore.exceptions.ClientError:
            time.sleep(0.2)
    sagemaker.create_training_job(**stage.job(RoleArn=role))


def test_access_is_denied_naming_the_action(stage: Stage) -> None:
    stage.cloud.fault("denied", operation="CreateTrainingJob")
    with pytest.raises(botocore.exceptions.ClientError, match="perform: sagemaker:CreateTrainingJob") as caught:
        stage.client("sagemaker").create_training_job(**stage.job())
    assert code(caught) == "AccessDeniedException"


def test_a_job_cannot_be_described_just_after_its_creation(stage: Stage) -> None:
    stage.cloud.fault("missing", operation="DescribeTrainingJob")
    sagemaker = stage.client("sagemaker")
    request = stage.job()
    sagemaker.create_training_job(**request)
    with pytest.raises(botocore.exceptions.ClientError, match="Requested resource not found") as caught:
        sagemaker.describe_training_job(TrainingJobName=request["TrainingJobName"])
    assert code(caught) == "ValidationException"
    sagemaker.describe_training_job(TrainingJobName=request["TrainingJobName"])


def test_a_list_lags_behind_a_creation(stage: Stage) -> None:
    stage.cloud.fault("lagging")
    sagemaker = stage.client("sagemaker")
    name = stage.run()["TrainingJobName"]
    assert sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"] == []
    assert len(sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"]) == 1


def test_a_name_can_be_reserved(stage: Stage) -> None:
    stage.cloud.fault("reserved", service="s3", operation="CreateBucket", match={"Bucket": "again*"})
    s3 = stage.client("s3", config=ONCE)
    s3.create_bucket(Bucket="first")
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        s3.create_bucket(Bucket="again-1")
    assert code(caught) == "OperationAborted"


def test_any_error_can_be_asked_for(stage: Stage) -> None:
    fault = {"service": "ecr", "operation": "DescribeRepositories", "code": "ServerException", "message": "sorry"}
    stage.cloud.fault("error", status=500, **fault)
    with pytest.raises(botocore.exceptions.ClientError, match="sorry") as caught:
        stage.client("ecr", config=ONCE).describe_repositories()
    assert code(caught) == "ServerException"


def test_faults_are_listed_and_taken_back(stage: Stage) -> None:
    number = stage.cloud.fault("throttle", service="s3", times=None)
    assert [(fault["id"], fault["kind"], fault["left"]) for fault in stage.cloud.faults()] == [
        (number, "throttle", None)
    ]
    stage.cloud.clear()
    assert stage.cloud.faults() == []
    stage.client("s3", config=ONCE).list_buckets()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"kind": "nope"}, "unknown kind 'nope'"),
        ({"kind": "throttle", "when": "now"}, "unknown field 'when'"),
        (
            {"kind": "quota", "service": "s3"},
            "quota is a fault of sagemaker, aiplatform, machinelearningservices only",
        ),
        ({"kind": "error"}, "error needs a code"),
        ({"kind": "slow", "times": 0}, "times is at least 1"),
        ({"kind": "interrupt", "told": "so"}, "told is empty or exit"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(stage: Stage, fault: dict[str, Any], says: str) -> None:
    with pytest.raises(ControlError, match=says):
        stage.cloud.fault(**fault)


def test_the_record_knows_operations_of_every_protocol(stage: Stage) -> None:
    s3 = stage.client("s3")
    s3.put_bucket_versioning(Bucket=stage.bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=stage.bucket, Key="a/b c", Body=b"")
    s3.copy_object(Bucket=stage.bucket, Key="d", CopySource={"Bucket": stage.bucket, "Key": "a/b c"})
    s3.list_objects_v2(Bucket=stage.bucket)
    stage.client("iam").list_roles(PathPrefix="/x/")
    stage.client("ec2").describe_vpcs(VpcIds=[])
    stage.client("logs").describe_log_groups(limit=1)
    seen = [(entry["service"], entry["operation"]) for entry in stage.cloud.requests()]
    assert seen == [
        ("s3", "PutBucketVersioning"),
        ("s3", "PutObject"),
        ("s3", "CopyObject"),
        ("s3", "ListObjectsV2"),
        ("iam", "ListRoles"),
        ("ec2", "DescribeVpcs"),
        ("logs", "DescribeLogGroups"),
    ]
    assert stage.cloud.requests("s3", "PutObject")[0]["parameters"]["Key"] == "a/b c"
    assert stage.cloud.requests("iam")[0]["parameters"]["PathPrefix"] == "/x/"
    assert {entry["region"] for entry in stage.cloud.requests("s3")} == {REGION}
