"""A project's monthly budget, with mails to the people who are to hear of it."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_gcp import billing, monitoring

from infra.base import Budget
from infra.gcp.site import Site

# Parts of the budget that a mail is sent at: real cost at the first two, the forecast at the last.
ACTUAL = (0.8, 1.0)
FORECAST = 1.0


def build(
    site: Site,
    parent: pulumi.Resource,
    wanted: Budget,
    billing_account: str,
    number: pulumi.Output[str],
    after: Sequence[pulumi.Resource],
) -> None:
    """Build the budget under `parent`: in US dollars, which must be the billing account's currency."""
    channels = [
        monitoring.NotificationChannel(
            site.name("account", f"mail-{index}"),
            project=site.place.project,
            type="email",
            display_name=f"{site.place.project}: budget",
            labels={"email_address": address},
            opts=site.child(parent, after=after),
        )
        for index, address in enumerate(wanted.emails)
    ]

    def at(part: float, basis: str) -> billing.BudgetThresholdRuleArgsDict:
        return {"threshold_percent": part, "spend_basis": basis}

    billing.Budget(
        site.name("account", "budget"),
        billing_account=billing_account,
        display_name=site.place.physical("logging", "budget")[:60],
        amount={"specified_amount": {"currency_code": "USD", "units": str(wanted.monthly_usd)}},
        budget_filter={"projects": [number.apply(lambda found: f"projects/{found}")], "calendar_period": "MONTH"},
        threshold_rules=[
            *(at(part, "CURRENT_SPEND") for part in ACTUAL),
            at(FORECAST, "FORECASTED_SPEND"),
        ],
        all_updates_rule={
            "monitoring_notification_channels": [channel.name for channel in channels],
            "disable_default_iam_recipients": False,
        },
        opts=site.child(parent, after=after),
    )
