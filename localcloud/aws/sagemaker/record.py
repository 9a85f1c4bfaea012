"""One training job as Describe shows it: the request, where it is in its life, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FINAL = frozenset({"Completed", "Failed", "Stopped"})
REASON_LENGTH = 1024

# Which primary status a secondary status belongs to (DescribeTrainingJob, `SecondaryStatus`).
_PRIMARY = {
    "Completed": "Completed",
    "Failed": "Failed",
    "Stopping": "Stopping",
    "Stopped": "Stopped",
    "MaxRuntimeExceeded": "Stopped",
    "MaxWaitTimeExceeded": "Stopped",
}
# Fields of the request that Describe gives back as they came.
_ECHOED = (
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "CheckpointConfig",
    "DebugHookConfig",
    "ExperimentConfig",
    "DebugRuleConfigurations",
    "TensorBoardOutputConfig",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "Environment",
    "RetryStrategy",
    "RemoteDebugConfig",
    "InfraCheckConfig",
)
DEFAULT_RUNTIME = 86_400
"""Seconds a job may run when the request does not say (CreateTrainingJob, `MaxRuntimeInSeconds`)."""


@dataclass
class TrainingJob:
    """Times are seconds since 1970. `enter`, `end` and readers may be in different threads."""

    arn: str
    region: str
    request: Mapping[str, Any]
    created: float
    secondary: str = ""
    started: float | None = None
    ended: float | None = None
    modified: float = 0.0
    reason: str | None = None
    model: str | None = None
    billable: float = 0.0
    transitions: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def name(self) -> str:
        return str(self.request["TrainingJobName"])

    @property
    def status(self) -> str:
        return _PRIMARY.get(self.secondary, "InProgress")

    @property
    def final(self) -> bool:
        return self.status in FINAL

    @property
    def spot(self) -> bool:
        return bool(self.request.get("EnableManagedSpotTraining"))

    @property
    def max_runtime(self) -> int:
        """Seconds of training, all attempts together."""
        return int((self.request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", DEFAULT_RUNTIME))

    @property
    def max_wait(self) -> int | None:
        """Seconds of waiting and training of a spot job; None without a limit."""
        wait = (self.request.get("StoppingCondition") or {}).get("MaxWaitTimeInSeconds")
        return None if wait is None else int(wait)

    @property
    def nodes(self) -> int:
        return int(self.request["ResourceConfig"].get("InstanceCount", 1))

    def enter(self, secondary: str, message: str, now: float) -> None:
        """Go to a secondary status. A final one closes the history, and nothing but that follows Stopping."""
        with self.lock:
            if self.final or (self.status == "Stopping" and secondary not in _PRIMARY):
                return
            if self.transitions:
                self.transitions[-1].setdefault("EndTime", now)
            self.secondary = secondary
            self.modified = now
            step: dict[str, Any] = {"Status": secondary, "StartTime": now, "StatusMessage": message}
            if self.final:
                step["EndTime"] = now
                self.ended = now
            self.transitions.append(step)

    def fail(self, reason: str, now: float) -> None:
        """End as Failed; the reason is cut to the 1024 characters that the service keeps."""
        with self.lock:
            self.reason = reason[:REASON_LENGTH]
            self.enter("Failed", "Training job failed", now)

    def describe(self) -> dict[str, Any]:
        """The answer of DescribeTrainingJob."""
        with self.lock:
            document: dict[str, Any] = {
                "TrainingJobName": self.name,
                "TrainingJobArn": self.arn,
                "TrainingJobStatus": self.status,
                "SecondaryStatus": self.secondary,
                "CreationTime": self.created,
                "LastModifiedTime": self.modified,
                "SecondaryStatusTransitions": [dict(step) for step in self.transitions],
                "EnableNetworkIsolation": bool(self.request.get("EnableNetworkIsolation")),
                "EnableInterContainerTrafficEncryption": bool(
                    self.request.get("EnableInterContainerTrafficEncryption")
                ),
                "EnableManagedSpotTraining": self.spot,
            }
            document |= {name: self.request[name] for name in _ECHOED if name in self.request}
            document.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": DEFAULT_RUNTIME})
            if self.started is not None:
                document["TrainingStartTime"] = self.started
            if self.ended is not None:
                document["TrainingEndTime"] = self.ended
                if self.started is not None:
                    document["TrainingTimeInSeconds"] = max(1, round(self.ended - self.started))
                    document["BillableTimeInSeconds"] = max(1, round(self.billable))
            if self.reason is not None:
                document["FailureReason"] = self.reason
            if self.model is not None:
                document["ModelArtifacts"] = {"S3ModelArtifacts": self.model}
            return document

    def summary(self) -> dict[str, Any]:
        """One entry of ListTrainingJobs."""
        with self.lock:
            document: dict[str, Any] = {
                "TrainingJobName": self.name,
                "TrainingJobArn": self.arn,
                "CreationTime": self.created,
                "LastModifiedTime": self.modified,
                "TrainingJobStatus": self.status,
                "SecondaryStatus": self.secondary,
            }
            if self.ended is not None:
                document["TrainingEndTime"] = self.ended
            return document
