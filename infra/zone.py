"""A landing zone as one component, whatever its cloud: importable by programs of your own."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import pulumi

from dispatcher import contract
from infra.settings import Environment
from infra.settings import Zone as ZoneSettings


@dataclass(frozen=True, slots=True)
class ZoneArgs:
    """`account` is what `accounts` returned for the zone's cloud and account: built once, shared by its zones."""

    environment: Environment
    zone: ZoneSettings
    account: Any


def accounts(environment: Environment) -> dict[tuple[str, str], Any]:
    """Build the account-scoped things of every cloud in use, by (cloud, account)."""
    clouds = dict.fromkeys(zone.cloud for zone in environment.zones)
    return {
        (cloud, account): built
        for cloud in clouds
        for account, built in importlib.import_module(f"infra.{cloud}.sites").accounts(environment).items()
    }


class Zone(pulumi.ComponentResource):
    """One landing zone; `contract` is what the dispatcher reads of it."""

    contract: pulumi.Output[contract.Zone]

    def __init__(self, name: str, args: ZoneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:index:Zone", name, None, opts)
        landing = importlib.import_module(f"infra.{args.zone.cloud}.landing")
        self.contract = landing.build(args.environment, args.zone, args.account, self)
        self.register_outputs({"contract": self.contract.apply(contract.as_json)})
