"""The Azure ML backend: the verbs of `Backend` over render, session, observe, logs and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatcher.backends.azureml.render import render
from dispatcher.backends.base import Request, Submission
from dispatcher.backends.context import Context

if TYPE_CHECKING:
    from dispatcher.contract import AzureZone
    from dispatcher.job import Job
    from dispatcher.queue import Queue


class AzureMLBackend:
    """One Azure zone."""

    def __init__(
        self, zone: AzureZone, *, identity: str = "agent", user: str, environment: str = "", regime: str = "none"
    ) -> None:
        self._context = Context(zone, user, environment, regime)
        self._identity = identity

    def render(self, job: Job, queue: Queue, submission: Submission) -> Request:
        """Build the environment version and the job. Pure; raises SpecError or PolicyRefusal with all reasons."""
        return render(job, queue, submission, self._context)
