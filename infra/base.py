"""What the settings of zones have in common, whatever their cloud: base models, their words, and `said`."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

Ownership = Literal["own", "existing"]

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


class Unknown(Exception):
    """What a setting says is not known: it was wrong, and is judged no further (infra/rest.py)."""


class Settings(BaseModel):
    """Base of every model: camelCase keys, nothing unknown, nothing changed after reading.

    Raises Unknown for a setting that was taken out again.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_alias=True, validate_by_name=False
    )

    if not TYPE_CHECKING:  # which would take every name for a setting

        def __getattr__(self, name: str) -> Any:
            if name in type(self).model_fields:
                raise Unknown(name)
            return super().__getattr__(name)


SecretName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
"""What every cloud takes as part of a secret's name: AWS takes more characters, Google Cloud no others."""


class Compute(Settings):
    """Hardware a queue may name. `min` and `max` count instances."""

    name: ShortName
    instance: str
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
    subjects: Annotated[tuple[str, ...], Field(min_length=1)]


class Budget(Settings):
    """A monthly cost budget of the account in US dollars, and who hears of 80 % and 100 % of it."""

    monthly_usd: Annotated[int, Field(ge=1)]
    emails: Annotated[tuple[str, ...], Field(min_length=1)]


class BaseZone(Settings):
    """What a landing zone of any cloud says. Each cloud adds its own, among it who pays: `account`."""

    name: ShortName
    region: str
    account_scope: Ownership = "own"
    audit: Ownership = "own"
    budget: Budget | None = None
    max_nodes: Annotated[int, Field(ge=1, le=100)] = 1
    max_runtime_hours: Annotated[int, Field(ge=1, le=672)] = 120
    retention_days: int = 365
    network_isolation: bool = False
    image_push: bool = False
    secrets: tuple[SecretName, ...] = ()
    wandb: Wandb = Wandb()
    lifetime: Literal["durable", "disposable"] = "durable"

    # What an account has once, by its path in a zone, and how a zone says it (None: it says nothing).
    account_settings: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}


def chosen(zone: BaseZone, field: str) -> Any:
    """A setting as the zone says it; None when it leaves the default."""
    return getattr(zone, field) if field in zone.model_fields_set else None


ACCOUNT_SETTINGS: Mapping[str, Callable[[Any], Any]] = {
    "accountScope": lambda zone: chosen(zone, "account_scope"),
    "audit": lambda zone: chosen(zone, "audit"),
    "budget": lambda zone: zone.budget,
    "federation.issuer": lambda zone: zone.federation.issuer if zone.federation else None,
    "federation.audience": lambda zone: zone.federation.audience if zone.federation else None,
    "existing.federation": lambda zone: zone.existing.federation,
}


def said(zones: Sequence[BaseZone], path: str, default: Any = None) -> Any:
    """What the zones of one account say of a setting that it has once; `default` when none says it."""
    return next((value for zone in zones if (value := zone.account_settings[path](zone)) is not None), default)
