"""What an AWS account has once, whatever the number of its zones: identity provider, trail, job logs, budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import budgets, cloudtrail, cloudwatch, iam

from infra.aws import idle, keys, policies_resource
from infra.aws.audit import Trail, TrailArgs, trail_arn
from infra.aws.policies import TRAINING_LOGS
from infra.aws.site import Site
from infra.base import Budget
from infra.lookup import found

# Percent of the budget that a mail is sent at: real cost at the first two, the forecast at the last.
ACTUAL_PERCENT = (80, 100)
FORECAST_PERCENT = 100


@dataclass(frozen=True, slots=True)
class AccountArgs:
    """One account. `home` is where the trail lives; `regions` has a site for each region with a zone in it.

    `log_groups` says per region whether the log group of training jobs is built, and for how many days logs
    stay. `data_buckets` are the names that the trail watches. `issuer` and `audience` are of the identity
    provider. With `own` False nothing is built and everything is looked up.
    `settings` has the whole path of each `existing...` by its path in a zone; a log group's with its region.
    """

    home: Site
    regions: Mapping[str, Site]
    own: bool
    own_trail: bool
    log_groups: Mapping[str, int]
    existing_log_groups: Mapping[str, str]
    data_buckets: tuple[str, ...]
    retention_days: int
    issuer: str | None
    audience: str | None
    existing_federation: str | None
    existing_trail: str | None
    budget: Budget | None
    settings: Mapping[str, str]


class Account(pulumi.ComponentResource):
    """The identity provider's ARN, the trail's ARN, and the log group of training jobs by region."""

    federation: pulumi.Output[str] | None
    trail: pulumi.Output[str] | None
    log_groups: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: AccountArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:aws:Account", name, None, opts)
        self.log_groups = {}
        trail_name = args.home.place.physical("iam-role", "trail") if args.own_trail else None
        audit_keys: dict[str, pulumi.Output[str]] = {}
        for region, site in args.regions.items():
            trail_here = trail_name if site is args.home else None
            group = TRAINING_LOGS if region in args.log_groups else None
            if group or trail_here:
                audit_keys[region] = self._key(site, group, trail_here)
            self.log_groups[region] = self._log_group(args, region, site, audit_keys.get(region))
        idle.PRICES.tell(f"account {args.home.place.account}", idle.account_lines(list(audit_keys)), self)
        self.federation = self._federation(args)
        self.trail = self._trail(args, trail_name, audit_keys.get(args.home.place.region))
        if args.budget and args.own:
            self._budget(args.home, args.budget)
        self.register_outputs({"federation": self.federation, "trail": self.trail, "logGroups": self.log_groups})

    def _key(self, site: Site, group: str | None, trail: str | None) -> pulumi.Output[str]:
        place = site.place
        arn = trail_arn(place, trail) if trail else None
        policy = policies_resource.audit_key(place, site.region.dns_suffix, [group] if group else [], arn)
        return keys.key(site, self, "audit", f"{place.name}: job logs and audit trail", policy)

    def _log_group(
        self, args: AccountArgs, region: str, site: Site, key: pulumi.Output[str] | None
    ) -> pulumi.Output[str]:
        """Built before SageMaker makes it with the first job of the region: kept for ever, without our key."""
        if region not in args.log_groups:
            named = args.existing_log_groups.get(region, TRAINING_LOGS)
            if region not in args.existing_log_groups:
                return pulumi.Output.from_input(named)
            group = found(
                args.settings[f"existing.logGroup {region}"],
                f"log group {named}",
                lambda: cloudwatch.get_log_group(name=named, opts=site.ask(self)),
            )
            return pulumi.Output.from_input(group.name)
        return cloudwatch.LogGroup(
            site.name("audit", "training-jobs"),
            name=TRAINING_LOGS,
            retention_in_days=args.log_groups[region],
            kms_key_id=key,
            opts=site.child(self, keep=True),
        ).name

    def _federation(self, args: AccountArgs) -> pulumi.Output[str] | None:
        if args.issuer is None or args.audience is None:
            return None
        if args.existing_federation:
            arn = args.existing_federation
            known = found(
                args.settings["existing.federation"],
                f"identity provider {arn}",
                lambda: iam.get_open_id_connect_provider(arn=arn, opts=args.home.ask(self)),
            )
            return pulumi.Output.from_input(known.arn)
        return iam.OpenIdConnectProvider(
            args.home.name("account", "federation"),
            url=f"https://{args.issuer}",
            client_id_lists=[args.audience],
            opts=args.home.child(self),
        ).arn

    def _trail(
        self, args: AccountArgs, name: str | None, key: pulumi.Output[str] | None
    ) -> pulumi.Output[str] | None:
        logical = args.home.name("audit")
        if name and key is not None:
            made = TrailArgs(args.home, name, key, args.data_buckets, args.retention_days)
            return Trail(logical, made, pulumi.ResourceOptions(parent=self)).arn
        if args.existing_trail:
            # There is no lookup of trails: reading the resource by its ARN shows that it is there.
            return cloudtrail.Trail.get(
                args.home.name("audit", "trail"), args.existing_trail, opts=args.home.child(self)
            ).arn
        return None

    def _budget(self, site: Site, budget: Budget) -> None:
        def at(percent: int, kind: str) -> budgets.BudgetNotificationArgsDict:
            return {
                "comparison_operator": "GREATER_THAN",
                "threshold": percent,
                "threshold_type": "PERCENTAGE",
                "notification_type": kind,
                "subscriber_email_addresses": list(budget.emails),
            }

        budgets.Budget(
            site.name("account", "budget"),
            name=site.place.physical("iam-role", "budget"),
            account_id=site.place.account,
            budget_type="COST",
            limit_amount=str(budget.monthly_usd),
            limit_unit="USD",
            time_unit="MONTHLY",
            notifications=[
                *(at(percent, "ACTUAL") for percent in ACTUAL_PERCENT),
                at(FORECAST_PERCENT, "FORECASTED"),
            ],
            opts=site.child(self),
        )
