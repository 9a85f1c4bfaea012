"""The dispatcher as a Python object: `from dispatcher import Dispatcher`. The command line only calls this."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher.clock import Clock, Sleep, stamp
from dispatcher.errors import AuthError, NotFoundError, UsageError
from dispatcher.ledger import Entry, Event, Filter, Ledger, opening
from dispatcher.ledger.rows import QUEUED

if TYPE_CHECKING:
    from dispatcher.backends.base import Backend, LogLine, Request
    from dispatcher.changes import Changes
    from dispatcher.job import Job
    from dispatcher.placement import Estimate
    from dispatcher.sites import Line, Sites
    from dispatcher.tick import Report, Ticker


@dataclass(frozen=True, slots=True)
class Plan:
    """What a submission would be: `submit --dry-run` prints it, `submit` records and sends it."""

    line: Line
    job: Job
    request: Request
    hardware: str
    estimate: Estimate
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The document of `submit --dry-run -o json`; bodies are exactly what goes over the wire."""
        return {
            "queue": self.line.queue.name,
            "zone": self.line.queue.zone,
            "cloud": self.line.cloud,
            "requests": [
                {"operation": operation.operation, "body": operation.body} for operation in self.request.operations
            ],
            "warnings": list(self.warnings),
            "estimate": self.estimate.as_json(),
        }


class Dispatcher:
    """The verbs of `dispatch` on one ledger. Every method may raise DispatchError (dispatcher.errors).

    `ledger` is a path, else DISPATCH_LEDGER, else the user's own. Clock, sleep and the function that opens
    clouds can be replaced; the environment is that of the process.
    """

    def __init__(
        self,
        ledger: str | Path | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        clock: Clock = time.time,
        sleep: Sleep = time.sleep,
        open_backend: Callable[..., Backend] | None = None,
    ) -> None:
        self.environment = os.environ if environment is None else environment
        self.clock = clock
        self.sleep = sleep
        self._open_backend = open_backend
        self._path = opening.place(str(ledger) if ledger is not None else None, self.environment)
        self._writable: Ledger | None = None
        self._readable: Ledger | None = None
        self._sites: Sites | None = None

    # The parts

    @property
    def ledger(self) -> Ledger:
        """The ledger, opened for changes; made when it does not exist yet."""
        if self._writable is None:
            from dispatcher.ledger.sqlite import SqliteLedger

            self._writable = SqliteLedger(self._path)
        return self._writable

    @property
    def reading(self) -> Ledger:
        """The ledger for questions only: a read-only file will do, and a missing one is empty."""
        if self._writable is not None:
            return self._writable
        if self._readable is None:
            from dispatcher.ledger.sqlite import SqliteLedger

            self._readable = SqliteLedger(self._path, readonly=True)
        return self._readable

    def close(self) -> None:
        """Close the ledger."""
        for opened in (self._writable, self._readable):
            if opened is not None:
                opened.close()
        self._writable = self._readable = self._sites = None

    def __enter__(self) -> Dispatcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def who(self) -> str:
        """The person, as history and the clouds' audit logs will name them."""
        import getpass

        return self.environment.get("DISPATCH_USER") or self.environment.get("USER") or getpass.getuser()

    def _places(self, *, write: bool) -> Sites:
        if self._sites is None or (write and self._sites.ledger is not self._writable):
            from dispatcher import backends
            from dispatcher.sites import Sites

            ledger = self.ledger if write else self.reading
            opener = self._open_backend or backends.open_backend
            self._sites = Sites(ledger, self.who, self._path.parent / "local-jobs", opener)
        return self._sites

    def _ticker(self) -> Ticker:
        import platform

        from dispatcher.process import alive, owner
        from dispatcher.tick import Ticker

        host = platform.node()
        return Ticker(
            ledger=self.ledger,
            site=self._places(write=True).site,
            clock=self.clock,
            sleep=self.sleep,
            owner=owner(self.who, host),
            token=lambda: secrets.token_hex(8),
            alive=lambda other: alive(other, host),
            clean=self.clean,
        )

    # Submitting

    def plan(
        self, job: Job | Callable[[Line], Job], queue: str | None = None, *, prices: str | Path | None = None
    ) -> Plan:
        """Check a job against a queue and render its request, without a network and without recording anything.

        `job` may be a function of the queue, for a job whose gaps the queue fills. `prices` is a price file.
        """
        from dispatcher import admission, naming, placement
        from dispatcher.sites import line

        found = line(self.reading, queue)
        checked = job(found) if callable(job) else job
        admission.check(checked, found.queue)
        zone = found.contract()
        backend = self._places(write=False).backend(found)
        hardware = placement.choose(checked, found.queue, zone)
        request = backend.render(checked, found.queue, naming.placeholder(checked))
        estimate = placement.estimate(hardware, checked, Path(prices) if prices is not None else None)
        return Plan(found, checked, request, hardware.instance, estimate, request.warnings)

    def plan_file(
        self,
        file: str | Path,
        queue: str | None = None,
        *,
        changes: Changes | None = None,
        prices: str | Path | None = None,
    ) -> Plan:
        """The same for a job file; `changes` is what goes on top of it. Raises SpecError with every problem."""
        from dispatcher import document, job_file
        from dispatcher.changes import Defaults

        data = document.read(file)

        def parse(found: Line) -> Job:
            word = found.queue.priority.word if found.queue.priority is not None else None
            filled = Defaults(found.queue.image, word, found.queue.nodes)
            return job_file.parse(str(file), data, changes, filled)

        return self.plan(parse, queue, prices=prices)

    def submit(
        self, job: Job | Callable[[Line], Job], queue: str | None = None, *, prices: str | Path | None = None
    ) -> Entry:
        """Record a job and run one tick for its queue: with free capacity it is on the cloud on return.

        The returned entry may still be `queued` (`why` says what it waits for).
        """
        entry = self.enqueue(self.plan(job, queue, prices=prices))
        self.tick(queues=[entry.queue])
        return self.show(entry.id)

    def enqueue(self, plan: Plan) -> Entry:
        """Record a planned job as queued, without submitting it."""
        import platform

        from dispatcher import naming, records

        found, job, estimate = plan.line, plan.job, plan.estimate
        document = self.clean(records.plain(job))
        now = stamp(self.clock())
        priced = estimate.as_json()
        entry = Entry(
            id=naming.new_id(),
            queue=found.queue.name,
            zone=found.queue.zone,
            cloud=found.cloud,
            region=found.zone.region if found.zone else "",
            slug=naming.slug(job),
            state=QUEUED,
            priority=int(job.priority),
            attempt=1,
            submitted_at=now,
            who=self.who,
            host=platform.node(),
            job=json.dumps(document, ensure_ascii=False),
            job_digest=naming.digest(document),
            nodes=job.resources.nodes,
            hardware=plan.hardware,
            spot=int(job.spot),
            preemptible=int(job.preemptible),
            max_runtime=job.max_runtime,
            job_type=job.job_type,
            workload=job.workload,
            environment=found.zone.environment if found.zone else None,
            regime=found.zone.regime if found.zone else None,
            unit_price=None if priced["unit_price"] is None else str(estimate.unit_price),
            currency=priced["currency"],
            price_source=priced["price_source"],
            price_as_of=priced["price_as_of"],
        )
        self.ledger.add(entry, Event(entry.id, now, "queued", self.who, json.dumps({"queue": entry.queue})))
        return entry

    def tick(self, *, queues: Sequence[str] | None = None, observe: bool = True) -> Report:
        """Run one scheduling tick, for some queues or for all."""
        return self._ticker().tick(queues=queues, observe=observe)

    # Looking

    def list(
        self,
        *,
        queue: str | None = None,
        states: Sequence[str] | None = None,
        who: str | None = None,
        since: str | None = None,
        limit: int | None = None,
    ) -> Sequence[Entry]:
        """Submissions, newest first."""
        return self.reading.entries(Filter(queue, states, who, since), limit)

    def count(
        self,
        *,
        queue: str | None = None,
        states: Sequence[str] | None = None,
        who: str | None = None,
        since: str | None = None,
    ) -> int:
        """How many submissions there are of a kind."""
        return self.reading.count(Filter(queue, states, who, since))

    def reasons(self, entry: Entry) -> Sequence[str]:
        """Why a queued job waits."""
        from dispatcher import waiting

        if entry.state != QUEUED:
            return ()
        return waiting.reasons(self.reading, entry, self._places(write=False).line(entry), self.clock())

    def stalled(self) -> str | None:
        """A warning when jobs wait and nothing has run a tick for five minutes."""
        from dispatcher import waiting

        return waiting.stalled(self.reading, self.clock())

    def clean(self, value: Any) -> Any:
        """A text or JSON document without anything that looks like a secret."""
        from dispatcher import redact

        known = redact.known_secrets(self.environment)
        return redact.redact(value, known) if isinstance(value, str) else redact.redact_document(value, known)

    def show(self, text: str) -> Entry:
        """The submission with this id, an unambiguous beginning of it, or this cloud name."""
        found = self.reading.find(text, 3) if text else []
        exact = [entry for entry in found if text in (entry.id, entry.cloud_name)]
        if len(exact or found) == 1:
            return (exact or found)[0]
        if found:
            names = ", ".join(entry.id for entry in found)
            raise UsageError(
                f"{text} is the beginning of more than one job", f"such as {names}: give more letters"
            )
        raise NotFoundError(
            f"there is no job {text} in {self.reading.name}", "`dispatch list` shows what there is"
        )

    def events(self, id: str) -> Sequence[Event]:
        """What happened to a submission, oldest first."""
        return self.reading.events(id)

    def refresh(self, text: str) -> Entry:
        """Ask the cloud about one job; when it cannot be asked, the last known state comes with the error."""
        entry = self.show(text)
        if not entry.final and entry.cloud_name:
            self._ticker().observe([entry])
        return self.show(entry.id)

    # Operating

    def logs(self, text: str, *, follow: bool = False) -> Iterator[LogLine]:
        """Lines that a job printed, of all nodes in time order; with `follow`, until it has ended."""
        entry = self.show(text)
        if follow:
            entry = self._until(entry, lambda now: bool(now.cloud_name) and now.state != "submitting")
        if not entry.cloud_name or entry.state == "submitting":
            return iter(())
        places = self._places(write=follow)
        backend = places.backend(places.line(entry))
        if not follow:
            return backend.logs(entry.cloud_name)
        pace = Pace(self.clock)

        def done() -> bool:
            if pace.due():
                self.tick()
            return self.show(entry.id).final

        return backend.logs(entry.cloud_name, follow=True, done=done)

    def wait(self, text: str, *, seen: Callable[[Entry], None] = lambda entry: None) -> Entry:
        """Run ticks until a job has ended; `seen` is called with every change of its state."""
        return self._until(self.show(text), lambda entry: entry.final, seen)

    def _until(
        self, entry: Entry, met: Callable[[Entry], bool], seen: Callable[[Entry], None] = lambda entry: None
    ) -> Entry:
        pause, state = 1.0, ""
        while True:
            if entry.state != state:
                state, pause = entry.state, 1.0
                seen(entry)
            if met(entry) or entry.final:
                return entry
            report = self.tick()
            entry = self.show(entry.id)
            if met(entry) or entry.final:
                continue
            error = report.error_of(entry.id)
            if isinstance(error, AuthError) and not error.propagating:
                raise error
            self.sleep(pause)
            pause = min(pause * 1.5, 15.0)

    def cancel(self, text: str) -> Entry:
        """Cancel a job: at once when it waits, by asking its cloud when it runs. Twice is no error."""
        entry = self.show(text)
        if entry.final:
            return entry
        now = stamp(self.clock())
        asked = {"cancel_requested_at": now, "cancelled_by": self.who}
        event = Event(entry.id, now, "cancel asked", self.who)
        if entry.state == QUEUED:
            ended = {**asked, "state": "cancelled", "ended_at": now, "reason": f"cancelled by {self.who}"}
            self.ledger.change(entry.id, ended, Event(entry.id, now, "cancelled", self.who))
            entry = self.show(entry.id)
            if entry.final:
                return entry
        self.ledger.change(entry.id, asked, event)
        report = self._ticker().press(self.show(entry.id))
        error = report.error_of(entry.id)
        if error is not None:
            raise error
        return self.show(entry.id)

    def fetch(self, text: str, target: str | Path | None = None) -> Sequence[Path]:
        """Bring a job's outputs into a directory (its id when not given) and return the files written."""
        entry = self.show(text)
        if not entry.cloud_name or entry.state in (QUEUED, "submitting"):
            raise NotFoundError(
                f"job {entry.id} has not started, so it has no outputs", f"dispatch wait {entry.id}"
            )
        places = self._places(write=False)
        return places.backend(places.line(entry)).fetch(entry.cloud_name, Path(target or entry.id))


@dataclass(slots=True)
class Pace:
    """Says when the next look is due: often at first, then every 15 seconds."""

    clock: Clock
    pause: float = 1.0
    last: float = 0.0

    def due(self) -> bool:
        """True when enough time has passed since it was last true."""
        if self.clock() - self.last < self.pause:
            return False
        self.last, self.pause = self.clock(), min(self.pause * 1.5, 15.0)
        return True
