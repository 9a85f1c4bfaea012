"""Policies of VPC endpoints: only this account's principals, only this account's resources, service by service."""

from __future__ import annotations

from infra.aws.place import Place
from infra.aws.policies import Document, Statement, document

# What jobs and agents call through each endpoint. The second list names actions without a resource of an account
# (a caller's own identity, a login, a metric): for those only the caller can be bound.
SERVICES: dict[str, tuple[list[str], list[str]]] = {
    "sagemaker.api": (
        [
            "sagemaker:AddTags",
            "sagemaker:CreateTrainingJob",
            "sagemaker:DescribeTrainingJob",
            "sagemaker:ListTags",
            "sagemaker:StopTrainingJob",
        ],
        ["sagemaker:ListTrainingJobs"],
    ),
    "sagemaker.runtime": (["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointAsync"], []),
    "ecr.api": (
        [
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:CompleteLayerUpload",
            "ecr:DescribeImages",
            "ecr:GetDownloadUrlForLayer",
            "ecr:InitiateLayerUpload",
            "ecr:PutImage",
            "ecr:UploadLayerPart",
        ],
        ["ecr:GetAuthorizationToken"],
    ),
    "logs": (
        [
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:GetLogEvents",
            "logs:PutLogEvents",
        ],
        [],
    ),
    "monitoring": ([], ["cloudwatch:PutMetricData"]),
    "sts": (
        ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:SetSourceIdentity", "sts:TagSession"],
        ["sts:GetCallerIdentity"],
    ),
    "kms": (["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], []),
    "secretsmanager": (["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"], []),
}
SERVICES["ecr.dkr"] = SERVICES["ecr.api"]
BUCKET_ACTIONS = [
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:GetBucketLocation",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
]


def _allow(sid: str, actions: list[str], resource: str, condition: dict[str, str] | None) -> Statement:
    statement = {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": actions, "Resource": resource}
    return statement | ({"Condition": {"StringEquals": condition}} if condition else {})


def interface(place: Place, service: str) -> Document:
    """The policy of one interface endpoint, by short name (`ecr.api`).

    A token exchange (AssumeRoleWithWebIdentity) has no principal of the account yet, so there only the
    resource is bound.
    """
    bound, caller = SERVICES[service]
    ours = {"aws:PrincipalAccount": place.account, "aws:ResourceAccount": place.account}
    tokens = [action for action in bound if action == "sts:AssumeRoleWithWebIdentity"]
    statements = [_allow("Ours", [a for a in bound if a not in tokens], "*", ours)] if bound else []
    if caller:
        statements.append(_allow("OurCallers", caller, "*", {"aws:PrincipalAccount": place.account}))
    if tokens:
        statements.append(_allow("Tokens", tokens, "*", {"aws:ResourceAccount": place.account}))
    return document(statements)


def s3_gateway(place: Place) -> Document:
    """The account's buckets by the account's principals, and image layers from ECR's own bucket.

    ECR stores layers in a bucket of the service (`prod-REGION-starport-layer-bucket`) and hands out presigned
    links, so neither caller nor bucket is of this account: the resource itself is the bound
    (docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html).
    """
    ours = {"aws:PrincipalAccount": place.account, "aws:ResourceAccount": place.account}
    layers = f"arn:{place.partition}:s3:::prod-{place.region}-starport-layer-bucket/*"
    return document(
        [
            _allow("OurBuckets", BUCKET_ACTIONS, "*", ours),
            _allow("ImageLayers", ["s3:GetObject"], layers, None),
        ]
    )
