"""What a zone on AWS says in a stack's configuration: names, types and ranges only."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from infra import base
from infra.base import Cidr, Settings

# What CloudWatch Logs accepts for retentionInDays (pulumi_aws cloudwatch.LogGroup, API PutRetentionPolicy).
RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
INTERFACE_SERVICES = (
    "sagemaker.api", "sagemaker.runtime", "ecr.api", "ecr.dkr", "logs", "monitoring", "sts", "kms",
    "secretsmanager",
)  # fmt: skip

Arn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12})?:.+$")]
Account = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
InstanceType = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]


class Network(Settings):
    """Where jobs run. `private`: a VPC of our own. `existing`: a VPC by its ids. `public`: outside any VPC."""

    mode: Literal["private", "public", "existing"] = "private"
    cidr: Cidr = ipaddress.IPv4Network("10.0.0.0/16")
    availability_zones: tuple[str, ...] = ()
    egress: Literal["none", "nat"] | None = None
    nat_gateways: Literal["one", "per-zone"] = "one"
    interface_endpoints: tuple[str, ...] = INTERFACE_SERVICES
    vpc: Annotated[str, StringConstraints(pattern=r"^vpc-[0-9a-f]{8,17}$")] | None = None
    subnets: tuple[Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")], ...] = ()
    security_groups: tuple[Annotated[str, StringConstraints(pattern=r"^sg-[0-9a-f]{8,17}$")], ...] = ()
    endpoints: dict[str, Annotated[str, StringConstraints(pattern=r"^vpce-[0-9a-f]{8,17}$")]] = Field(
        default_factory=dict
    )


class ExistingBuckets(Settings):
    """Buckets to adopt by name. An adopted bucket is used as it is: none of its settings is touched."""

    data: BucketName | None = None
    output: BucketName | None = None
    checkpoints: BucketName | None = None
    logs: BucketName | None = None


class ExistingKeys(Settings):
    """Customer-managed keys to adopt, by key ARN."""

    data: Arn | None = None
    registry: Arn | None = None
    logs: Arn | None = None


class Existing(Settings):
    """What is already there and is to be used instead of being built."""

    buckets: ExistingBuckets = ExistingBuckets()
    keys: ExistingKeys = ExistingKeys()
    registry: str | None = None
    trail: Arn | None = None
    federation: Arn | None = None
    log_group: str | None = None


class Compute(base.Compute):
    """Hardware a queue may name, by its instance type."""

    instance: InstanceType


class Federation(base.Federation):
    """The identity provider of CI, and whose tokens may be the agent."""

    audience: str = "sts.amazonaws.com"


class Zone(base.BaseZone):
    """One landing zone in one AWS account and region."""

    cloud: Literal["aws"]
    account: Account
    network: Network = Network()
    existing: Existing = Existing()
    principals: tuple[Arn, ...] = ()
    federation: Federation | None = None
    compute: tuple[Compute, ...] = ()
    instance_types: tuple[InstanceType, ...] = ()

    account_settings: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        **base.ACCOUNT_SETTINGS,
        "existing.trail": lambda zone: zone.existing.trail,
    }


_ARN = "an ARN", "arn:aws:kms:eu-central-1:123456789012:key/10000000-0000-4000-8000-000000000000"
_TYPE = "a training instance type", "ml.g5.xlarge"
_HEX = "and 8 to 17 hexadecimal digits"
# What a text must look like, in words and as an example, by the key it stands under.
FORMS: Mapping[int | str, tuple[str, str]] = {
    "account": ("an account id of 12 digits", '"123456789012"'),
    "vpc": (f"the id of a VPC: vpc- {_HEX}", "vpc-0a1b2c3d4e5f60718"),
    "subnets": (f"the id of a subnet: subnet- {_HEX}", "subnet-0a1b2c3d4e5f60718"),
    "securityGroups": (f"the id of a security group: sg- {_HEX}", "sg-0a1b2c3d4e5f60718"),
    "endpoints": (f"the id of a VPC endpoint: vpce- {_HEX}", "vpce-0a1b2c3d4e5f60718"),
    "buckets": (
        "the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens",
        "acme-training-data",
    ),
    "keys": _ARN,
    "trail": ("an ARN", "arn:aws:cloudtrail:eu-central-1:123456789012:trail/main"),
    "principals": ("an ARN", "arn:aws:iam::123456789012:role/ml-platform"),
    "instance": _TYPE,
    "instanceTypes": _TYPE,
}
# What to add where a required key is missing.
MEANING: Mapping[str, str] = {
    "account": 'the 12-digit account id, in quotes: account: "123456789012"',
    "region": "such as region: eu-central-1",
    "name": "a short name such as name: aws-euc1",
}
