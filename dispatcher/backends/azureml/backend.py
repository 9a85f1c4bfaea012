"""The Azure ML backend: the verbs of `Backend` over render, session, observe, logs and outputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from dispatcher import naming
from dispatcher.backends.azureml import faults, observe, place
from dispatcher.backends.azureml.faults import GET_WORKSPACE
from dispatcher.backends.azureml.render import render, tag_value
from dispatcher.backends.azureml.runs import RunHistory
from dispatcher.backends.azureml.session import PATIENCE, PAUSES, Session
from dispatcher.backends.base import LogLine, Observation, Operation, Request, Sighting, State, Submission, Upload
from dispatcher.backends.context import Context
from dispatcher.backends.faults import QuotaExceeded, Throttled
from dispatcher.errors import (
    AlreadyExistsError,
    DispatchError,
    NotFoundError,
    Problem,
    SpecError,
    UnreachableError,
)

if TYPE_CHECKING:
    from dispatcher.contract import AzureZone
    from dispatcher.images.login import Login
    from dispatcher.images.transport import Transport
    from dispatcher.job import Job
    from dispatcher.queue import Queue

MANY = 5
"""For so many jobs the workspace's list, newest first, is looked through before any is asked for by its name."""
PAGES = 5
"""Pages of the list that are looked through for nothing: each job found there, which nobody has to ask for by its
name, pays for one more. How many jobs a page has is Azure ML's choice."""


class AzureMLBackend:
    """One Azure zone. Holds a session for as long as it lives; every method but `render` may reach the network.

    `sleep` is what `logs` and repeated calls wait with, and `clock` says the time, so that tests need no real one.
    """

    settle_seconds = 0.0
    """A second PUT of one name is the same job again, so nothing has to pass before a job is sent once more."""

    def __init__(
        self,
        zone: AzureZone,
        *,
        identity: str = "agent",
        user: str,
        environment: str = "",
        regime: str = "none",
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._context = Context(zone, user, environment, regime)
        self._session = Session(zone, identity=identity, user=user, sleep=sleep)
        self._history = RunHistory(clock)
        self._sleep = sleep
        self._clock = clock

    def render(self, job: Job, queue: Queue, submission: Submission) -> Request:
        """Build the environment version and the job. Pure; raises SpecError or PolicyRefusal with all reasons."""
        return render(job, queue, submission, self._context)

    def stage(self, upload: Upload, content: Path) -> None:
        """Put an object of a job into the zone's data container, where it is not there yet."""
        from dispatcher.backends.azureml import staging

        staging.stage(self._session, upload, content)

    def local(self) -> bool:
        """Tell whether a local cloud stands in for this one."""
        return self._session.local()

    def registry_login(self, host: str, calls: Transport) -> Login:
        """Return a short-lived login for a registry that jobs of the zone may pull from."""
        from dispatcher.backends.azureml import registry

        return registry.login(self._session, host, calls)

    def submit(self, request: Request) -> str:
        """Put the environment version, then the job; return its id. Raises AlreadyExistsError for a taken name.

        A PUT on a name that is taken changes that job, so the name is looked up first, and again when the answer
        to the PUT is lost: then the job that did arrive is the result.
        """
        environment, job = request.operations
        self._refuse_taken(request.name)
        self._ensure(environment)
        for pause in (PAUSES[-1], None):
            try:
                made = self._session.arm(job.operation, "PUT", job.path, body=job.body, again=False)
                return str(made.get("id") or job.path)
            except QuotaExceeded as error:
                raise self._with_family(error, job.body) from error
            except Throttled as error:
                if pause is None:
                    raise
                self._sleep(max(pause, min(error.after, PATIENCE)))
                self._refuse_taken(request.name)
            except UnreachableError as error:
                try:
                    arrived = self._job(request.name)
                except DispatchError as blind:
                    # That it cannot be looked up says nothing of the PUT: its outcome stays unknown.
                    raise error from blind
                if arrived is None:
                    raise
                return str(arrived["id"])
        raise AssertionError("the last try returns or raises")

    def adopt(self, name: str) -> Observation | None:
        """Describe a job that may exist; None when the workspace has none of this name."""
        return self.poll([name]).get(name)

    def poll(self, names: Sequence[str]) -> Mapping[str, Observation]:
        """Observe jobs: one call each, or few for many, and one for all that have begun. Strangers are left out.

        Where run history answers in the zone's network only, or is down, states are all that is known.
        """
        jobs = self._jobs(list(dict.fromkeys(names)))
        begun = [name for name, job in jobs.items() if _begun(job)]
        zone, told = self._context.zone, self._history.tell(self._session, begun)
        now = datetime.fromtimestamp(self._clock(), UTC)
        return {
            name: observe.from_job(job, zone, told.records.get(name), told.unknown, name in told.owed, now)
            for name, job in jobs.items()
        }

    def ours(self, since: str, known: Callable[[str], bool] = lambda name: False) -> Iterator[Sighting]:
        """Find the jobs that a dispatcher has made for this environment since then, by their tags."""
        zone, environment = self._context.zone, tag_value(self._context.environment)
        for page in self._pages():
            recent = [job for job in page if (observe.created(job) or since) >= since]
            for job in recent:
                tags = observe.mapping(observe.mapping(job.get("properties")).get("tags"))
                if tags.get("environment", "") == environment and naming.parsed(str(job.get("name"))):
                    yield Sighting(observe.from_job(job, zone), str(tags.get("owner", "")))
            if page and not recent:
                return  # the newest come first

    def logs(
        self, name: str, *, follow: bool = False, done: Callable[[], bool] = lambda: True
    ) -> Iterator[LogLine]:
        """Yield the lines of all nodes; with `follow`, as they come, until the job is done."""
        from dispatcher.backends.azureml.logs import LogReader

        self._described(name)
        reader = LogReader(self._session, name)
        yield from reader.follow(done, self._sleep) if follow else reader.read()

    def cancel(self, name: str) -> None:
        """Ask Azure ML to stop the job, which it does in its own time; one that has ended is left alone."""
        if _stopping(self._described(name)):
            return
        try:
            self._session.arm("CancelJob", "POST", f"{place.job_id(self._context.zone, name)}/cancel")
        except (SpecError, NotFoundError):
            # It ended, or somebody cancelled it, between the two calls.
            now = self._job(name)
            if now is None or not _stopping(now):
                raise

    def fetch(self, name: str, target: Path) -> list[Path]:
        """Bring the job's outputs into `target`, in the directories the program made."""
        from dispatcher.backends.azureml import outputs

        uri = observe.output(observe.mapping(self._described(name).get("properties")), self._context.zone)
        if not uri:
            raise NotFoundError(f"job {name} was sent without an output in the zone's container")
        return outputs.fetch(self._session, uri, name, target)

    def _ensure(self, version: Operation) -> None:
        """Put an environment version. The same image is the same version, so one that is there already will do.

        That Azure ML will not have it put twice, or twice at once, says nothing of the job.
        """
        try:
            self._session.arm(version.operation, "PUT", version.path, body=version.body)
            return
        except AlreadyExistsError as refusal:
            refused = refusal
        try:
            there = self._session.arm("GetEnvironmentVersion", "GET", version.path)
        except NotFoundError:
            raise UnreachableError(refused.message, "nothing to change here: try again later") from refused
        image, wanted = observe.mapping(there.get("properties")).get("image"), version.body["properties"]["image"]
        if image != wanted:
            rule = f"holds the image {image}, not {wanted}, and keeps it"
            remedy = "archive that version, or name the image by another digest or tag"
            raise SpecError(
                [Problem(f"Azure ML {version.operation}", None, version.path, rule, remedy)]
            ) from refused

    def _with_family(self, error: QuotaExceeded, body: Mapping[str, Any]) -> QuotaExceeded:
        """Name the family of the job's VM size where Azure's own text names no quota."""
        if error.quota:
            return error
        from dispatcher.placement.catalog import catalog

        properties = body["properties"]
        cluster = str(properties.get("computeId") or "").rpartition("/")[2]
        sizes = {entry.name: entry.instance for entry in self._context.zone.compute}
        size = observe.mapping(properties.get("resources")).get("instanceType") or sizes.get(cluster, "")
        found = catalog("azure").get(str(size))
        return faults.of_family(error, found.family, self._session.caller) if found and found.family else error

    def _refuse_taken(self, name: str) -> None:
        if taken := self._job(name):
            raise AlreadyExistsError(f"PutJob: {taken['id']} is there already")

    def _described(self, name: str) -> Mapping[str, Any]:
        found = self._job(name)
        if found is None:
            self._require_workspace()
            raise NotFoundError(f"workspace {self._context.zone.workspace} has no job {name}")
        return found

    def _require_workspace(self) -> None:
        """Raise ZoneGone when it is not a job that is missing, but where it would be."""
        self._session.arm(GET_WORKSPACE, "GET", place.workspace_id(self._context.zone))

    def _job(self, name: str) -> Mapping[str, Any] | None:
        try:
            return self._session.arm("GetJob", "GET", place.job_id(self._context.zone, name))
        except NotFoundError:
            return None

    def _jobs(self, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        if len(names) >= MANY:
            wanted = set(names)
            for number, page in enumerate(self._pages(), 1):
                found |= {job["name"]: job for job in page if job.get("name") in wanted}
                if len(found) == len(wanted):
                    return found
                if number >= PAGES + len(found):
                    break
        for name in names:
            if name not in found and (one := self._job(name)):
                found[name] = one
        if names and not found:
            self._require_workspace()
        return found

    def _pages(self) -> Iterator[Sequence[Mapping[str, Any]]]:
        """List the dispatcher's jobs of the workspace, the newest first."""
        path = f"{place.workspace_id(self._context.zone)}/jobs"
        query = {"jobType": "Command", "tag": "dispatch-id", "listViewType": "All"}
        while True:
            answer = self._session.arm("ListJobs", "GET", path, query=query)
            yield answer.get("value") or ()
            # Only the place in the list is taken from the address of the next page: where to go is known.
            skip = parse_qs(urlsplit(str(answer.get("nextLink") or "")).query).get("$skip")
            if not skip or skip[0] == query.get("$skip"):
                return
            query = {**query, "$skip": skip[0]}


def _begun(job: Mapping[str, Any]) -> bool:
    """Whether run history has more to say of a job than that it waits."""
    found = observe.state(observe.mapping(job.get("properties")).get("status"))
    return found not in (State.PENDING, None)


def _stopping(job: Mapping[str, Any]) -> bool:
    """Whether a job has ended, or has been asked to."""
    found = observe.state(observe.mapping(job.get("properties")).get("status"))
    return found is not None and (found.final or found is State.STOPPING)
