"""What moto alone gets wrong and localcloud gets right, asked as the AWS provider asks it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import botocore.exceptions
import pytest

from tests.localcloud.aws.stage import REGION, Stage

pytestmark = pytest.mark.wire

ACCOUNT = "123456789012"
DELIVERY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::gap-logs/*"},
        {
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::gap-logs/*",
        },
    ],
}


def test_a_bucket_keeps_the_tags_it_was_made_with(stage: Stage) -> None:
    s3 = stage.client("s3")
    s3.create_bucket(Bucket="gap-tags", CreateBucketConfiguration={"Tags": [{"Key": "owner", "Value": "me"}]})
    assert s3.get_bucket_tagging(Bucket="gap-tags")["TagSet"] == [{"Key": "owner", "Value": "me"}]


def test_access_logs_go_to_a_bucket_whose_policy_also_denies_everyone(stage: Stage) -> None:
    s3 = stage.client("s3")
    for name in ("gap-logs", "gap-source"):
        s3.create_bucket(Bucket=name)
    target = {"LoggingEnabled": {"TargetBucket": "gap-logs", "TargetPrefix": "x/"}}
    with pytest.raises(botocore.exceptions.ClientError):
        s3.put_bucket_logging(Bucket="gap-source", BucketLoggingStatus=target)
    s3.put_bucket_policy(Bucket="gap-logs", Policy=json.dumps(DELIVERY))
    s3.put_bucket_logging(Bucket="gap-source", BucketLoggingStatus=target)
    assert s3.get_bucket_logging(Bucket="gap-source")["LoggingEnabled"] == target["LoggingEnabled"]


def test_a_budget_has_tags_and_subscribers(stage: Stage) -> None:
    budgets = stage.client("budgets")
    notification = {
        "NotificationType": "ACTUAL",
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": 80.0,
        "ThresholdType": "PERCENTAGE",
    }
    subscribers = [{"SubscriptionType": "EMAIL", "Address": "a@example.org"}]
    budgets.create_budget(
        AccountId=ACCOUNT,
        Budget={
            "BudgetName": "month",
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": "100", "Unit": "USD"},
        },
        NotificationsWithSubscribers=[{"Notification": notification, "Subscribers": subscribers}],
        ResourceTags=[{"Key": "owner", "Value": "me"}],
    )
    arn = f"arn:aws:budgets::{ACCOUNT}:budget/month"
    budgets.tag_resource(ResourceARN=arn, ResourceTags=[{"Key": "more", "Value": "1"}])
    budgets.untag_resource(ResourceARN=arn, ResourceTagKeys=["owner"])
    assert budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"] == [{"Key": "more", "Value": "1"}]
    found = budgets.describe_subscribers_for_notification(
        AccountId=ACCOUNT, BudgetName="month", Notification=notification
    )
    assert found["Subscribers"] == subscribers


def test_a_trail_is_deleted_by_its_arn(stage: Stage) -> None:
    stage.client("s3").create_bucket(Bucket="gap-trail")
    cloudtrail = stage.client("cloudtrail")
    arn = cloudtrail.create_trail(Name="gap", S3BucketName="gap-trail")["TrailARN"]
    cloudtrail.delete_trail(Name=arn)
    assert cloudtrail.describe_trails(trailNameList=["gap"])["trailList"] == []


def test_a_deleted_secret_keeps_its_name_for_its_recovery_window(stage: Stage) -> None:
    secrets = stage.client("secretsmanager")
    secrets.create_secret(Name="gap/reserved", SecretString="x")
    secrets.delete_secret(SecretId="gap/reserved", RecoveryWindowInDays=7)
    with pytest.raises(secrets.exceptions.InvalidRequestException, match="scheduled for deletion"):
        secrets.create_secret(Name="gap/reserved", SecretString="y")
    secrets.create_secret(Name="gap/free", SecretString="x")
    secrets.delete_secret(SecretId="gap/free", ForceDeleteWithoutRecovery=True)
    secrets.create_secret(Name="gap/free", SecretString="y")


def test_a_key_waits_to_be_deleted_and_its_alias_is_free(stage: Stage) -> None:
    kms = stage.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/gap", TargetKeyId=key)
    kms.delete_alias(AliasName="alias/gap")
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    kms.create_alias(AliasName="alias/gap", TargetKeyId=stage.key)
    request = stage.job(OutputDataConfig__KmsKeyId=key)
    with pytest.raises(botocore.exceptions.ClientError, match="is PendingDeletion"):
        stage.client("sagemaker").create_training_job(**request)


def test_names_of_buckets_repositories_and_roles_are_free_after_deletion(stage: Stage) -> None:
    s3, ecr, iam = stage.client("s3"), stage.client("ecr"), stage.client("iam")
    for _ in range(2):
        s3.create_bucket(Bucket="gap-again")
        s3.delete_bucket(Bucket="gap-again")
        ecr.create_repository(repositoryName="gap-again")
        ecr.delete_repository(repositoryName="gap-again")
        iam.create_role(
            RoleName="gap-again", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}'
        )
        iam.delete_role(RoleName="gap-again")


def test_s3_control_answers_through_the_server_as_a_proxy(stage: Stage) -> None:
    control = stage.client("s3control")
    block = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    control.put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=block)
    found = control.get_public_access_block(AccountId=ACCOUNT)["PublicAccessBlockConfiguration"]
    assert found == block
    seen = stage.cloud.requests("s3control")
    assert [entry["operation"] for entry in seen] == ["PutPublicAccessBlock", "GetPublicAccessBlock"]


def test_metadata_names_keep_their_underscores_and_keys_their_characters(stage: Stage) -> None:
    s3 = stage.client("s3")
    s3.put_object(Bucket=stage.bucket, Key="a b+ü/%41", Body=b"x" * 3_000_000, Metadata={"some_name": "1"})
    found = s3.get_object(Bucket=stage.bucket, Key="a b+ü/%41")
    assert found["Metadata"] == {"some_name": "1"}
    assert len(found["Body"].read()) == 3_000_000


def test_a_web_page_that_points_its_name_here_is_not_served(stage: Stage) -> None:
    request = urllib.request.Request(
        stage.cloud.url, b"{}", {"Host": "evil.example:80", "X-Amz-Target": "SageMaker.ListTrainingJobs"}
    )
    with pytest.raises(urllib.error.HTTPError, match="421"):
        urllib.request.urlopen(request)


def test_a_deny_with_a_condition_does_not_deny_everything_and_a_plain_one_does(stage: Stage) -> None:
    s3 = stage.client("s3")
    s3.create_bucket(Bucket="gap-denied")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::gap-denied/*"}
    tls = {**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    for statement in (tls, deny):
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        s3.put_bucket_policy(Bucket="gap-denied", Policy=json.dumps(policy))
        if statement is tls:
            s3.put_object(Bucket="gap-denied", Key="x", Body=b"x")
            assert s3.get_object(Bucket="gap-denied", Key="x")["Body"].read() == b"x"
    with pytest.raises(botocore.exceptions.ClientError, match="403"):
        s3.put_object(Bucket="gap-denied", Key="y", Body=b"y")


def test_a_key_made_without_saying_for_what_is_for_encryption(stage: Stage) -> None:
    kms = stage.client("kms")
    made = kms.create_key()["KeyMetadata"]
    described = kms.describe_key(KeyId=made["Arn"])["KeyMetadata"]
    assert made["KeyUsage"] == described["KeyUsage"] == "ENCRYPT_DECRYPT"
    assert described["EncryptionAlgorithms"] == ["SYMMETRIC_DEFAULT"]
    assert "SigningAlgorithms" not in described


def test_an_endpoint_made_without_saying_its_type_is_a_gateway(stage: Stage) -> None:
    ec2 = stage.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3")["VpcEndpoint"]
    assert made["VpcEndpointType"] == "Gateway"


def test_every_rule_of_a_security_group_says_what_it_is_for(stage: Stage) -> None:
    ec2 = stage.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.70.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(VpcId=vpc, GroupName="gap", Description="rules")["GroupId"]
    among = {"UserIdGroupPairs": [{"GroupId": group, "Description": "among"}]}
    away = {"PrefixListIds": [{"PrefixListId": "pl-0a1b2c3d", "Description": "away"}]}
    near = {"IpRanges": [{"CidrIp": "10.70.0.0/16", "Description": "near"}]}
    for rule in (among, away, near):
        ec2.authorize_security_group_egress(
            GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **rule}]
        )
    of = [{"Name": "group-id", "Values": [group]}]
    rules = ec2.describe_security_group_rules(Filters=of)["SecurityGroupRules"]
    assert {rule.get("Description") for rule in rules if rule["IpProtocol"] == "tcp"} == {"among", "away", "near"}
