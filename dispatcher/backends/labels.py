"""What the dispatcher writes on every cloud job, whether the cloud calls it tags or labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dispatcher.backends.base import Submission
    from dispatcher.backends.context import Context
    from dispatcher.backends.findings import Findings
    from dispatcher.job import Job
    from dispatcher.queue import Queue


def own(job: Job, queue: Queue, submission: Submission, context: Context[Any]) -> dict[str, str]:
    """Return the dispatcher's own labels, empty ones left out; values are as they are, not yet fit for a cloud."""
    labels = {
        "managed-by": "launchway",
        "dispatch-id": submission.id,
        "dispatch-attempt": str(submission.attempt),
        "owner": context.user,
        "queue": queue.name,
        "environment": context.environment,
        "regime": context.regime,
        "job-type": job.job_type or "",
        "workload": job.workload or "",
    }
    return {key: value for key, value in labels.items() if value}


_KEYS = ("managed-by", "dispatch-id", "dispatch-name", "dispatch-attempt", "owner", "queue", "environment")
RESERVED = frozenset([*_KEYS, "regime", "job-type", "workload"])
"""Keys that a job may not take; some clouds also carry the job's name among them."""


def check_free(job: Job, findings: Findings, word: str = "label") -> None:
    """Keep the dispatcher's keys from being taken by a job."""
    for key in job.labels:
        if key in RESERVED:
            findings.problem(f"labels.{key}", f"the dispatcher sets this {word} itself", "choose another key")
