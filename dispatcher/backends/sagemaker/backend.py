"""The SageMaker backend: the verbs of `Backend` over render, session, observe, logs and outputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher.backends.base import LogLine, Observation, Request, Sighting, State, Submission, Upload
from dispatcher.backends.context import Context
from dispatcher.backends.sagemaker import listing, observe
from dispatcher.backends.sagemaker.faults import translated, tried_before
from dispatcher.backends.sagemaker.listing import PAGE
from dispatcher.backends.sagemaker.render import render
from dispatcher.backends.sagemaker.session import Session
from dispatcher.errors import AlreadyExistsError, DispatchError, NotFoundError, SpecError, UnreachableError

if TYPE_CHECKING:
    from dispatcher.contract import AwsZone
    from dispatcher.images.login import Login
    from dispatcher.images.transport import Transport
    from dispatcher.job import Job
    from dispatcher.queue import Queue

FEW = 2
"""Up to so many jobs are described one by one: a list first would save nothing."""
FRESH = 20
"""Descriptions of running jobs that one poll may ask for, so that the first poll of a process stays short."""


class SagemakerBackend:
    """One AWS zone. Holds clients for as long as it lives; every method but `render` may reach the network.

    `sleep` is what `logs` waits with, so that tests need no real time.
    """

    settle_seconds = 0.0
    """SageMaker refuses a name that is taken, for ever."""

    def __init__(
        self,
        zone: AwsZone,
        *,
        identity: str = "agent",
        user: str,
        environment: str = "",
        regime: str = "none",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._context = Context(zone, user, environment, regime)
        self._session = Session(zone, identity=identity, user=user)
        self._sleep = sleep
        self._seen: dict[str, tuple[object, Observation]] = {}

    def render(self, job: Job, queue: Queue, submission: Submission) -> Request:
        """Build the exact CreateTrainingJob body. Pure; raises SpecError or PolicyRefusal with all reasons."""
        return render(job, queue, submission, self._context)

    def stage(self, upload: Upload, content: Path) -> None:
        """Put an object of a job into the zone's data bucket, where it is not there yet."""
        from dispatcher.backends.sagemaker import staging

        with translated(self._session):
            staging.stage(self._session.client("s3"), upload, content)

    def local(self) -> bool:
        """Tell whether a local cloud stands in for this one."""
        from dispatcher.backends.sagemaker import registry

        return registry.local(self._session)

    def registry_login(self, host: str, calls: Transport) -> Login:
        """Return a short-lived login for a registry that jobs of the zone may pull from."""
        from dispatcher.backends.sagemaker import registry

        return registry.login(self._session, host)

    def submit(self, request: Request) -> str:
        """Create the job and return its ARN. Raises AlreadyExistsError when the name is taken.

        A name that is taken means that an earlier try arrived, perhaps one that botocore made a second ago and
        whose answer was lost: `adopt` it.
        """
        (operation,) = request.operations
        try:
            with translated(self._session):
                return str(self._sagemaker().create_training_job(**operation.body)["TrainingJobArn"])
        except DispatchError as error:
            if not isinstance(error, AlreadyExistsError) and tried_before(error):
                self._refuse_arrived(request.name, error)
            raise

    def _refuse_arrived(self, name: str, error: DispatchError) -> None:
        """Raise when an earlier try of a create that was refused in the end has arrived, or when nobody knows."""
        try:
            arrived = self.adopt(name)
        except DispatchError as blind:
            words = f"AWS did not answer CreateTrainingJob at first, and then: {error.message}"
            raise UnreachableError(words, error.remedy) from blind
        if arrived is not None:
            raise AlreadyExistsError(f"CreateTrainingJob: an earlier try made {name}") from error

    def adopt(self, name: str) -> Observation | None:
        """Describe a job that may exist; None when SageMaker knows no such name (yet)."""
        try:
            return self._describe(name)
        except NotFoundError:
            return None

    def poll(self, names: Sequence[str]) -> Mapping[str, Observation]:
        """Observe many jobs in few calls; a job that SageMaker does not know is left out.

        One list of what is in progress, a hundred to a call; a description of each of ours that is not in it
        (it ended, or the list lags: a description is always current), and of those whose step changed since
        the last poll. So a poll of N running jobs costs N/100 calls, and a job is described once when it ends.
        """
        wanted = list(dict.fromkeys(names))
        listed = self._in_progress(set(wanted)) if len(wanted) > FEW else {}
        found: dict[str, Observation] = {}
        budget = FRESH
        for name in wanted:
            summary = listed.get(name)
            brief = observe.from_summary(summary, self._context.zone) if summary else None
            if summary and brief:
                step = (brief.vendor_state, summary.get("LastModifiedTime"))
                known = self._seen.get(name)
                if known and known[0] == step:
                    found[name] = known[1]
                    continue
                if budget <= 0:
                    found[name] = brief
                    continue
                budget -= 1
            full = self.adopt(name)
            if full is None:
                self._seen.pop(name, None)
                continue
            found[name] = full
            if summary and brief and full.vendor_state == brief.vendor_state:
                self._seen[name] = ((brief.vendor_state, summary.get("LastModifiedTime")), full)
            elif full.state is not None and full.state.final:
                self._seen.pop(name, None)
        return found

    def ours(self, since: str, known: Callable[[str], bool] = lambda name: False) -> Iterator[Sighting]:
        """Find the jobs of this zone that a dispatcher has made since then, by their names and what they run as.

        A list has neither tags nor environment, so one whose name is not `known` is described.
        """

        def described(name: str) -> Mapping[str, Any]:
            with translated(self._session):
                answer: Mapping[str, Any] = self._sagemaker().describe_training_job(TrainingJobName=name)
                return answer

        with translated(self._session):
            summaries = listing.summaries(self._sagemaker(), since)
            yield from listing.ours(summaries, described, self._context.zone, known)

    def logs(
        self, name: str, *, follow: bool = False, done: Callable[[], bool] = lambda: True
    ) -> Iterator[LogLine]:
        """Yield the lines of all nodes in time order; with `follow`, as they come, until the job is done."""
        from dispatcher.backends.sagemaker.logs import LogReader

        with translated(self._session):
            reader = LogReader(self._session.client("logs"), name)
            yield from reader.follow(done, self._sleep) if follow else reader.read()

    def cancel(self, name: str) -> None:
        """Ask SageMaker to stop the job; one that is stopping or has ended is left alone."""
        try:
            with translated(self._session):
                self._sagemaker().stop_training_job(TrainingJobName=name)
        except SpecError:
            # ValidationException: it cannot be stopped in this state; which one, only a description tells.
            state = self._describe(name).state
            if state is None or not (state.final or state is State.STOPPING):
                raise

    def fetch(self, name: str, target: Path) -> list[Path]:
        """Bring the job's outputs into `target`, archives unpacked into a directory each."""
        from dispatcher.backends.sagemaker import outputs

        with translated(self._session):
            answer = self._sagemaker().describe_training_job(TrainingJobName=name)
            uri = answer["OutputDataConfig"]["S3OutputPath"]
            return outputs.fetch(self._session.client("s3"), uri, name, target)

    def _sagemaker(self) -> Any:
        return self._session.client("sagemaker")

    def _describe(self, name: str) -> Observation:
        with translated(self._session):
            answer = self._sagemaker().describe_training_job(TrainingJobName=name)
        return observe.from_description(answer, self._context.zone)

    def _in_progress(self, names: set[str]) -> dict[str, Mapping[str, Any]]:
        """List what runs in the account until all `names` are seen; other people's jobs bound the search.

        Each that is found need not be described, and pays for one more page.
        """
        found: dict[str, Mapping[str, Any]] = {}
        pages, most = 0, -(-len(names) // PAGE) + 2
        asked: dict[str, Any] = {
            "StatusEquals": "InProgress",
            "SortBy": "CreationTime",
            "SortOrder": "Descending",
            "MaxResults": PAGE,
        }
        with translated(self._session):
            while pages < most + len(found):
                answer = self._sagemaker().list_training_jobs(**asked)
                pages += 1
                for summary in answer.get("TrainingJobSummaries", ()):
                    if summary["TrainingJobName"] in names:
                        found[summary["TrainingJobName"]] = summary
                if len(found) == len(names) or not answer.get("NextToken"):
                    break
                asked["NextToken"] = answer["NextToken"]
        return found
