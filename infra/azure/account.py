"""What a subscription has once, whatever the number of its zones: resource providers, activity log, budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.azure.site import Deployer, Site
from infra.base import Budget


@dataclass(frozen=True, slots=True)
class AccountArgs:
    """One subscription. `home` is where its activity log is kept, `retention_days` long.

    With `own` False nothing is built and everything is looked up. `settings` has the whole path of each setting
    that names something to look up, by its path in a zone.
    """

    home: Site
    own: bool
    own_audit: bool
    retention_days: int
    budget: Budget | None
    settings: Mapping[str, str]


class Account(pulumi.ComponentResource):
    """Who deploys into the subscription; its resource providers are registered when this is built."""

    deployer: Deployer

    def __init__(self, name: str, args: AccountArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Account", name, None, opts)
        self.deployer = args.home.deployer
        self.register_outputs({"tenant": self.deployer.tenant})
