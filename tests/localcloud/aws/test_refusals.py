"""CreateTrainingJob is judged by the vendor's own model and by the service's rules before anything starts."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import botocore.exceptions
import pytest
from botocore.config import Config

from tests.localcloud.aws.stage import Stage

pytestmark = pytest.mark.wire

CHANNEL = {
    "ChannelName": "train",
    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://stage/none"}},
}
SPOT = {"EnableManagedSpotTraining": True}
ACCOUNT_KEY = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-000000000000"
VPC = {"Subnets": ["subnet-00000000"], "SecurityGroupIds": ["sg-00000000"]}

# What is wrong, the change, and what the refusal says.
REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("a name with an underscore", {"TrainingJobName": "job_2"}, r"'trainingJobName'.*regular expression"),
    ("a name of 64 characters", {"TrainingJobName": "a" * 64}, "length less than or equal to 63"),
    ("a name that starts with a dash", {"TrainingJobName": "-a"}, r"'trainingJobName'.*regular expression"),
    ("an unknown instance type", {"ResourceConfig__InstanceType": "ml.nope"}, "enum value set"),
    ("no instance type", {"ResourceConfig__InstanceType": None}, "InstanceType and an InstanceCount"),
    ("no instances", {"ResourceConfig__InstanceCount": 0}, "InstanceCount of at least 1"),
    (
        "a volume missing where it is needed",
        {"ResourceConfig__VolumeSizeInGB": None},
        "VolumeSizeInGB is required",
    ),
    (
        "a volume key on an NVMe type",
        {"ResourceConfig__InstanceType": "ml.g5.xlarge", "ResourceConfig__VolumeKmsKeyId": ACCOUNT_KEY},
        "instance type with local storage",
    ),
    ("a volume key that is not there", {"ResourceConfig__VolumeKmsKeyId": ACCOUNT_KEY}, "does not exist"),
    ("an output key that is not there", {"OutputDataConfig__KmsKeyId": "alias/none"}, "alias/none .* not exist"),
    ("an environment value of 513", {"Environment": {"A": "x" * 513}}, r"'environment.A.*equal to 512"),
    ("an environment name with a dash", {"Environment": {"A-B": "x"}}, "environment.key.*regular expression"),
    ("101 variables", {"Environment": {f"A{n}": "" for n in range(101)}}, "'environment'.*equal to 100"),
    (
        "an argument with a line break",
        {"AlgorithmSpecification__ContainerArguments": ["a\nb"]},
        "regular expression",
    ),
    ("an argument of 257", {"AlgorithmSpecification__ContainerArguments": ["a" * 257]}, "equal to 256"),
    ("51 tags", {"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}, "'tags'.*equal to 50"),
    ("a tag key with a star", {"Tags": [{"Key": "a*", "Value": ""}]}, "tags.1.member.key.*regular expression"),
    ("a tag of AWS's own", {"Tags": [{"Key": "aws:a", "Value": ""}]}, "aws: prefixed"),
    ("two tags of one key", {"Tags": [{"Key": "a", "Value": v} for v in "12"]}, "Duplicate tag keys"),
    ("31 retries", {"RetryStrategy": {"MaximumRetryAttempts": 31}}, "value less than or equal to 30"),
    ("six security groups", {"VpcConfig": {**VPC, "SecurityGroupIds": ["sg-1"] * 6}}, "equal to 5"),
    ("a role that is not an ARN", {"RoleArn": "execution-role-of-mine"}, r"'roleArn'.*regular expression"),
    ("a role that is not there", {"RoleArn": "arn:aws:iam::123456789012:role/none"}, "Could not assume role"),
    ("a bucket of another cloud", {"OutputDataConfig__S3OutputPath": "gs://b/out"}, "regular expression"),
    (
        "an output bucket that is not there",
        {"OutputDataConfig__S3OutputPath": "s3://none/out"},
        "not exist in region",
    ),
    (
        "a checkpoint bucket that is not there",
        {"CheckpointConfig": {"S3Uri": "s3://none/c"}},
        "not exist in region",
    ),
    ("a channel without objects", {"InputDataConfig": [CHANNEL]}, "No S3 objects found under S3 URL"),
    ("an image of Docker Hub", {"AlgorithmSpecification__TrainingImage": "python:3.11"}, "Invalid image URI"),
    (
        "an image whose repository is not there",
        {"AlgorithmSpecification__TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/none:1"},
        "Cannot find repository: none in registry ID: 123456789012",
    ),
    ("no image at all", {"AlgorithmSpecification__TrainingImage": None}, "TrainingImage or AlgorithmName"),
    ("no algorithm", {"AlgorithmSpecification": None}, "TrainingImage or AlgorithmName"),
    ("spot without a limit on waiting", SPOT, "Invalid MaxWaitTimeInSeconds"),
    (
        "spot that waits shorter than it runs",
        {**SPOT, "StoppingCondition": {"MaxRuntimeInSeconds": 9, "MaxWaitTimeInSeconds": 8}},
        "greater than or equal to MaxRuntimeInSeconds",
    ),
    (
        "a limit on waiting without spot",
        {"StoppingCondition__MaxWaitTimeInSeconds": 90},
        "EnableManagedSpotTraining",
    ),
    (
        "a warm pool of spot machines",
        {
            **SPOT,
            "StoppingCondition__MaxWaitTimeInSeconds": 90,
            "ResourceConfig__KeepAlivePeriodInSeconds": 60,
        },
        "KeepAlivePeriodInSeconds is not supported",
    ),
    ("29 days", {"StoppingCondition": {"MaxRuntimeInSeconds": 29 * 86_400}}, "greater than 2419200"),
    ("a subnet that is not there", {"VpcConfig": VPC}, "subnet ID 'subnet-00000000' does not exist"),
]


@pytest.mark.parametrize(("change", "says"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS])
def test_the_service_refuses(stage: Stage, change: dict[str, Any], says: str) -> None:
    # What boto3 itself would refuse is left to the service too: other clients do not check.
    sagemaker = stage.client("sagemaker", config=Config(parameter_validation=False))
    request = stage.job(**change)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        sagemaker.create_training_job(**request)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert re.search(says, error["Message"])
    listed = sagemaker.list_training_jobs(MaxResults=100)["TrainingJobSummaries"]
    assert request["TrainingJobName"] not in [job["TrainingJobName"] for job in listed]


def test_every_broken_constraint_is_named_at_once(stage: Stage) -> None:
    sagemaker = stage.client("sagemaker", config=Config(parameter_validation=False))
    request = stage.job(TrainingJobName="a_b", RoleArn=None, ResourceConfig__InstanceType="ml.nope")
    with pytest.raises(botocore.exceptions.ClientError, match="3 validation errors detected") as caught:
        sagemaker.create_training_job(**request)
    message = caught.value.response["Error"]["Message"]
    assert "Value null at 'roleArn' failed to satisfy constraint: Member must not be null" in message


@pytest.mark.parametrize(
    "change",
    [
        {"ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1}},
        {"Tags": [{"Key": "größe", "Value": "日本 語/1@x"}]},
        {"AlgorithmSpecification__ContainerArguments": ["--text", "a b 'c' \"d\" ü"]},
        {"ResourceConfig__KeepAlivePeriodInSeconds": 0},
    ],
    ids=["NVMe without a volume", "tags of any script", "arguments of any text", "no warm pool"],
)
def test_the_service_takes(stage: Stage, change: dict[str, Any]) -> None:
    assert stage.run(**change)["TrainingJobStatus"] == "Completed"


def test_a_name_is_taken_for_ever_unless_its_job_is_deleted(stage: Stage) -> None:
    sagemaker = stage.client("sagemaker")
    request = stage.job()
    sagemaker.create_training_job(**request)
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="must be unique"):
        sagemaker.create_training_job(**request)
    stage.ended(request["TrainingJobName"])
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        sagemaker.create_training_job(**request)
    sagemaker.delete_training_job(TrainingJobName=request["TrainingJobName"])
    sagemaker.create_training_job(**request)
    assert stage.ended(request["TrainingJobName"])["TrainingJobStatus"] == "Completed"


def test_a_missing_job_has_the_codes_of_the_real_service(stage: Stage) -> None:
    sagemaker = stage.client("sagemaker")
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        sagemaker.describe_training_job(TrainingJobName="none")
    assert caught.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "Requested resource not found.",
    }
    for call in (sagemaker.stop_training_job, sagemaker.delete_training_job):
        with pytest.raises(sagemaker.exceptions.ResourceNotFound, match=r"Requested resource not found\."):
            call(TrainingJobName="none")


def test_what_is_not_emulated_says_so(stage: Stage) -> None:
    sagemaker = stage.client("sagemaker", config=Config(retries={"total_max_attempts": 1}))
    request = stage.job(AlgorithmSpecification__TrainingInputMode="Pipe", InputDataConfig=[CHANNEL])
    with pytest.raises(botocore.exceptions.ClientError, match="does not emulate Pipe mode"):
        sagemaker.create_training_job(**request)
    name = stage.run()["TrainingJobName"]
    with pytest.raises(botocore.exceptions.ClientError, match="does not emulate UpdateTrainingJob"):
        sagemaker.update_training_job(TrainingJobName=name)


def test_tags_are_added_listed_and_removed(stage: Stage) -> None:
    sagemaker = stage.client("sagemaker")
    arn = stage.run(Tags=[{"Key": "a", "Value": "1"}])["TrainingJobArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}, {"Key": "b", "Value": "2"}]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]


def test_jobs_are_found_by_tag(stage: Stage) -> None:
    name = stage.run(Tags=[{"Key": "owner", "Value": "me"}])["TrainingJobName"]
    stage.run(Tags=[{"Key": "owner", "Value": "you"}])
    found = stage.client("sagemaker").search(
        Resource="TrainingJob",
        SearchExpression={"Filters": [{"Name": "Tags.owner", "Operator": "Equals", "Value": "me"}]},
    )
    assert [entry["TrainingJob"]["TrainingJobName"] for entry in found["Results"]] == [name]


def test_lists_are_filtered_sorted_and_paged(stage: Stage) -> None:
    names = [f"list-{letter}" for letter in "cabed"]
    sagemaker = stage.client("sagemaker")
    for name in names:
        sagemaker.create_training_job(**stage.job(TrainingJobName=name))
    for name in names:
        stage.ended(name)
    sagemaker.create_training_job(**stage.job("raise SystemExit(1)", TrainingJobName="list-x"))
    stage.ended("list-x")

    def listed(**options: Any) -> list[str]:
        pages = sagemaker.get_paginator("list_training_jobs").paginate(
            NameContains="list-", PaginationConfig={"PageSize": 2}, **options
        )
        return [entry["TrainingJobName"] for page in pages for entry in page["TrainingJobSummaries"]]

    assert listed() == ["list-x", *reversed(names)]
    assert listed(SortBy="Name", SortOrder="Ascending", StatusEquals="Completed") == sorted(names)
    created = sagemaker.describe_training_job(TrainingJobName="list-b")["CreationTime"]
    assert listed(CreationTimeAfter=created + timedelta(days=1)) == []
    assert listed(CreationTimeBefore=created + timedelta(days=1), LastModifiedTimeAfter=created.replace(year=2000))
    assert listed(StatusEquals="Failed") == ["list-x"]


def test_a_region_knows_only_its_own_jobs(stage: Stage) -> None:
    name = stage.run()["TrainingJobName"]
    other = stage.cloud.client("sagemaker", "eu-central-1")
    assert other.list_training_jobs()["TrainingJobSummaries"] == []
    with pytest.raises(botocore.exceptions.ClientError, match="Requested resource not found"):
        other.describe_training_job(TrainingJobName=name)
