"""IAM documents of identities as plain Python: execution role, agent role, flow logs. No Pulumi in here.

Actions and conditions follow the AWS service authorization reference; what a training job's role needs is
AWS's own minimum for CreateTrainingJob with a VPC and customer-managed keys (sagemaker-roles.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dispatcher.contract import CODE_FOLDER
from infra.aws.place import Place

Statement = dict[str, Any]
Document = dict[str, Any]

MANAGED_POLICY_BYTES = 6144  # an IAM quota; white space does not count
POLICIES_PER_ROLE = 10
TRAINING_LOGS = "/aws/sagemaker/TrainingJobs"
SAGEMAKER = "sagemaker.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Landing:
    """What the identity documents speak of, as ARNs and names of one zone; `vpc` when jobs run in subnets."""

    place: Place
    data: str
    output: str
    checkpoints: str
    data_key: str
    repository: str
    execution_role: str
    secrets: str
    vpc: bool
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    ebs_types: tuple[str, ...]
    nvme_types: tuple[str, ...]
    max_runtime: int
    network_isolation: bool = False
    image_push: bool = False


def document(statements: Iterable[Statement]) -> Document:
    """Wrap statements in a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def text(value: Document) -> str:
    """The document as IAM counts it: no white space."""
    return json.dumps(value, separators=(",", ":"))


def allow(sid: str, actions: str | Sequence[str], resources: str | Sequence[str], **condition: Any) -> Statement:
    """An Allow statement; keyword arguments are condition operators, such as `StringEquals={...}`."""
    listed = [actions] if isinstance(actions, str) else list(actions)
    found = [resources] if isinstance(resources, str) else list(resources)
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Action": listed, "Resource": found}
    return statement | ({"Condition": condition} if condition else {})


def split(statements: Sequence[Statement]) -> list[Document]:
    """Pack statements, in order, into as few documents as fit the size of a managed policy.

    Raises ValueError for a statement that fits none, or for more documents than a role takes.
    """
    documents: list[list[Statement]] = [[]]
    for statement in statements:
        if len(text(document([statement]))) > MANAGED_POLICY_BYTES:
            raise ValueError(f"statement {statement.get('Sid')!r} alone is larger than a managed policy may be")
        if len(text(document([*documents[-1], statement]))) > MANAGED_POLICY_BYTES:
            documents.append([])
        documents[-1].append(statement)
    if len(documents) > POLICIES_PER_ROLE:
        raise ValueError(
            f"{len(documents)} policies; a role takes {POLICIES_PER_ROLE}: allow fewer instance types"
        )
    return [document(group) for group in documents]


def actions(statements: Iterable[Statement]) -> tuple[str, ...]:
    """Every action that the statements allow, sorted, each once."""
    allowed = (action for s in statements if s["Effect"] == "Allow" for action in s["Action"])
    return tuple(sorted(set(allowed)))


def execution(zone: Landing) -> list[Statement]:
    """What a training job may do: read data, write output and checkpoints, pull its image, write its logs."""
    place = zone.place
    group = place.log_group_arn(TRAINING_LOGS)
    buckets = list(dict.fromkeys((zone.data, zone.output, zone.checkpoints)))
    written = list(dict.fromkeys((f"{zone.output}/*", f"{zone.checkpoints}/*")))
    statements = [
        allow("Buckets", ["s3:GetBucketLocation", "s3:ListBucket"], buckets),
        allow("ReadData", "s3:GetObject", f"{zone.data}/*"),
        allow("WriteResults", ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], written),
        # Checkpoints are pruned by training code as it goes; output is not.
        allow("PruneCheckpoints", "s3:DeleteObject", f"{zone.checkpoints}/*"),
        allow("Key", ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], zone.data_key),
        allow("VolumeGrant", "kms:CreateGrant", zone.data_key, Bool={"kms:GrantIsForAWSResource": "true"}),
        allow("RegistryLogin", "ecr:GetAuthorizationToken", "*"),
        allow(
            "PullImage",
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            zone.repository,
        ),
        allow(
            "Logs",
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [group, f"{group}:log-stream:*"],
        ),
        allow(
            "Metrics",
            "cloudwatch:PutMetricData",
            "*",
            StringEquals={"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"},
        ),
        allow("Secrets", "secretsmanager:GetSecretValue", zone.secrets),
    ]
    return statements + (_interfaces(zone) if zone.vpc else [])


def _interfaces(zone: Landing) -> list[Statement]:
    """SageMaker places a job in our subnets with the job role's own rights."""
    place = zone.place
    return [
        allow(
            "Interfaces",
            [
                "ec2:CreateNetworkInterface",
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
            ],
            [
                place.arn("ec2", "network-interface/*"),
                *(place.arn("ec2", f"subnet/{subnet}") for subnet in zone.subnets),
                *(place.arn("ec2", f"security-group/{group}") for group in zone.security_groups),
            ],
        ),
        allow(
            "LookAtNetwork",
            [
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            "*",
        ),
    ]


def agent(zone: Landing) -> list[Statement]:
    """What the dispatcher may do: submit within the zone's rules, watch, stop, read logs and results."""
    place = zone.place
    jobs = place.arn("sagemaker", "training-job/*")
    group = place.log_group_arn(TRAINING_LOGS)
    results = list(dict.fromkeys((zone.output, zone.checkpoints)))
    statements = [
        *_submit(zone, jobs),
        # AddTags knows none of CreateTrainingJob's condition keys: together, it would never be allowed.
        allow("Tag", "sagemaker:AddTags", jobs),
        allow("Watch", ["sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"], jobs),
        allow("List", "sagemaker:ListTrainingJobs", "*"),
        allow(
            "PassExecutionRole",
            "iam:PassRole",
            zone.execution_role,
            StringEquals={"iam:PassedToService": SAGEMAKER},
        ),
        allow("ReadLogs", ["logs:DescribeLogStreams", "logs:GetLogEvents"], [group, f"{group}:log-stream:*"]),
        allow("RegistryLogin", "ecr:GetAuthorizationToken", "*"),
        allow(
            "ReadImages",
            ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer"],
            zone.repository,
        ),
        allow("ListResults", ["s3:GetBucketLocation", "s3:ListBucket"], results),
        allow("FetchResults", "s3:GetObject", [f"{bucket}/*" for bucket in results]),
        allow("DecryptResults", ["kms:Decrypt", "kms:DescribeKey"], zone.data_key),
        *_stage(zone),
    ]
    if zone.image_push:
        push = ["BatchCheckLayerAvailability", "CompleteLayerUpload", "InitiateLayerUpload", "PutImage"]
        statements.append(
            allow("PushImages", [f"ecr:{action}" for action in (*push, "UploadLayerPart")], zone.repository)
        )
    return statements


def _stage(zone: Landing) -> list[Statement]:
    """Put the code of jobs into its folder of the data bucket; no right to list it, so none to look around there.

    Nothing is written over and nothing is deleted: PutObject with `If-None-Match` only, which S3 takes with `*`
    alone (docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html). Parts of a multipart
    upload carry no such header, so there is none.

    S3 encrypts it under the data key as whoever writes: the encryption context is the bucket's ARN where it has a
    bucket key, else the object's (docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html).
    """
    archives = f"{zone.data}/{CODE_FOLDER}/*"
    context = {"kms:EncryptionContext:aws:s3:arn": [zone.data, archives]}
    return [
        allow("LookAtCode", "s3:GetObject", archives),
        allow("StageCode", "s3:PutObject", archives, Null={"s3:if-none-match": "false"}),
        allow("EncryptCode", "kms:GenerateDataKey", zone.data_key, StringLike=context),
    ]


def _submit(zone: Landing, jobs: str) -> list[Statement]:
    """CreateTrainingJob, apart for types with EBS volumes and for types with disks of their own.

    SageMaker refuses a volume key on types with local storage, so one statement demands our key and the other
    demands that none is named (`Null: true`). A ForAllValues condition holds for an absent key, hence every
    key it names is demanded by `Null: false` beside it.
    """
    bound: dict[str, list[str]] = {}
    if zone.vpc:
        bound["sagemaker:VpcSubnets"] = list(zone.subnets)
        bound["sagemaker:VpcSecurityGroupIds"] = list(zone.security_groups)
    switches = {"sagemaker:InterContainerTrafficEncryption": "true"}
    if zone.network_isolation:
        switches["sagemaker:NetworkIsolation"] = "true"
    always: dict[str, Any] = {
        "Bool": switches,
        "NumericLessThanEquals": {"sagemaker:MaxRuntimeInSeconds": str(zone.max_runtime)},
    }
    present = dict.fromkeys([*bound, "sagemaker:InstanceTypes"], "false")
    found = []
    for sid, types, volume_key in (("SubmitEbs", zone.ebs_types, True), ("SubmitNvme", zone.nvme_types, False)):
        keys = {"sagemaker:OutputKmsKey": zone.data_key}
        if volume_key:
            keys["sagemaker:VolumeKmsKey"] = zone.data_key
        condition = {
            **always,
            "Null": present if volume_key else {**present, "sagemaker:VolumeKmsKey": "true"},
            "ArnEquals": keys,
            "ForAllValues:StringLike": {"sagemaker:InstanceTypes": list(types)},
        }
        if bound:
            condition["ForAllValues:StringEquals"] = bound
        if types:
            found.append(allow(sid, "sagemaker:CreateTrainingJob", jobs, **condition))
    return found


def flow_logs(place: Place, group: str) -> list[Statement]:
    """What the VPC flow log service may do: find log groups, and write to its own.

    AWS's page asks for CreateLogGroup too (flow-logs-iam-role.html); without it, a group that was deleted is not
    made again without our key.
    """
    arn = place.log_group_arn(group)
    write = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return [
        allow("Write", write, [arn, f"{arn}:log-stream:*"]),
        allow("Find", "logs:DescribeLogGroups", "*"),
    ]
