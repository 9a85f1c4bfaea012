"""The dispatcher as a Python object: `from dispatcher import Dispatcher`. The command line only calls this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dispatcher.errors import NotFoundError, SpecError, UsageError
from dispatcher.ledger import Entry, Event, Filter, Load, QueueRow, ZoneRow
from dispatcher.ledger.rows import QUEUED
from dispatcher.opened import Opened

if TYPE_CHECKING:
    from dispatcher.agent.opening import Agents
    from dispatcher.backends.base import Backend, LogLine
    from dispatcher.documents.changes import Changes
    from dispatcher.job import Job
    from dispatcher.planning import Plan
    from dispatcher.queue import Queue
    from dispatcher.scheduling.waiting import Wait
    from dispatcher.scheduling.work import Report
    from dispatcher.sites import Line
    from dispatcher.sweeps.verbs import Sweeps
    from dispatcher.sync import Changes as SyncChanges
    from dispatcher.upkeep import Upkeep

EVERY = Filter()
"""Every submission."""


class Dispatcher(Opened):
    """The verbs of `dispatch` on one ledger. Every method may raise DispatchError (dispatcher.errors).

    `ledger` is a path, else DISPATCH_LEDGER, else the user's own. Clock, sleep and the function that opens
    clouds can be replaced; the environment is that of the process.
    """

    # Submitting

    def plan(
        self,
        job: Job | Callable[[Line], Job],
        queue: str | None = None,
        *,
        prices: str | Path | None = None,
        ask: bool = False,
    ) -> Plan:
        """Check a job against a queue and render its request, without a network and without recording anything.

        `job` may be a function of the queue, for a job whose gaps the queue fills. `prices` is a price file. With
        `ask`, the registry is asked about the job's image, as before a submission.
        """
        from dispatcher import planning
        from dispatcher.images import knowing
        from dispatcher.sites import line

        found = line(self.reading, queue)
        checked = job(found) if callable(job) else job
        file = Path(prices) if prices is not None else None
        backend = self.backend(found)
        images = knowing.resolver(self.reading, found, backend, self.who if ask else None)
        return planning.plan(checked, found, backend, file, self.redactor, images)

    def plan_file(
        self,
        file: str | Path,
        queue: str | None = None,
        *,
        changes: Changes | None = None,
        prices: str | Path | None = None,
        ask: bool = False,
    ) -> Plan:
        """The same for a job file; `changes` is what goes on top of it. Raises SpecError with every problem."""
        from dispatcher.documents import document, job_file, job_places
        from dispatcher.documents.changes import Defaults

        data = document.read(file)
        defaults = Defaults()

        def parse(found: Line) -> Job:
            nonlocal defaults
            defaults = found.defaults()
            return job_file.parse(str(file), data, changes, defaults)

        try:
            return self.plan(parse, queue, prices=prices, ask=ask)
        except SpecError as error:
            raise job_places.placed(error, str(file), data, changes, defaults) from None

    def submit(
        self, job: Job | Callable[[Line], Job], queue: str | None = None, *, prices: str | Path | None = None
    ) -> Entry:
        """Record a job and run one tick for its queue: with free capacity it is on the cloud on return.

        The returned entry may still be `queued` (`why` says what it waits for).
        """
        entry = self.enqueue(self.plan(job, queue, prices=prices, ask=True))
        self.start(entry)
        return self.show(entry.id)

    def enqueue(self, plan: Plan) -> Entry:
        """Record a planned job as queued, without submitting it."""
        from dispatcher.code import keeping
        from dispatcher.scheduling import entering

        return entering.enqueue(self, plan, keeping.beside(self._path))

    def start(self, entry: Entry) -> Report:
        """Run a tick for the queue of a new entry; what runs there is only looked at when there is no room."""
        from dispatcher.scheduling import entering

        return entering.start(self, entry, lambda now: self.places(write=True).site(now))

    def tick(self, *, queues: Sequence[str] | None = None, observe: bool = True) -> Report:
        """Run one scheduling tick, for some queues or for all."""
        from dispatcher.scheduling import tick

        return tick.tick(self.work(), queues=queues, observe=observe)

    @property
    def agents(self) -> Agents:
        """Agents: making one, who is at work, and what the clouds have beside the ledger."""
        from dispatcher.agent.opening import Agents

        return Agents(self)

    @property
    def sweeps(self) -> Sweeps:
        """Sweeps: starting one, how it stands, stopping it and going on."""
        from dispatcher.sweeps.verbs import Sweeps

        return Sweeps(self)

    @property
    def upkeep(self) -> Upkeep:
        """The ledger as a whole: backups, exports, making it compact, taking names out of it."""
        from dispatcher.upkeep import Upkeep

        return Upkeep(self)

    # Zones and queues

    def sync(
        self,
        stacks: Sequence[str] = (),
        *,
        outputs: Sequence[str | Path] = (),
        queues: str | Path | None = None,
        project: str | Path = ".",
    ) -> SyncChanges:
        """Read the contracts of stacks (the selected one when none is named) or of files of outputs.

        `queues` is the queue file; else `stacks/<environment>.queues.yaml` in the project, if it is there.
        """
        from dispatcher import stack, sync
        from dispatcher.sites import Line

        place = Path(project)
        contracts = stack.contracts(stacks, outputs, place, self.environment)
        file = Path(queues) if queues is not None else None
        sites = self.places(write=True)

        def open_zone(row: ZoneRow, queue: Queue) -> Backend:
            return sites.backend(Line(queue, None, row))

        return sync.synchronise(self.ledger, contracts, file, place, self.stamp(), open_zone)

    def queues(self) -> Sequence[QueueRow]:
        """The queues of the ledger, without the built-in `local`."""
        return self.reading.queues()

    def queue(self, name: str) -> Line:
        """One queue with the zone behind it."""
        from dispatcher.sites import line

        return line(self.reading, name)

    def backend(self, line: Line) -> Backend:
        """The cloud behind a queue, opened but not asked anything."""
        return self.places(write=False).backend(line)

    def waiting(self, queue: str) -> Sequence[Entry]:
        """The jobs that wait in a queue, in the order in which they go, by what waiting counts there."""
        from dispatcher.ledger import picking

        ageing, now = self.queue(queue).queue.ageing, self.stamp()
        entries = self.reading.waiting(queue)
        return sorted(entries, key=lambda entry: picking.order(entry, now, ageing)) if ageing else entries

    def loads(self) -> Mapping[str, Load]:
        """What waits and runs in each queue that has either."""
        return self.reading.loads()

    def pause(self, name: str, reason: str | None = None) -> str:
        """Stop submitting from a queue; what runs goes on. Returns why: without `reason`, as before."""
        self._synced(name)
        row = self.queue(name).row
        before = row.paused_reason if row is not None and row.paused else None
        why = f"{reason} (by {self.who})" if reason else before or f"by {self.who}"
        self.ledger.pause(name, why)
        return why

    def drain(self, name: str) -> None:
        """Take no new jobs into a queue; what waits and runs there goes on to its end."""
        self._synced(name)
        self.ledger.drain(name, True)

    def resume(self, name: str) -> None:
        """Submit from a paused queue again, and take new jobs into one that was being drained."""
        self._synced(name)
        self.ledger.pause(name, None)
        self.ledger.drain(name, False)

    def _synced(self, name: str) -> None:
        if self.queue(name).row is None:
            raise UsageError(
                "queue local cannot be paused or drained", "only queues that were synced can (docs/queues.md)"
            )

    # Looking

    def list(self, wanted: Filter = EVERY, *, limit: int | None = None) -> Sequence[Entry]:
        """Submissions, newest first."""
        return self.reading.entries(wanted, limit)

    def each(self, wanted: Filter = EVERY, *, limit: int | None = None) -> Iterator[Entry]:
        """Submissions, newest first, without holding them all at once."""
        from dispatcher.ledger import paging

        return paging.each(self.reading, wanted, limit)

    def count(self, wanted: Filter = EVERY, *, limit: int | None = None) -> int:
        """How many submissions there are of a kind; counting stops at `limit`."""
        return self.reading.count(wanted, limit)

    def waits(self, entry: Entry) -> Wait | None:
        """Why a queued job waits: its place, who is ahead, what holds it, and when it is tried next."""
        from dispatcher.scheduling import waiting

        if entry.state != QUEUED:
            return None
        return waiting.why(self.reading, entry, self.places(write=False).line(entry), self.clock())

    def reasons(self, entry: Entry) -> Sequence[str]:
        """Why a queued job waits, in words."""
        found = self.waits(entry)
        return list(found.reasons) if found else []

    def stalled(self) -> str | None:
        """A warning when jobs wait and nothing has run a tick for five minutes."""
        from dispatcher.scheduling import idling

        return idling.stalled(self.reading, self.clock())

    def show(self, text: str) -> Entry:
        """The submission with this id, an unambiguous beginning of it, or this cloud name."""
        from dispatcher.ledger import finding

        return finding.one(self.reading, text)

    def events(self, id: str) -> Sequence[Event]:
        """What happened to a submission, oldest first."""
        return self.reading.events(id)

    def refresh(self, text: str) -> Entry:
        """Ask the cloud about one job; when it cannot be asked, the last known state comes with the error."""
        from dispatcher.scheduling import tick

        entry = self.show(text)
        if not entry.final and entry.cloud_name:
            tick.look(self.work(), [entry])
        return self.show(entry.id)

    def look(self, entries: Iterable[Entry]) -> Report:
        """Ask the clouds about many jobs at once; who could not be asked is in the report's errors."""
        from dispatcher.scheduling import tick

        return tick.look(self.work(), entries)

    # Operating

    def young(self, entry: Entry) -> bool:
        """True while a role or grant of a job's zone may not have spread yet."""
        return self.places(write=False).young(entry, self.clock())

    def logs(
        self, text: str, *, follow: bool = False, seen: Callable[[Entry], None] = lambda entry: None
    ) -> Iterator[LogLine]:
        """Lines that a job printed, of all attempts and nodes in time order; with `follow`, until it has ended.

        One that has not begun has none; raises NotFoundError when the cloud has forgotten the latest attempt.
        """
        from dataclasses import replace

        from dispatcher import declared
        from dispatcher.redact import Lines
        from dispatcher.scheduling import following

        entry = self.show(text)
        places = self.places(write=follow)
        printed = following.lines(
            self, entry, lambda: places.backend(places.line(entry)), follow=follow, seen=seen
        )
        clean = Lines(declared.known(self.redactor, entry, self.environment))
        return (replace(line, text=clean(line.node, line.text)) for line in printed)

    def wait(self, text: str, *, seen: Callable[[Entry], None] = lambda entry: None) -> Entry:
        """Run ticks until a job has ended; `seen` is called with every change of its state or trouble."""
        from dispatcher.scheduling import following

        return following.until(self, self.show(text), lambda entry: entry.final, seen)

    def set_priority(self, text: str, word: str) -> Entry:
        """Give a job that waits another priority: `critical`, `high`, `medium` or `low`."""
        from dispatcher.scheduling import reordering

        return reordering.set_priority(self, self.show(text), word)

    def plan_retry(self, text: str, *, fresh: bool = False, prices: str | Path | None = None) -> Plan:
        """Plan a job that has ended once more: a new submission, which `enqueue` records.

        It goes on with the checkpoints of the earlier one, if it keeps any, unless it is to begin `fresh`.
        """
        import platform

        from dispatcher.scheduling import retrying

        def plan(job: Job, queue: str) -> Plan:
            return self.plan(job, queue, prices=prices, ask=True)

        return retrying.planned(self.reading, self.show(text), plan, fresh=fresh, host=platform.node())

    def cancel(self, text: str) -> Entry:
        """Cancel a job: at once when it waits, by asking its cloud when it runs. Twice is no error."""
        from dispatcher.scheduling import cancelling, tick

        return cancelling.cancel(self, self.show(text), lambda entry: tick.press(self.work(), entry))

    def fetch(self, text: str, target: str | Path | None = None) -> Sequence[Path]:
        """Bring a job's outputs into a directory (its id when not given) and return the files written."""
        entry = self.show(text)
        if not entry.started:
            raise NotFoundError(
                f"job {entry.id} has not started, so it has no outputs", f"dispatch wait {entry.id}"
            )
        places = self.places(write=False)
        return places.backend(places.line(entry)).fetch(str(entry.cloud_name), Path(target or entry.id))
