"""What running a job takes on every cloud: real processes, limits in time, an end that always comes."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from localcloud.jobs import nodes
from localcloud.jobs.layout import Node
from localcloud.jobs.logs import Stream
from localcloud.server.seen import Seen


class Surroundings(Protocol):
    """What a running job needs of the server."""

    @property
    def stop_seconds(self) -> float:
        """Between SIGTERM and SIGKILL."""
        ...

    def image(self, reference: str) -> Path | None: ...

    def fault(self, kind: str, run: Run) -> Mapping[str, Any] | None:
        """The next fault of a kind (`capacity`, `interrupt`) meant for this job, used up by asking."""
        ...


class Over(Exception):
    """The job's time or its owner's patience ended: the state it ends with, and the message."""

    def __init__(self, state: str, message: str) -> None:
        super().__init__(message)
        self.state = state
        self.message = message


@dataclass
class Run(ABC):
    """One job being run by a thread of its own; `poke` makes it look at the world again.

    A cloud says what happens in `live`, what limits there are in `check` and when the next one strikes in
    `remaining`. `name` is what people see, `key` what the server finds the run by, and `home` its directory.
    """

    key: str
    name: str
    home: Path
    around: Surroundings
    clock: Callable[[], float] = field(default=time.time, kw_only=True)
    stopping: bool = field(default=False, kw_only=True)
    killed: bool = field(default=False, kw_only=True)
    processes: list[nodes.Process] = field(default_factory=list, kw_only=True)
    wake: threading.Event = field(default_factory=threading.Event, kw_only=True)

    @property
    @abstractmethod
    def created(self) -> Seen:
        """The call that created the job: what faults meant for it match."""

    @abstractmethod
    def live(self) -> None:
        """Run to the end, whatever happens: a job never hangs in a state because we failed."""

    @abstractmethod
    def check(self) -> None:
        """Raise Over when the job was stopped or one of its limits has passed."""

    @abstractmethod
    def remaining(self) -> float:
        """Seconds until the next limit strikes."""

    def poke(self) -> None:
        self.wake.set()

    def stop(self) -> None:
        """Ask the job to stop; `live` does it."""
        self.stopping = True
        self.wake.set()

    def kill(self) -> None:
        """End the processes at once and for good: the server itself is ending."""
        self.killed = self.stopping = True
        for process in self.processes:
            process.kill()
        self.wake.set()

    def start(
        self, node: Node, argv: Sequence[str], environment: Mapping[str, str], stream: Stream, image: str
    ) -> tuple[nodes.Process, threading.Thread | None]:
        """Start a node's process, its output going to `stream` by a thread that ends with it.

        An `image` that no folder stands for is told of first: what the command misses then is explained.
        """
        if self.around.image(image) is None:
            stream.say(
                f"localcloud: no folder stands for image {image}, so this runs in an empty one "
                "(localcloud image add NAME FOLDER)"
            )
        process = nodes.start(argv, node.work, environment, nodes.record(node.home), self.wake.set)
        if process.pipe is None:
            stream.say(process.problem)
            return process, None
        return process, stream.start(process.pipe)

    def wait(self) -> None:
        """Sleep until something happens or a limit strikes."""
        self.wake.wait(max(0.0, self.remaining()) + 0.005)

    def pause(self, seconds: float) -> None:
        """Wait for capacity; raises Over when the job is stopped or out of time meanwhile."""
        until = self.clock() + seconds
        while self.clock() < until:
            self.wake.clear()
            self.check()
            self.wake.wait(min(until - self.clock(), max(0.0, self.remaining()) + 0.005))
        self.check()

    def take_machines(self, processes: Sequence[nodes.Process], fault: Mapping[str, Any], notice: float) -> None:
        """Interrupt: what runs on the machines has as long as the fault says, else the cloud's own `notice`."""
        said = fault.get("notice")
        self.end(processes, notice if said is None else float(said))

    def end(self, processes: Sequence[nodes.Process], grace: float | None = None) -> None:
        """SIGTERM, the grace the service gives (or less), SIGKILL; at once where everything has ended by itself.

        Without any grace there is no SIGTERM either.
        """
        allowed = min(self.around.stop_seconds, self.around.stop_seconds if grace is None else grace)
        for process in processes if grace != 0 else ():
            process.terminate()
        deadline = time.monotonic() + allowed
        while any(process.code is None for process in processes):
            self.wake.clear()
            if self.killed or time.monotonic() >= deadline:
                for process in processes:
                    process.kill()
            self.wake.wait(0.02)
