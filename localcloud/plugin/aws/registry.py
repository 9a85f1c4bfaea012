"""Which module handles which AWS type or invoke."""

from __future__ import annotations

from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Registry

REGISTRY: Registry[Aws] = Registry(
    "localcloud.plugin.aws.handlers",
    {
        "budgets": ("budgets",),
        "cloudtrail": ("cloudtrail",),
        "cloudwatch": ("logs",),
        "ec2": ("network", "gateways", "routes", "groups", "endpoints"),
        "ecr": ("ecr",),
        "iam": ("iam",),
        "index": ("account",),
        "kms": ("kms",),
        "s3": ("s3", "s3_settings", "s3_lifecycle"),
        "secretsmanager": ("secretsmanager",),
        "vpc": ("groups",),
    },
)
