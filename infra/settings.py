"""The settings people write in a stack's configuration, as pydantic models: an environment and its zones.

A cloud's own settings are in infra/<cloud>/settings.py, what they share in infra/base.py. What contradicts what
is in infra/contradictions.py and infra/<cloud>/contradictions.py; reading out of Pulumi is in infra/config.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from infra.aws.settings import Zone as AwsZone
from infra.azure.settings import Zone as AzureZone
from infra.base import Settings, ShortName
from infra.gcp.settings import Zone as GcpZone

Regime = Literal["none", "gdpr", "hipaa"]
DataClass = Literal["public", "internal", "confidential", "restricted"]
Owner = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 .:/=+@_-]+$", min_length=1, max_length=128)]

Zone = AwsZone | GcpZone | AzureZone
ZONES: Mapping[str, type[Zone]] = {"aws": AwsZone, "gcp": GcpZone, "azure": AzureZone}


class Environment(Settings):
    """Everything a stack's configuration says: one environment and its zones."""

    regime: Regime = "none"
    owner: Owner
    environment: ShortName
    data_class: DataClass = "internal"
    emulator: bool = False
    zones: Annotated[tuple[Annotated[Zone, Field(discriminator="cloud")], ...], Field(min_length=1)]

    def tags(self, **more: str) -> dict[str, str]:
        """Tags of everything: who answers for it, what it belongs to, how sensitive it is, what made it."""
        return {
            "owner": self.owner,
            "environment": self.environment,
            "data-class": self.data_class,
            "managed-by": "pulumi",
            **more,
        }

    def path(self, zone: Zone) -> str:
        """Where the stack's file speaks of the zone, such as `launchway:zones[0]`."""
        return f"launchway:zones[{self.zones.index(zone)}]"
