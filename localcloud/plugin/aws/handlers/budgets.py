"""Budgets with their notifications."""

from __future__ import annotations

import calendar
import time
from typing import Any

from localcloud.plugin.aws.resource import asked, given, pairs, tag_changes, tags
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

GONE = "NotFoundException"
LAYOUT = "%Y-%m-%d_%H:%M"
REFUSED = ("autoAdjustData", "filterExpression", "plannedLimits", "metrics", "namePrefix", "billingViewArn")
COSTS = ("includeCredit", "includeDiscount", "includeOtherSubscription", "includeRecurring", "includeRefund",
         "includeSubscription", "includeSupport", "includeTax", "includeUpfront")  # fmt: skip
USES = ("useAmortized", "useBlended")


def create(aws: Aws, inputs: Properties) -> str:
    if refused := [name for name in REFUSED if inputs.get(name)]:
        raise ProviderError(f"{refused[0]}: the stand-in plugin does not serve this argument of a budget")
    account, client = inputs.get("accountId") or aws.account, aws.client("budgets")
    client.create_budget(
        AccountId=account, Budget=_budget(inputs), **given(ResourceTags=pairs(inputs.get("tags")))
    )
    for wanted in inputs.get("notifications") or []:
        client.create_notification(AccountId=account, BudgetName=inputs["name"], **_notification(wanted))
    return f"{account}:{inputs['name']}"


def _budget(inputs: Properties) -> dict[str, Any]:
    limit = (
        {"Amount": str(inputs["limitAmount"]), "Unit": inputs["limitUnit"]} if inputs.get("limitAmount") else None
    )
    costs = inputs.get("costTypes")
    period = given(Start=_seconds(inputs.get("timePeriodStart")), End=_seconds(inputs.get("timePeriodEnd")))
    return given(
        BudgetName=inputs["name"],
        BudgetType=inputs["budgetType"],
        TimeUnit=inputs["timeUnit"],
        BudgetLimit=limit,
        TimePeriod=period or None,
        CostFilters={each["name"]: each["values"] for each in inputs.get("costFilters") or []} or None,
        CostTypes={name[0].upper() + name[1:]: costs[name] for name in (*COSTS, *USES) if name in costs}
        if costs
        else None,
    )


def _seconds(text: str | None) -> int | None:
    return calendar.timegm(time.strptime(text, LAYOUT)) if text else None


def _notification(wanted: Properties) -> dict[str, Any]:
    emails = [("EMAIL", each) for each in wanted.get("subscriberEmailAddresses") or []]
    topics = [("SNS", each) for each in wanted.get("subscriberSnsTopicArns") or []]
    return {
        "Notification": {
            "NotificationType": wanted["notificationType"],
            "ComparisonOperator": wanted["comparisonOperator"],
            "Threshold": wanted["threshold"],
            "ThresholdType": wanted["thresholdType"],
        },
        "Subscribers": [{"SubscriptionType": kind, "Address": address} for kind, address in emails + topics],
    }


def read(aws: Aws, id: str, known: Properties) -> Properties | None:
    account, _, name = id.partition(":")
    client = aws.client("budgets")
    answer = asked(lambda: client.describe_budget(AccountId=account, BudgetName=name), GONE)
    if answer is None:
        return None
    found = answer["Budget"]
    arn = f"arn:{aws.partition}:budgets::{account}:budget/{name}"
    limit, costs = found.get("BudgetLimit", {}), found.get("CostTypes", {})
    noted = asked(lambda: client.describe_notifications_for_budget(AccountId=account, BudgetName=name), GONE) or {}
    period = found.get("TimePeriod", {})
    return {
        "accountId": account,
        "arn": arn,
        "billingViewArn": "",
        "budgetType": found["BudgetType"],
        "costFilters": [
            {"name": each, "values": values} for each, values in sorted(found.get("CostFilters", {}).items())
        ],
        "costTypes": {
            name: bool(costs.get(name[0].upper() + name[1:], name in COSTS)) for name in (*COSTS, *USES)
        },
        "limitAmount": _amount(limit.get("Amount")),
        "limitUnit": limit.get("Unit", ""),
        "name": name,
        "namePrefix": "",
        "notifications": [
            _from_api(client, account, name, each, known) for each in noted.get("Notifications", [])
        ],
        "timePeriodEnd": _text(period.get("End")) or known.get("timePeriodEnd"),
        "timePeriodStart": _text(period.get("Start")) or known.get("timePeriodStart") or "",
        "timeUnit": found["TimeUnit"],
        "tags": _tags(client, arn, known),
    }


def _amount(amount: str | None) -> str:
    """AWS writes 100 as 100.0; the provider sees no difference."""
    text = amount or ""
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(moment: Any) -> str:
    return str(moment.strftime(LAYOUT)) if moment else ""


def _from_api(client: Any, account: str, name: str, found: dict[str, Any], known: Properties) -> Properties:
    same = ("NotificationType", "ComparisonOperator", "Threshold")
    notification = {key: found[key] for key in (*same, "ThresholdType") if key in found}
    answer = asked(
        lambda: client.describe_subscribers_for_notification(
            AccountId=account, BudgetName=name, Notification=notification
        ),
        GONE, *ABSENT,
    )  # fmt: skip
    out: Properties = {
        "comparisonOperator": found["ComparisonOperator"],
        "notificationType": found["NotificationType"],
        "threshold": found["Threshold"],
        "thresholdType": found.get("ThresholdType", "PERCENTAGE"),
    }
    if answer is None:  # moto has no such call: what was asked for is all there is to know
        asked_for = [
            each for each in known.get("notifications") or [] if all(each[key] == out[key] for key in out)
        ]
        kept = asked_for[0] if asked_for else {}
        return out | {key: kept.get(key) or [] for key in ("subscriberEmailAddresses", "subscriberSnsTopicArns")}
    subscribers = answer["Subscribers"]
    kinds = {"subscriberEmailAddresses": "EMAIL", "subscriberSnsTopicArns": "SNS"}
    return out | {
        ours: [s["Address"] for s in subscribers if s["SubscriptionType"] == kind] for ours, kind in kinds.items()
    }


ABSENT = ("404", "501", "NotImplemented", "UnknownOperationException", "InternalFailure", "NotYetImplemented")


def _tags(client: Any, arn: str, known: Properties) -> dict[str, str]:
    answer = asked(lambda: client.list_tags_for_resource(ResourceARN=arn), GONE, *ABSENT)
    return dict(known.get("tags") or {}) if answer is None else tags(answer.get("ResourceTags"))


def update(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    account, _, name = id.partition(":")
    client = aws.client("budgets")
    if names - {"tags", "notifications"}:
        client.update_budget(AccountId=account, NewBudget=_budget(new))
    if "notifications" in names:
        for each in old.get("notifications") or []:
            _forget(client, account, name, _notification(each)["Notification"])
        for each in new.get("notifications") or []:
            client.create_notification(AccountId=account, BudgetName=name, **_notification(each))
    if "tags" in names:
        removed, added = tag_changes(old, new)
        if removed:
            asked(lambda: client.untag_resource(ResourceARN=old["arn"], ResourceTagKeys=removed), *ABSENT)
        if added:
            asked(lambda: client.tag_resource(ResourceARN=old["arn"], ResourceTags=pairs(added)), *ABSENT)


def _forget(client: Any, account: str, name: str, notification: dict[str, Any]) -> None:
    asked(
        lambda: client.delete_notification(AccountId=account, BudgetName=name, Notification=notification),
        GONE,
    )


def delete(aws: Aws, id: str, state: Properties) -> None:
    account, _, name = id.partition(":")
    asked(lambda: aws.client("budgets").delete_budget(AccountId=account, BudgetName=name), GONE)


def plain_amount(inputs: Properties) -> Properties:
    """The limit as `read` gives it."""
    amount = inputs.get("limitAmount")
    return inputs | {"limitAmount": _amount(amount)} if isinstance(amount, str) else inputs


RESOURCES = {"aws:budgets/budget:Budget": Resource("Budget", create, read, update, delete, normal=plain_amount)}
