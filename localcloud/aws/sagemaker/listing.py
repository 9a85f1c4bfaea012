"""ListTrainingJobs and the training-job part of Search: filters, order and pages over job records."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localcloud.aws.sagemaker.errors import invalid, unsupported
from localcloud.aws.sagemaker.record import TrainingJob

_PAGE = 10
"""Entries of a page when the request does not say (ListTrainingJobs, `MaxResults`)."""


def training_jobs(request: Mapping[str, Any], jobs: Iterable[TrainingJob]) -> dict[str, Any]:
    """The answer of ListTrainingJobs; newest first unless asked otherwise."""
    if request.get("TrainingPlanArnEquals") or request.get("WarmPoolStatusEquals"):
        # No job here runs on a training plan or leaves a warm pool, so none can match.
        return {"TrainingJobSummaries": []}
    found = [entry for job in jobs if _wanted(entry := job.summary(), request)]
    key = {"Name": "TrainingJobName", "Status": "TrainingJobStatus"}.get(request.get("SortBy", ""), "CreationTime")
    found.sort(key=lambda entry: (entry[key], entry["TrainingJobName"]))
    if request.get("SortOrder", "Descending") == "Descending":
        found.reverse()
    page, token = _page(found, request)
    return {"TrainingJobSummaries": page, **token}


def _wanted(entry: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    if request.get("NameContains", "").lower() not in entry["TrainingJobName"].lower():
        return False
    if request.get("StatusEquals", entry["TrainingJobStatus"]) != entry["TrainingJobStatus"]:
        return False
    for name in ("CreationTime", "LastModifiedTime"):
        if entry[name] <= request.get(f"{name}After", float("-inf")):
            return False
        if entry[name] >= request.get(f"{name}Before", float("inf")):
            return False
    return True


def _page(found: list[dict[str, Any]], request: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """One page and the token of the next; a token belongs to the request that made it."""
    same = {name: value for name, value in request.items() if name not in ("NextToken", "MaxResults")}
    start = 0
    if token := request.get("NextToken"):
        try:
            start, made_for = json.loads(base64.urlsafe_b64decode(token))
        except ValueError as error:
            raise invalid("Invalid NextToken") from error
        if made_for != same:
            raise invalid("The NextToken belongs to a request with other parameters")
    end = start + request.get("MaxResults", _PAGE)
    if end >= len(found):
        return found[start:end], {}
    following = base64.urlsafe_b64encode(json.dumps([end, same]).encode()).decode()
    return found[start:end], {"NextToken": following}


_OPERATORS: Mapping[str, Callable[[Any, str], bool]] = {
    "Equals": lambda have, want: str(have) == want,
    "NotEquals": lambda have, want: str(have) != want,
    "Contains": lambda have, want: want in str(have),
    "In": lambda have, want: str(have) in want.split(","),
    "GreaterThan": lambda have, want: float(have) > float(want),
    "GreaterThanOrEqualTo": lambda have, want: float(have) >= float(want),
    "LessThan": lambda have, want: float(have) < float(want),
    "LessThanOrEqualTo": lambda have, want: float(have) <= float(want),
}


def search(request: Mapping[str, Any], jobs: Iterable[tuple[TrainingJob, Mapping[str, str]]]) -> dict[str, Any]:
    """The answer of Search for TrainingJob: plain filters on properties and `Tags.<key>`, joined by And or Or."""
    expression = request.get("SearchExpression") or {}
    if expression.get("NestedFilters") or expression.get("SubExpressions"):
        raise unsupported("nested filters and sub-expressions in Search")
    join = any if expression.get("Operator") == "Or" else all
    filters = expression.get("Filters") or []
    found = []
    for job, tags in jobs:
        record = job.describe() | {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        if not filters or join(_passes(record, tags, filter) for filter in filters):
            found.append(record)
    key = request.get("SortBy", "LastModifiedTime")
    found.sort(key=lambda record: _property(record, {}, key) or "")
    if request.get("SortOrder", "Descending") == "Descending":
        found.reverse()
    page, token = _page(found, request)
    return {"Results": [{"TrainingJob": record} for record in page], **token}


def _passes(record: Mapping[str, Any], tags: Mapping[str, str], filter: Mapping[str, str]) -> bool:
    have = _property(record, tags, filter["Name"])
    operator = filter.get("Operator", "Equals")
    if operator in ("Exists", "NotExists"):
        return (have is not None) == (operator == "Exists")
    return have is not None and _OPERATORS[operator](have, filter.get("Value", ""))


def _property(record: Mapping[str, Any], tags: Mapping[str, str], name: str) -> Any:
    if name.startswith("Tags."):
        return tags.get(name.removeprefix("Tags."))
    value: Any = record
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
