"""One chaos run: starts the processes, kills and replaces them, waits until all is over, and has it judged."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from random import Random
from typing import Any

from dispatcher.api import Dispatcher
from dispatcher.ledger import Entry, Filter
from localcloud import running
from tests.chaos import actors, oracle, order, traces
from tests.chaos.dying import Fate
from tests.chaos.ground import LANES, SERVICES, Ground, land
from tests.chaos.journal import Line, Reader
from tests.chaos.oracle import Evidence, Verdict
from tests.chaos.order import Ordered
from tests.chaos.setting import Clock, Setting
from tests.chaos.weather import FAULTS, Weather

LOOK = 0.05
"""Seconds between two looks at the processes."""

DEATHS, SPREAD = 150, (6, 25)
"""How many deaths a run is to have, and the fewest and most jobs that are submitted between two of them."""

POINTS = (
    *("add: before its commit", "add: committed"),
    *("claim: before its commit", "claim: committed"),
    *("change: before its commit", "change: committed"),
    *("submit: before the call", "submit: answered"),
)
"""The steps of a submission, at each of which somebody has to die; all others are found by being passed."""

AT_RANDOM = 0.2
"""How many of the deaths are at no point in particular."""

PATIENCE = 8.0
"""Seconds in which a process that is to die passes its point, or dies anyway."""

LAST = 0.03
"""The share of the jobs that is left when the clouds are well again."""

STUCK = 300.0
"""Seconds without any progress after which a run is given up, and judged as it stands."""


@dataclass
class Outcome:
    """What a run was like: `kills` counts deaths by the point, "" for those at random."""

    setting: Setting
    verdict: Verdict
    ordered: Ordered
    states: Counter[str]
    kills: Counter[str]
    points: frozenset[str]
    faults: dict[str, int]
    fell: list[str]
    seconds: float

    entries: Sequence[Entry] = ()

    @property
    def clean(self) -> bool:
        """Whether the oracle has found nothing."""
        return self.verdict.clean and not self.ordered.passed and not self.fell

    @property
    def spared(self) -> list[str]:
        """What was to be seen and was not: kills at each step, faults of each kind, bills, later attempts."""
        missing = [f"nobody died at {point!r}" for point in POINTS if self.setting.kill and not self.kills[point]]
        kinds = {kind for _, kind, _, _ in FAULTS}
        missing += [
            f"no fault {kind!r}" for kind in sorted(kinds) if self.setting.faults and not self.faults.get(kind)
        ]
        missing += [f"nothing was billed in {lane.zone}" for lane in LANES if not self.verdict.billed[lane.zone]]
        for name in ("preemptions", "retries"):
            if not sum(getattr(entry, name) for entry in self.entries):
                missing.append(f"no {name}")
        return missing


@dataclass
class _Seat:
    """One process of the run, and whoever takes its place when it dies."""

    kind: str
    slot: int
    lives: int = 0
    process: ForkServerProcess | None = None
    doomed_at: float | None = None
    done: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.slot}-{self.lives}"


@dataclass
class _Run:
    """The state of a run while it lasts."""

    setting: Setting
    context: ForkServerContext
    dice: Random
    seats: list[_Seat]
    reader: Reader
    lines: list[Line] = field(default_factory=list)
    points: dict[str, set[str]] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    reached: dict[int, tuple[int, str | None]] = field(default_factory=dict)
    """By submitter: its first job that is not known to be submitted, and the id it may be recorded under."""
    begun: set[str] = field(default_factory=set)
    progress: int = 0
    fell: list[str] = field(default_factory=list)
    """Processes that ended by an error of their own."""

    @property
    def spread(self) -> float:
        """Jobs between two deaths."""
        return min(max(self.setting.jobs / DEATHS, SPREAD[0]), SPREAD[1])

    def look(self) -> None:
        """Read what the processes wrote, replace the dead, and doom the living."""
        self._read()
        for seat in self.seats:
            process = seat.process
            if process is not None and process.is_alive():
                if seat.doomed_at is not None and time.monotonic() >= seat.doomed_at:
                    process.kill()
                    process.join()
                    self._read()
                    self.kills["at random"] += 1
                continue
            if process is not None and process.exitcode == 0:
                seat.done = True
            elif process is not None and process.exitcode is not None and process.exitcode > 0:
                self.fell.append(f"{seat.name} ended with exit code {process.exitcode}; the log tells why")
            if not seat.done:
                self._read()
                self._start(seat)
        doomed = sum(seat.doomed_at is not None and not seat.done for seat in self.seats)
        if self.setting.kill and self.kills.total() + doomed < self.progress / self.spread:
            self._doom()

    def _doom(self) -> None:
        """Let one process die that has begun: at a point where few have, or at a random moment."""
        living = [
            seat for seat in self.seats if seat.doomed_at is None and not seat.done and seat.name in self.begun
        ]
        if not living:
            return
        seat = self.dice.choice(living)
        assert seat.process is not None
        assert seat.process.pid is not None
        known = sorted(self.points.get(seat.kind, ()))
        if not known or self.dice.random() < AT_RANDOM:
            seat.doomed_at = time.monotonic() + self.dice.uniform(0, 0.5)
            return
        known = [point for point in POINTS if point in known and not self.kills[point]] or known
        rarest = min(self.kills[point] for point in known)
        point = self.dice.choice([point for point in known if self.kills[point] == rarest])
        with contextlib.suppress(ProcessLookupError):
            Fate(point, self.dice.choice((1, 1, 2, 5))).tell(self.setting.fates, seat.name, seat.process.pid)
        seat.doomed_at = time.monotonic() + PATIENCE

    def _read(self) -> None:
        fresh = self.reader.fresh()
        self.lines += fresh
        for line in fresh:
            what, process = line["what"], line["process"]
            kind, slot, _ = process.split("-")
            if what == "began":
                self.begun.add(process)
            elif what == "point":
                self.points.setdefault(kind, set()).add(line["point"])
            elif what == "died":
                self.kills[line["point"]] += 1
            elif what == "add?":
                self.reached[int(slot)] = int(line["slug"][1:]), line["id"]
            elif what == "submitted":
                self.progress += 1
                self.reached[int(slot)] = line["n"] + self.setting.submitters, None

    def _start(self, seat: _Seat) -> None:
        seat.lives += 1
        seat.doomed_at = None
        arguments: tuple[Any, ...] = (self.setting, seat.name)
        target: Callable[..., None] = actors.agent
        if seat.kind == "submitter":
            first, doubt = self.reached.get(seat.slot, (0, None))
            arguments, target = (*arguments, seat.slot, first, doubt), actors.submitter
        seat.process = self.context.Process(target=target, args=arguments, daemon=True)
        seat.process.start()

    def stop(self) -> None:
        """Ask the agents to end, and wait for them."""
        for seat in self.seats:
            if seat.process is not None and seat.process.is_alive():
                seat.process.terminate()
        for seat in self.seats:
            if seat.process is not None:
                seat.process.join(10)
                if seat.process.is_alive():
                    seat.process.kill()
                    seat.process.join()
        self._read()


def run(
    folder: Path,
    *,
    jobs: int,
    agents: int = 4,
    submitters: int = 4,
    kill: bool = True,
    faults: bool = True,
    ledger: str | None = None,
    seed: int = 1,
    speed: float = 20.0,
    tell: Callable[[str], None] = lambda text: None,
) -> Outcome:
    """Run it in an empty folder. `ledger` is as `--ledger` takes it, an empty one; else a file in the folder."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.chaos.warm"])
    with running(folder / "cloud") as cloud:
        ground = land(folder, cloud)
        setting = Setting(
            folder=folder,
            ledger=ledger or str(folder / "ledger.db"),
            environment=cloud.environment,
            clock=Clock.begun(speed),
            seed=seed,
            jobs=jobs,
            submitters=submitters,
            agents=agents,
            kill=kill,
            faults=faults,
            lanes=LANES,
        )
        seats = [_Seat("submitter", slot) for slot in range(submitters)]
        seats += [_Seat("agent", slot) for slot in range(agents)]
        going = _Run(setting, context, Random(seed), seats, Reader(setting.journals))
        began = time.monotonic()
        with Dispatcher(setting.ledger, environment=setting.environment, clock=setting.clock) as dispatcher:
            ground.sync(dispatcher, folder)
            weather = Weather(cloud, SERVICES, seed)
            try:
                with weather if faults else contextlib.nullcontext():
                    _live(going, dispatcher, weather, tell)
            finally:
                going.stop()
            seconds = time.monotonic() - began
            return _judged(going, ground, dispatcher, weather, seconds)


def _live(going: _Run, dispatcher: Dispatcher, weather: Weather, tell: Callable[[str], None]) -> None:
    """Until every job has been submitted and has ended, or nothing moves any more.

    Bad days end before the last jobs do: else all faults of all jobs would meet the last one.
    """
    last, moved, told = -1, time.monotonic(), 0.0
    while True:
        going.look()
        time.sleep(LOOK)
        if time.monotonic() - told < 1:
            continue
        told = time.monotonic()
        ended = dispatcher.reading.count(Filter(states=("succeeded", "failed", "cancelled", "timed_out")))
        tell(f"{going.progress} submitted, {ended} ended, {going.kills.total()} killed")
        if ended + going.progress != last:
            last, moved = ended + going.progress, time.monotonic()
        submitting = any(not seat.done for seat in going.seats if seat.kind == "submitter")
        if not submitting and going.setting.jobs - ended <= going.setting.jobs * LAST:
            weather.calm()
        if not submitting and not dispatcher.reading.loads():
            return
        if time.monotonic() - moved > STUCK or len(going.fell) > len(going.seats):
            return


def _judged(going: _Run, ground: Ground, dispatcher: Dispatcher, weather: Weather, seconds: float) -> Outcome:
    entries = list(dispatcher.reading.entries(Filter(), None))
    events = sorted(
        (event for entry in entries for event in dispatcher.reading.events(entry.id)), key=lambda event: event.seq
    )
    caps = {lane.queue: lane.slots for lane in going.setting.lanes}
    evidence = Evidence(going.setting.jobs, entries, events, ground.census(), going.lines, caps)
    return Outcome(
        going.setting,
        oracle.judge(evidence),
        order.judge(*traces.read(going.lines, events)),
        Counter(entry.state for entry in entries),
        going.kills,
        frozenset(point for known in going.points.values() for point in known),
        weather.sent,
        going.fell,
        seconds,
        entries,
    )
