"""The SageMaker backend: the verbs of `Backend` over render, session, observe, logs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dispatcher.backends.base import LogLine, Observation, Request, Submission
from dispatcher.backends.sagemaker.render import Context, render

if TYPE_CHECKING:
    from dispatcher.contract import AwsZone
    from dispatcher.job import Job
    from dispatcher.queue import Queue


class SagemakerBackend:
    """One AWS zone. Holds clients for as long as it lives; every method but `render` may reach the network."""

    def __init__(
        self, zone: AwsZone, *, identity: str = "agent", user: str, environment: str = "", regime: str = "none"
    ) -> None:
        self._context = Context(zone, user, environment, regime)
        self._identity = identity

    def render(self, job: Job, queue: Queue, submission: Submission) -> Request:
        """Build the exact CreateTrainingJob body. Pure; raises SpecError or PolicyRefusal with all reasons."""
        return render(job, queue, submission, self._context)

    def submit(self, request: Request) -> str:
        """Create the job and return its ARN. Raises AlreadyExistsError when the name is taken."""
        raise NotImplementedError

    def adopt(self, name: str) -> Observation | None:
        """Describe a job that may exist; None when SageMaker knows no such name."""
        raise NotImplementedError

    def poll(self, names: Sequence[str]) -> Mapping[str, Observation]:
        """Observe many jobs: one list of what is in progress, then a description of each that is not in it."""
        raise NotImplementedError

    def logs(
        self, name: str, *, follow: bool = False, done: Callable[[], bool] = lambda: True
    ) -> Iterator[LogLine]:
        """Yield the lines of all nodes in time order."""
        raise NotImplementedError

    def cancel(self, name: str) -> None:
        """Ask SageMaker to stop the job; one that has ended is left alone."""
        raise NotImplementedError

    def fetch(self, name: str, target: Path) -> list[Path]:
        """Bring the job's archives into `target`, unpacked."""
        raise NotImplementedError
