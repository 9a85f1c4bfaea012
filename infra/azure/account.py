"""What a subscription has once, whatever the number of its zones: resource providers, activity log, budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pulumi

from infra.azure import budget, group, resource_providers
from infra.azure.audit import Audit, AuditArgs
from infra.azure.diagnostics import SUBSCRIPTION, Diagnostics, DiagnosticsArgs, Watched
from infra.azure.site import Deployer, Site
from infra.base import Budget


@dataclass(frozen=True, slots=True)
class AccountArgs:
    """One subscription. `home` is where its activity log is kept, `retention_days` long.

    `private`: some zone has a network. With `own` False nothing is built and everything is looked up.
    `settings` has the whole path of each setting that names something to look up, by its path in a zone.
    """

    home: Site
    own: bool
    own_audit: bool
    retention_days: int
    private: bool
    budget: Budget | None
    settings: Mapping[str, str]

    @property
    def resource_providers(self) -> Sequence[str]:
        """The namespaces that must be registered."""
        on = {"private": self.private, "budget": self.budget}
        return resource_providers.needed(name for name, value in on.items() if value)


class Account(pulumi.ComponentResource):
    """Who deploys into the subscription. When this is built, its resource providers are registered."""

    deployer: Deployer

    def __init__(self, name: str, args: AccountArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Account", name, None, opts)
        site = args.home
        self.deployer = site.deployer
        if args.own:
            resource_providers.register(site, args.resource_providers)
        else:
            resource_providers.check(site, args.resource_providers, args.settings["accountScope"])
        if args.own_audit:
            self._audit(args)
        if args.own and args.budget:
            budget.build(site, self, args.budget, datetime.now(UTC).date())
        self.register_outputs({"tenant": self.deployer.tenant})

    def _audit(self, args: AccountArgs) -> None:
        """Keep what was done to the subscription: Azure itself forgets its activity log after 90 days."""
        site, under = args.home, pulumi.ResourceOptions(parent=self)
        kept = Audit(
            site.name("audit"),
            AuditArgs(site, group.build(site, self), args.retention_days, args.private, insights=False),
            under,
        )
        told = {**kept.watched, "activity": Watched(SUBSCRIPTION, site.place.scope)}
        Diagnostics(site.name("diagnostics"), DiagnosticsArgs(site, kept.log_analytics, told), under)
