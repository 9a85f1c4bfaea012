"""The Vertex AI backend: the verbs of `Backend` over render, session, observe, logs and outputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher import naming
from dispatcher.backends.base import LogLine, Observation, Request, Sighting, State, Submission, Upload
from dispatcher.backends.context import Context
from dispatcher.backends.faults import Throttled
from dispatcher.backends.vertex import observe
from dispatcher.backends.vertex.render import label_value, render
from dispatcher.backends.vertex.session import PAUSES, Session
from dispatcher.errors import AlreadyExistsError, DispatchError, NotFoundError, SpecError, UnreachableError

if TYPE_CHECKING:
    from dispatcher.contract import GcpZone
    from dispatcher.images.login import Login
    from dispatcher.images.transport import Transport
    from dispatcher.job import Job
    from dispatcher.queue import Queue

PAGE = 100
"""Jobs of one answer of ListCustomJobs."""
TOGETHER, LONGEST = PAGE, 6000
"""Names that one filter asks for, and its characters: escaped it stays within the 8 KiB that any URL may have."""


class VertexBackend:
    """One GCP zone. Holds a session for as long as it lives; every method but `render` may reach the network.

    `sleep` is what `logs` and repeated calls wait with, so that tests need no real time.
    """

    settle_seconds = 120.0
    """Vertex takes a second job of the same name, so nothing is sent again sooner: a create has a minute to
    answer, and what it made has another to be listed (how long lists may lag is not documented)."""

    def __init__(
        self,
        zone: GcpZone,
        *,
        identity: str = "agent",
        user: str,
        environment: str = "",
        regime: str = "none",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._context = Context(zone, user, environment, regime)
        self._session = Session(zone, identity=identity, user=user, sleep=sleep)
        self._sleep = sleep

    def render(self, job: Job, queue: Queue, submission: Submission) -> Request:
        """Build the exact CustomJob. Pure; raises SpecError or PolicyRefusal with all reasons."""
        return render(job, queue, submission, self._context)

    def stage(self, upload: Upload, content: Path) -> None:
        """Put an object of a job into the zone's data bucket, where it is not there yet."""
        from dispatcher.backends.vertex import staging

        staging.stage(self._session, upload, content)

    def local(self) -> bool:
        """Tell whether a local cloud stands in for this one."""
        return self._session.local()

    def registry_login(self, host: str, calls: Transport) -> Login:
        """Return a short-lived login for a registry that jobs of the zone may pull from."""
        from dispatcher.backends.vertex import registry

        return registry.login(self._session, host)

    def submit(self, request: Request) -> str:
        """Create the job and return its resource name. Raises AlreadyExistsError when the name is taken.

        Vertex would make a second job of the same name, so the name is looked up first, and again when the answer
        to the create is lost: then the job that did arrive is the result. Where it is not listed (yet) the error
        of the create is raised, and the caller looks again before it sends again (`settle_seconds`).
        """
        from dispatcher.backends.vertex import protos

        (operation,) = request.operations
        protos.check(operation.body)
        for pause in (PAUSES[-1], None):
            if taken := self._find(request.name):
                raise AlreadyExistsError(f"CreateCustomJob: {taken['name']} is {request.name}")
            try:
                made = self._call("CreateCustomJob", "customJobs", body=operation.body, again=False)
                return str(made["name"])
            except Throttled:
                if pause is None:
                    raise
                self._sleep(pause)
            except UnreachableError as error:
                try:
                    arrived = self._find(request.name)
                except DispatchError as blind:
                    # That it cannot be looked up says nothing of the create: its outcome stays unknown.
                    raise error from blind
                if arrived is None:
                    raise
                return str(arrived["name"])
        raise AssertionError("the last try returns or raises")

    def adopt(self, name: str) -> Observation | None:
        """Describe a job that may exist; None when Vertex lists none of this name (yet)."""
        return self.poll([name]).get(name)

    def poll(self, names: Sequence[str]) -> Mapping[str, Observation]:
        """Observe many jobs in few calls, a hundred to a call; a job that Vertex does not list is left out."""
        zone = self._context.zone
        return {name: observe.from_job(first, zone, twins) for name, (first, *twins) in self._named(names).items()}

    def ours(self, since: str, known: Callable[[str], bool] = lambda name: False) -> Iterator[Sighting]:
        """Find the jobs that a dispatcher has made for this environment since then, by their labels."""
        zone, environment = self._context.zone, label_value(self._context.environment)
        for job in self._list(f'labels.managed-by="launchway" AND create_time>="{since}"'):
            told = job.get("labels", {})
            if told.get("environment", "") == environment and naming.parsed(told.get(observe.NAME, "")):
                yield Sighting(observe.from_job(job, zone), told.get("owner", ""))

    def logs(
        self, name: str, *, follow: bool = False, done: Callable[[], bool] = lambda: True
    ) -> Iterator[LogLine]:
        """Yield the lines of all nodes in time order; with `follow`, as they come, until the job is done."""
        from dispatcher.backends.vertex.logs import LogReader

        job = self._described(name)
        reader = LogReader(self._session, job["name"], job.get("createTime"))
        yield from reader.follow(done, self._sleep) if follow else reader.read()

    def cancel(self, name: str) -> None:
        """Ask Vertex to stop the job, which it does in its own time; one that has ended is left alone.

        A second job of the name, which a lost answer may have led to, is stopped as well: nobody else would.
        """
        jobs = self._named([name]).get(name)
        if not jobs:
            raise self._absent(name)
        for job in jobs:
            self._stop(name, job)

    def _stop(self, name: str, job: Mapping[str, Any]) -> None:
        if _stopping(job):
            return
        try:
            self._call("CancelCustomJob", f"customJobs/{observe.number(job['name'])}:cancel", body={})
        except (SpecError, NotFoundError):
            # FAILED_PRECONDITION: it ended, or somebody cancelled it, between the two calls.
            now = [one for one in self._named([name]).get(name, ()) if one["name"] == job["name"]]
            if not any(_stopping(one) for one in now):
                raise

    def fetch(self, name: str, target: Path) -> list[Path]:
        """Bring the job's outputs into `target`, in the directories the program made."""
        from dispatcher.backends.vertex import outputs

        job = self._described(name)
        uri = job.get("jobSpec", {}).get("baseOutputDirectory", {}).get("outputUriPrefix")
        if not uri:
            raise NotFoundError(f"job {name} was sent without an output directory")
        return outputs.fetch(self._session, uri, name, target)

    def _described(self, name: str) -> Mapping[str, Any]:
        found = self._find(name)
        if found is None:
            raise self._absent(name)
        return found

    def _absent(self, name: str) -> NotFoundError:
        return NotFoundError(f"Vertex AI in {self._context.zone.region} lists no job {name}")

    def _find(self, name: str) -> Mapping[str, Any] | None:
        """The job of a name; of several, which a lost answer may lead to, the oldest."""
        found = self._named([name]).get(name)
        return found[0] if found else None

    def _named(self, names: Sequence[str]) -> dict[str, list[Mapping[str, Any]]]:
        """List jobs by their label, for each name that has any the oldest first."""
        wanted = list(dict.fromkeys(names))
        found: dict[str, list[Mapping[str, Any]]] = {}
        for text in filters(wanted):
            for job in self._list(text):
                name = job.get("labels", {}).get(observe.NAME, "")
                if name in wanted:
                    found.setdefault(name, []).append(job)
        return {name: sorted(jobs, key=_born) for name, jobs in found.items()}

    def _list(self, text: str) -> Iterator[Mapping[str, Any]]:
        query: dict[str, object] = {"filter": text, "pageSize": PAGE}
        while True:
            answer = self._call("ListCustomJobs", "customJobs", query=query)
            yield from answer.get("customJobs", ())
            if not answer.get("nextPageToken"):
                return
            query = {**query, "pageToken": answer["nextPageToken"]}

    def _call(self, operation: str, path: str, **rest: Any) -> dict[str, Any]:
        zone = self._context.zone
        parent = f"v1/projects/{zone.project}/locations/{zone.region}"
        return self._session.call(operation, "aiplatform", f"{parent}/{path}", **rest)


def filters(names: Sequence[str]) -> Iterator[str]:
    """Yield as few filters as ask for all these names."""
    parts: list[str] = []
    for name in names:
        part = f'labels.{observe.NAME}="{name}"'
        if len(parts) == TOGETHER or len(" OR ".join([*parts, part])) > LONGEST:
            yield " OR ".join(parts)
            parts = []
        parts.append(part)
    if parts:
        yield " OR ".join(parts)


def _stopping(job: Mapping[str, Any]) -> bool:
    """Whether a job has ended, or has been asked to."""
    state = observe.state(job.get("state"))
    return state is not None and (state.final or state is State.STOPPING)


def _born(job: Mapping[str, Any]) -> tuple[str, str]:
    return (str(job.get("createTime", "")), str(job["name"]))
