"""One portable job becomes two exact bodies, an environment version and a command job: pure, offline, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatcher.backends.base import Request, Submission
    from dispatcher.backends.context import Context
    from dispatcher.contract import AzureZone
    from dispatcher.job import Job
    from dispatcher.queue import Queue

PUT_ENVIRONMENT = "PutEnvironmentVersion"
PUT_JOB = "PutJob"


def render(job: Job, queue: Queue, submission: Submission, context: Context[AzureZone]) -> Request:
    """Build the request. Raises SpecError or PolicyRefusal with everything that is wrong, each with its remedy.

    It has two operations, in the order in which they are sent: the environment version that holds the image, and
    the job. Each has the resource id it is PUT to as its `path`.
    """
    raise NotImplementedError
