"""What SageMaker says of a job, in our words: states, times, reasons and links."""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dispatcher.backends.base import CAPACITY, Observation, State

if TYPE_CHECKING:
    from dispatcher.contract import AwsZone

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_CONSOLE = {"aws": "aws.amazon.com", "aws-us-gov": "amazonaws-us-gov.com", "aws-cn": "amazonaws.cn"}
"""Partition -> domain of its console (AWS documentation of each partition)."""

_WAITED = "MaxWaitTimeExceeded"
"""The secondary status of a spot job for which there were too few machines for too long."""

_CAUSES = {
    "AlgorithmError": "program",
    "ClientError": "request",
    "CapacityError": CAPACITY,
    "InternalServerError": "provider",
}
"""Prefix of FailureReason -> whose fault it was (sagemaker-python-sdk tests for `CapacityError` the same way)."""


@functools.cache
def _table() -> Mapping[tuple[str, str], State | None]:
    path = Path(__file__).parent / "data" / "states.csv"
    with path.open(newline="", encoding="utf-8") as rows:
        return {
            (row["status"], row["secondary"]): State(row["state"]) if row["state"] else None
            for row in csv.DictReader(rows)
        }


def state(status: str, secondary: str) -> State | None:
    """Return our state for the vendor's pair; None leaves the known state as it is (data/states.csv)."""
    table = _table()
    return table.get((status, secondary), table.get((status, "*")))


def cause(reason: str) -> str:
    """Return whose fault a FailureReason says it is, empty when it does not."""
    return next((name for prefix, name in _CAUSES.items() if reason.startswith(prefix)), "")


def from_summary(summary: Mapping[str, Any], zone: AwsZone) -> Observation | None:
    """Read one entry of ListTrainingJobs; None when it is too thin to tell the state."""
    secondary = summary.get("SecondaryStatus")
    if not secondary:
        return None
    return _observation(summary, summary["TrainingJobStatus"], secondary, zone)


def from_description(answer: Mapping[str, Any], zone: AwsZone) -> Observation:
    """Read an answer of DescribeTrainingJob."""
    return _observation(answer, answer["TrainingJobStatus"], answer.get("SecondaryStatus", ""), zone)


def _observation(facts: Mapping[str, Any], status: str, secondary: str, zone: AwsZone) -> Observation:
    name, reason = facts["TrainingJobName"], facts.get("FailureReason", "")
    transitions = facts.get("SecondaryStatusTransitions", ())
    return Observation(
        name=name,
        provider_id=facts["TrainingJobArn"],
        state=state(status, secondary),
        vendor_state=f"{status}/{secondary}" if secondary else status,
        reason=reason or _message(transitions),
        created_at=_time(facts.get("CreationTime")),
        started_at=_time(facts.get("TrainingStartTime")),
        ended_at=_time(facts.get("TrainingEndTime")),
        billable_seconds=facts.get("BillableTimeInSeconds"),
        interruptions=sum(1 for step in transitions if step.get("Status") == "Interrupted"),
        model_uri=facts.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
        links=links(name, zone),
        cause=CAPACITY if secondary == _WAITED else cause(reason),
    )


def _message(transitions: Any) -> str:
    return str(transitions[-1].get("StatusMessage", "")) if transitions else ""


def _time(value: object) -> str | None:
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def links(name: str, zone: AwsZone) -> Mapping[str, str]:
    """Return the console pages of a job and of its logs."""
    root = f"https://{zone.region}.console.{_CONSOLE.get(zone.partition, 'aws.amazon.com')}"
    group = quote(quote(LOG_GROUP, safe=""), safe="").replace("%", "$")
    return {
        "console": f"{root}/sagemaker/home?region={zone.region}#/jobs/{name}",
        "logs": f"{root}/cloudwatch/home?region={zone.region}#logsV2:log-groups/log-group/{group}"
        f"$3FlogStreamNameFilter$3D{quote(name + '/', safe='').replace('%', '$25')}",
    }
