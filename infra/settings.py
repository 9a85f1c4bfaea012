"""The settings people write in a stack's configuration, as pydantic models: names, types and ranges only.

What contradicts what is in infra/contradictions.py; reading them out of Pulumi is in infra/config.py.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

Regime = Literal["none", "gdpr", "hipaa"]
DataClass = Literal["public", "internal", "confidential", "restricted"]
Ownership = Literal["own", "existing"]

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
Owner = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 .:/=+@_-]+$", min_length=1, max_length=128)]
ShortName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", min_length=2, max_length=24)
]


def _network(value: object) -> ipaddress.IPv4Network:
    """Say `host bits set` in words a reader of YAML understands, whatever ipaddress calls it."""
    try:
        return ipaddress.IPv4Network(str(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is not an IPv4 network: {error}") from None


Cidr = Annotated[ipaddress.IPv4Network, BeforeValidator(_network)]


class Settings(BaseModel):
    """Base of every model: camelCase keys, nothing unknown, nothing changed after reading."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_alias=True, validate_by_name=False
    )


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
    endpoints: dict[str, Annotated[str, StringConstraints(pattern=r"^vpce-[0-9a-f]{8,17}$")]] = {}


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


class Compute(Settings):
    """Hardware a queue may name. `min` and `max` count instances."""

    name: ShortName
    instance: InstanceType
    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=1)] = 1
    tier: Literal["on-demand", "spot"] = "on-demand"


class Wandb(Settings):
    """Whether jobs may talk to Weights & Biases, to which host, and by which route."""

    mode: Literal["disabled", "offline", "online"] = "disabled"
    host: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+$")] | None = None
    route: Literal["none", "nat", "private-link"] = "none"


class Federation(Settings):
    """The identity provider that CI signs in through (OpenID Connect), and whose tokens may be the agent."""

    issuer: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+(/[\w./-]+)?$")]
    audience: str = "sts.amazonaws.com"
    subjects: Annotated[tuple[str, ...], Field(min_length=1)]


class Budget(Settings):
    """A monthly cost budget of the account in US dollars, and who hears of 80 % and 100 % of it."""

    monthly_usd: Annotated[int, Field(ge=1)]
    emails: Annotated[tuple[str, ...], Field(min_length=1)]


class Zone(Settings):
    """One landing zone in one AWS account and region."""

    name: ShortName
    cloud: Literal["aws"]
    region: str
    account: Account
    account_scope: Ownership = "own"
    audit: Ownership = "own"
    network: Network = Network()
    existing: Existing = Existing()
    principals: tuple[Arn, ...] = ()
    federation: Federation | None = None
    budget: Budget | None = None
    compute: tuple[Compute, ...] = ()
    instance_types: tuple[InstanceType, ...] = ()
    max_nodes: Annotated[int, Field(ge=1, le=100)] = 1
    max_runtime_hours: Annotated[int, Field(ge=1, le=672)] = 120
    retention_days: int = 365
    network_isolation: bool = False
    image_push: bool = False
    wandb: Wandb = Wandb()
    lifetime: Literal["durable", "disposable"] = "durable"


def _chosen(zone: Zone, field: str) -> Any:
    """A setting as the zone says it; None when it leaves the default."""
    return getattr(zone, field) if field in zone.model_fields_set else None


# What an account has once, by its path in a zone, and how a zone says it (None: it says nothing).
ACCOUNT_SETTINGS: Mapping[str, Callable[[Zone], Any]] = {
    "accountScope": lambda zone: _chosen(zone, "account_scope"),
    "audit": lambda zone: _chosen(zone, "audit"),
    "budget": lambda zone: zone.budget,
    "federation.issuer": lambda zone: zone.federation.issuer if zone.federation else None,
    "federation.audience": lambda zone: zone.federation.audience if zone.federation else None,
    "existing.federation": lambda zone: zone.existing.federation,
    "existing.trail": lambda zone: zone.existing.trail,
}


def said(zones: Sequence[Zone], path: str, default: Any = None) -> Any:
    """What the zones of one account say of a setting that it has once; `default` when none says it."""
    return next((value for value in map(ACCOUNT_SETTINGS[path], zones) if value is not None), default)


class Environment(Settings):
    """Everything a stack's configuration says: one environment and its zones."""

    regime: Regime = "none"
    owner: Owner
    environment: ShortName
    data_class: DataClass = "internal"
    emulator: bool = False
    zones: Annotated[tuple[Zone, ...], Field(min_length=1)]
