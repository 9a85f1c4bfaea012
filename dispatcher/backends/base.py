"""The one interface every cloud implements: render is pure, submit is the only call that starts anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dispatcher.job import Job
    from dispatcher.queue import Queue


class State(StrEnum):
    """The life of one submission, the same words on every cloud (DESIGN: the life of a submission)."""

    QUEUED = "queued"
    SUBMITTING = "submitting"
    PENDING = "pending"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"

    @property
    def final(self) -> bool:
        """True when no later observation can change it."""
        return self in _FINAL


_FINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.TIMED_OUT})


@dataclass(frozen=True, slots=True)
class Submission:
    """Which attempt of which submission is rendered: `id` is lower-case base32, `attempt` counts from 1.

    A dry run uses `naming.placeholder(job)`. `name` is the name on the cloud and is used once, ever.
    `checkpoints_of` is the submission whose checkpoints this one goes on with, empty for its own.
    """

    id: str
    attempt: int
    slug: str
    checkpoints_of: str = ""

    @property
    def name(self) -> str:
        return f"{self.slug}-{self.id}-{self.attempt}"

    @property
    def checkpoints(self) -> str:
        """The id under which all attempts, of this submission and of those that retried it, keep checkpoints."""
        return self.checkpoints_of or self.id


@dataclass(frozen=True, slots=True)
class Operation:
    """One call to the cloud: the vendor's operation name and the body exactly as it goes over the wire.

    `path` is the id of the resource that is written, for a vendor who puts names into the URL and not the body.
    """

    operation: str
    body: Mapping[str, Any]
    path: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the call as people and digests see it."""
        return {"operation": self.operation, **({"path": self.path} if self.path else {}), "body": self.body}


@dataclass(frozen=True, slots=True)
class Upload:
    """An object that must be in the zone before the job starts: where, in the cloud's own words, and what.

    `uri` names the content by its digest, so what is there already is the same; `size` is in bytes, `sha256` hex.
    """

    uri: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Request:
    """A rendered submission: a value that can be printed, compared, stored and sent.

    `machines` is how many machines it takes where those are not the job's nodes: they are what costs, and what
    caps count. `uploads` go before the operations and are no part of them (`Backend.stage`).
    """

    cloud: str
    name: str
    operations: tuple[Operation, ...]
    warnings: tuple[str, ...] = ()
    machines: int | None = None
    uploads: tuple[Upload, ...] = ()


CAPACITY, INTERRUPTED = "capacity", "interrupted"
"""Causes of an end that are the cloud's: it had no machines, or took spot ones away and does not start again."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What the cloud said of one job at one moment.

    `state` is None when the vendor's word has no row in our table: the caller keeps the state it has.
    `vendor_state` is the vendor's own text. Times are RFC 3339 UTC. `billable_seconds` counts all nodes
    once, as the vendor reports it. `interruptions` are machines that were taken and given back, as far as the
    vendor tells. `model_uri` is where the job's output archive or folder is. `cause` of a failure is `program`,
    `request`, `capacity`, `interrupted`, `provider`, or empty when the vendor does not say; of a time-out it is
    `capacity` when the time went by waiting for machines.
    `times_unknown` says that the cloud keeps the job's times where who asks cannot read them, and with them what
    tells a time-out from a cancellation.
    """

    name: str
    provider_id: str
    state: State | None
    vendor_state: str
    reason: str = ""
    created_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    billable_seconds: int | None = None
    interruptions: int = 0
    model_uri: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    cause: str = ""
    times_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Sighting:
    """A job that is on a cloud with a dispatcher's marks, whoever sent it: `owner` is the person, empty when the
    cloud does not tell."""

    seen: Observation
    owner: str = ""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line a job printed: `node` is the vendor's stream (`algo-1`), `time` milliseconds since 1970."""

    time: int
    node: str
    text: str


class Backend(Protocol):
    """What the dispatcher needs of a cloud. Every method but `render` may raise AuthError, QuotaError,
    CapacityError, UnreachableError and friends (dispatcher.errors); none returns on a half-done effect."""

    settle_seconds: float
    """Seconds after a `submit` of unknown outcome in which its job may exist and not be found by its name: nothing
    is sent again sooner. 0 where the cloud itself refuses a second job of one name."""

    def render(self, job: Job, queue: Queue, submission: Submission) -> Request:
        """Build the exact request. Pure: no network, no clock, no cloud SDK. Raises SpecError, PolicyRefusal."""
        ...

    def stage(self, upload: Upload, content: Path) -> None:
        """Put an object where it is not there yet, as the zone's agent; `content` is the file that holds it.

        Raises NotHereError when the object is missing there and the file is missing or damaged here, UsageError
        when what is there is not what it is called.
        """
        ...

    def submit(self, request: Request) -> str:
        """Send it and return the provider's id. Raises AlreadyExistsError when the name is taken."""
        ...

    def adopt(self, name: str) -> Observation | None:
        """Find a job this dispatcher may have submitted before a crash; None when the cloud has none."""
        ...

    def poll(self, names: Sequence[str]) -> Mapping[str, Observation]:
        """Observe many jobs in as few calls as the API allows; a job the cloud does not know is left out."""
        ...

    def ours(self, since: str, known: Callable[[str], bool] = lambda name: False) -> Iterator[Sighting]:
        """Find the jobs of this zone that a dispatcher has made since then (RFC 3339), ended ones too.

        Each job once, two of one name as two. Jobs whose name is `known` need no further call to be told from
        those of others, so that a zone full of jobs is looked through at the price of its list.
        """
        ...

    def logs(
        self, name: str, *, follow: bool = False, done: Callable[[], bool] = lambda: True
    ) -> Iterator[LogLine]:
        """Yield lines of all nodes in time order; with `follow`, until `done()` and the streams are drained."""
        ...

    def cancel(self, name: str) -> None:
        """Ask the cloud to stop the job. Asking twice, or for one that has ended, is not an error."""
        ...

    def fetch(self, name: str, target: Path) -> list[Path]:
        """Bring the job's outputs into `target` (made if missing) and return the files written."""
        ...
