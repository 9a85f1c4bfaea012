"""A subscription's monthly budget, with mails to the people who are to hear of it."""

from __future__ import annotations

from datetime import date

import pulumi
from pulumi_azure_native import consumption

from infra.azure.site import Site
from infra.base import Budget

# Percent of the budget that a mail is sent at: real cost at the first two, the forecast at the last.
ACTUAL = (80, 100)
FORECAST = 100


def build(site: Site, parent: pulumi.Resource, wanted: Budget, today: date) -> None:
    """Build the budget under `parent`. Azure counts in the subscription's own currency, whatever that is.

    It begins with the month it is built in, and that does not change: Azure takes no other beginning.
    """
    options = site.child(parent)
    options.ignore_changes = ["timePeriod"]
    consumption.Budget(
        site.name("account", "budget"),
        scope=site.place.scope,
        budget_name=site.place.physical("setting", "budget"),
        amount=float(wanted.monthly_usd),
        category="Cost",
        time_grain="Monthly",
        time_period={"start_date": f"{today.replace(day=1).isoformat()}T00:00:00Z"},
        notifications={
            **{f"actual-{percent}": _mail(wanted, percent, "Actual") for percent in ACTUAL},
            f"forecast-{FORECAST}": _mail(wanted, FORECAST, "Forecasted"),
        },
        opts=options,
    )


def _mail(wanted: Budget, percent: int, of: str) -> consumption.NotificationArgsDict:
    return {
        "enabled": True,
        "operator": "GreaterThanOrEqualTo",
        "threshold": float(percent),
        "threshold_type": of,
        "contact_emails": list(wanted.emails),
        "contact_roles": [],
    }
