"""The SageMaker front: the operations of training jobs; what it does not know, moto answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from localcloud.aws.sagemaker import listing, model, rules
from localcloud.aws.sagemaker.account import Account
from localcloud.aws.sagemaker.errors import ServiceError, invalid, unsupported
from localcloud.aws.sagemaker.record import TrainingJob
from localcloud.place import ACCOUNT

Document = Mapping[str, Any]


class Runner(Protocol):
    """What runs jobs."""

    def start(self, job: TrainingJob) -> None: ...

    def stop(self, job: TrainingJob) -> None: ...


@dataclass
class SageMaker:
    """Jobs by (region, name), and their tags."""

    account: Account
    runner: Runner
    clock: Callable[[], float] = time.time
    check_images: bool = True
    jobs: dict[tuple[str, str], TrainingJob] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answers(self, operation: str, document: Document) -> bool:
        """Whether an operation is ours: training jobs, and tags and searches of them."""
        if operation in ("AddTags", "DeleteTags", "ListTags"):
            return ":training-job/" in str(document.get("ResourceArn"))
        if operation == "Search":
            return document.get("Resource") == "TrainingJob"
        return operation in _OPERATIONS or operation in _LISTS

    def call(self, operation: str, document: Document, region: str, lag: float = 0) -> Document | None:
        """Check a request against the vendor's model and answer it. Raises ServiceError.

        `lag` makes lists leave out jobs younger than so many seconds (a fault).
        """
        model.check(operation, document)
        if listed := _LISTS.get(operation):
            return listed(self, document, region, lag)
        return _OPERATIONS[operation](self, document, region)

    def _find(self, request: Document, region: str, code: str = "ResourceNotFound") -> TrainingJob:
        try:
            return self.jobs[region, request["TrainingJobName"]]
        except KeyError:
            raise ServiceError(code, "Requested resource not found.") from None

    def create(self, request: Document, region: str) -> Document:
        name = request["TrainingJobName"]
        arn = f"arn:aws:sagemaker:{region}:{ACCOUNT}:training-job/{name}"
        rules.check(request, self.account, region, images=self.check_images)
        # The request as it is now: whatever the caller's object becomes, the job keeps its own.
        kept = json.loads(json.dumps(request))
        job = TrainingJob(arn, region, kept, self.clock())
        with self._lock:
            if (region, name) in self.jobs:
                raise ServiceError(
                    "ResourceInUse",
                    "Training job names must be unique within an AWS account and region, and a training job with "
                    f"this name already exists ({arn})",
                )
            self.jobs[region, name] = job
            self.tags[arn] = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or []}
        job.enter("Starting", "Starting the training job", self.clock())
        self.runner.start(job)
        return {"TrainingJobArn": arn}

    def describe(self, request: Document, region: str) -> Document:
        # A missing job is a ValidationException here and a ResourceNotFound elsewhere, as on the real service.
        return self._find(request, region, "ValidationException").describe()

    def stop(self, request: Document, region: str) -> None:
        job = self._find(request, region)
        with job.lock:
            if job.status != "InProgress":
                raise invalid(f"The request was rejected because the training job is in status {job.status}.")
            job.enter("Stopping", "Stopping the training job", self.clock())
        self.runner.stop(job)

    def delete(self, request: Document, region: str) -> None:
        job = self._find(request, region)
        if not job.final:
            raise ServiceError(
                "ResourceInUse",
                f"The training job {job.name} is in status {job.status} and cannot be deleted.",
            )
        with self._lock:
            # The name may be used again after this: the one way to free it (DeleteTrainingJob).
            self.jobs.pop((region, job.name), None)
            self.tags.pop(job.arn, None)

    def update(self, request: Document, region: str) -> None:
        self._find(request, region)
        raise unsupported("UpdateTrainingJob (Debugger profiling, warm pools)")

    def list_jobs(self, request: Document, region: str, lag: float) -> Document:
        return listing.training_jobs(request, self._in(region, lag))

    def search(self, request: Document, region: str, lag: float) -> Document:
        return listing.search(request, [(job, self.tags.get(job.arn, {})) for job in self._in(region, lag)])

    def _in(self, region: str, lag: float) -> list[TrainingJob]:
        with self._lock:
            jobs = [job for job in self.jobs.values() if job.region == region]
        return [job for job in jobs if not lag or self.clock() - job.created >= lag]

    def _tags_of(self, request: Document) -> dict[str, str]:
        try:
            return self.tags[request["ResourceArn"]]
        except KeyError:
            raise invalid(f"Could not find resource with ARN {request['ResourceArn']}.") from None

    def add_tags(self, request: Document, region: str) -> Document:
        tags = self._tags_of(request)
        merged = tags | {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        if any(key.lower().startswith("aws:") for key in merged):
            raise invalid("aws: prefixed tag key names are not allowed for external use.")
        if len(merged) > model.service().shape_for("TagList").metadata["max"]:
            raise ServiceError("ResourceLimitExceeded", "The number of tags exceeds the limit of 50 per resource.")
        tags.update(merged)
        return {"Tags": _pairs(tags)}

    def list_tags(self, request: Document, region: str) -> Document:
        return {"Tags": _pairs(self._tags_of(request))}

    def delete_tags(self, request: Document, region: str) -> Document:
        tags = self._tags_of(request)
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


_OPERATIONS: Mapping[str, Callable[[SageMaker, Document, str], Document | None]] = {
    "CreateTrainingJob": SageMaker.create,
    "DescribeTrainingJob": SageMaker.describe,
    "StopTrainingJob": SageMaker.stop,
    "DeleteTrainingJob": SageMaker.delete,
    "UpdateTrainingJob": SageMaker.update,
    "AddTags": SageMaker.add_tags,
    "ListTags": SageMaker.list_tags,
    "DeleteTags": SageMaker.delete_tags,
}
_LISTS: Mapping[str, Callable[[SageMaker, Document, str, float], Document]] = {
    "ListTrainingJobs": SageMaker.list_jobs,
    "Search": SageMaker.search,
}
