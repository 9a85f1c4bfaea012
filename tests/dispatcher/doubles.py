"""Test doubles: a clock that only moves when told, and a cloud of a few lines for order, crash and loss.

`ToyCloud` fills the Backend protocol. It is a double for the dispatcher's own logic (who is claimed when, what
is recorded between two steps); what real clouds accept and answer is tested against localcloud and the
vendors' models elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dispatcher.backends import code
from dispatcher.backends.base import LogLine, Observation, Operation, Request, Sighting, State, Submission, Upload
from dispatcher.errors import AlreadyExistsError, DispatchError
from dispatcher.job import Job
from dispatcher.queue import Queue


@dataclass
class ManualClock:
    """Seconds since 1970 that pass only by `sleep`."""

    now: float = 1_795_248_000.0
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[float], None] = lambda seconds: None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.on_sleep(seconds)


@dataclass
class ToyCloud:
    """Keeps names and states; `refuse` raises on submit, `lose` raises after the job was made."""

    jobs: dict[str, State] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    refuse: list[BaseException] = field(default_factory=list)
    lose: list[BaseException] = field(default_factory=list)
    staged: dict[str, bytes] = field(default_factory=dict)
    looked: list[str] = field(default_factory=list)
    """What lies beside jobs, by its address, and every look for it."""
    unstaged: list[DispatchError] = field(default_factory=list)
    """Raised when something is to be put beside a job; each once."""
    blind: list[DispatchError] = field(default_factory=list)
    deaf: list[DispatchError] = field(default_factory=list)
    vendor_words: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    causes: dict[str, str] = field(default_factory=dict)
    lagging: dict[str, State] = field(default_factory=dict)
    """What the list of jobs still says of one, whatever it is when asked for by itself."""
    interrupted: dict[str, int] = field(default_factory=dict)
    rendered: dict[str, Job] = field(default_factory=dict)
    submissions: dict[str, Submission] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    timeless: bool = False
    """Whether it tells nobody out here when a job ran."""
    lines: dict[str, list[LogLine]] = field(default_factory=dict)
    mute: list[DispatchError] = field(default_factory=list)
    """Raised when a log is read; each once."""
    end_at: str = "2026-11-21T09:00:00Z"
    """When jobs end, whatever the clock says."""
    settle_seconds: float = 0.0

    def render(self, job: Job, queue: Queue, submission: Submission) -> Request:
        self.rendered[submission.name], self.submissions[submission.name] = job, submission
        body = {"Name": submission.name, "Image": job.image, "Nodes": job.resources.nodes}
        return Request(
            "toy", submission.name, (Operation("Create", body),), uploads=code.uploads(job, "toy://data")
        )

    def stage(self, upload: Upload, content: Path) -> None:
        if self.unstaged:
            raise self.unstaged.pop(0)
        self.looked.append(upload.uri)
        if upload.uri not in self.staged:
            self.staged[upload.uri] = code.archive(content, upload)

    def submit(self, request: Request) -> str:
        if self.refuse:
            raise self.refuse.pop(0)
        if request.name in self.jobs:
            raise AlreadyExistsError(f"{request.name} exists")
        self.jobs[request.name] = State.PENDING
        self.sent.append(request.name)
        if self.lose:
            raise self.lose.pop(0)
        return f"toy:{request.name}"

    def adopt(self, name: str) -> Observation | None:
        if self.blind:
            raise self.blind.pop(0)
        return self._observation(name) if name in self.jobs and name not in self.hidden else None

    def poll(self, names: Sequence[str]) -> Mapping[str, Observation]:
        if self.blind:
            raise self.blind.pop(0)
        known = [name for name in names if name in self.jobs and name not in self.hidden]
        return {name: self._observation(name, self.lagging.get(name)) for name in known}

    def _observation(self, name: str, listed: State | None = None) -> Observation:
        state = listed or self.jobs[name]
        word = self.vendor_words.get(name)
        ended = self.end_at if state.final and not self.timeless else None
        return Observation(
            name,
            f"toy:{name}",
            None if word else state,
            word or state.value.title(),
            reason=self.reasons.get(name, ""),
            cause=self.causes.get(name, ""),
            ended_at=ended,
            billable_seconds=90 if ended else None,
            interruptions=self.interrupted.get(name, 0),
            times_unknown=self.timeless,
        )

    def ours(self, since: str, known: Callable[[str], bool] = lambda name: False) -> Iterator[Sighting]:
        if self.blind:
            raise self.blind.pop(0)
        for name in sorted(self.jobs):
            yield Sighting(self._observation(name), owner="ada")

    def logs(
        self, name: str, *, follow: bool = False, done: Callable[[], bool] = lambda: True
    ) -> Iterator[LogLine]:
        if self.mute:
            raise self.mute.pop(0)
        yield from self.lines.get(name, [])
        while follow and not done():
            pass

    def cancel(self, name: str) -> None:
        if self.deaf:
            raise self.deaf.pop(0)
        self.cancelled.append(name)
        self.jobs[name] = State.STOPPING

    def fetch(self, name: str, target: Path) -> list[Path]:
        target.mkdir(parents=True, exist_ok=True)
        (target / "model.bin").write_bytes(b"weights")
        return [target / "model.bin"]

    def interrupt(self, name: str) -> None:
        """Take the machines of a job away, for a cloud that does not start it again by itself."""
        self.causes[name], self.reasons[name] = "interrupted", "its machines were taken"
        self.end(name, State.FAILED)

    def end(self, name: str, state: State = State.SUCCEEDED) -> None:
        """Let a job end."""
        self.jobs[name] = state
