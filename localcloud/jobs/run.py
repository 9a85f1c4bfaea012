"""The life of one training job: from Starting to Completed, Failed or Stopped, with real processes in between."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from localcloud.jobs import layout, logs, nodes, storage
from localcloud.jobs.layout import Node
from localcloud.sagemaker.record import REASON_LENGTH, TrainingJob

STOP_SECONDS = 120.0
"""Between SIGTERM and SIGKILL (StopTrainingJob)."""

NO_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. "
    "Please retry using a different ML instance type."
)


class Surroundings(Protocol):
    """What a running job needs of the server."""

    @property
    def stop_seconds(self) -> float: ...

    def client(self, service: str, region: str) -> Any:
        """A boto3 client of this very server."""
        ...

    def credentials(self, role: str, region: str) -> Mapping[str, str]:
        """Variables that give a process the role's short-lived credentials and this server's endpoint."""
        ...

    def image(self, reference: str) -> Path | None: ...

    def fault(self, kind: str, job: TrainingJob) -> Mapping[str, Any] | None:
        """The next fault of a kind (`capacity`, `interrupt`) meant for this job, used up by asking."""
        ...


class _Over(Exception):
    """The job's time or its owner's patience ended: the secondary status it ends with, and the message."""

    def __init__(self, secondary: str, message: str) -> None:
        super().__init__(message)
        self.secondary = secondary
        self.message = message


class _Failed(Exception):
    """The job fails for this reason."""


@contextlib.contextmanager
def _blame(what: str) -> Iterator[None]:
    """Turn a refusal of another service into the job's failure, in SageMaker's words."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        told = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        raise _Failed(f"ClientError: {what}:{told['Code']} ({status}): {told['Message']}") from error


_STOPPED = ("Stopped", "Training job stopped")
_RAN_OUT = ("MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided, job stopped")
_COMPLETED = ("Completed", "Training job completed")
_WAITED_OUT = ("MaxWaitTimeExceeded", "Training job wait time exceeded MaxWaitTimeInSeconds provided, job stopped")


@dataclass
class Run:
    """One job being run by a thread of its own; `poke` makes it look at the world again."""

    job: TrainingJob
    home: Path
    around: Surroundings
    clock: Callable[[], float] = time.time
    attempt: int = 0
    trained: float = 0.0
    _began: float | None = None
    _stopping: bool = False
    _killed: bool = False
    _failed: int | None = None
    _wake: threading.Event = field(default_factory=threading.Event)
    _processes: list[nodes.Process] = field(default_factory=list)

    def poke(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        """Ask the job to stop; `live` does it."""
        self._stopping = True
        self._wake.set()

    def kill(self) -> None:
        """End the processes at once and for good: the server itself is ending."""
        self._killed = self._stopping = True
        for process in self._processes:
            process.kill()
        self._wake.set()

    def live(self) -> None:
        """Run to the end, whatever happens: a job never hangs in a state because we failed."""
        try:
            self._live()
        except _Over as over:
            self._settle()
            self.job.enter(over.secondary, over.message, self.clock())
        except _Failed as failed:
            self._settle()
            self.job.fail(str(failed), self.clock())
        except Exception as error:
            traceback.print_exc()
            self._settle()
            self.job.fail(f"InternalServerError: localcloud: {error!r}", self.clock())
        if self.job.status == "Completed" or self._killed:
            shutil.rmtree(self.home, ignore_errors=True)

    def _live(self) -> None:
        self.job.enter("Pending", "Preparing the instances for training", self.clock())
        if fault := self.around.fault("capacity", self.job):
            self._pause(float(fault.get("seconds", 0)))
            self.job.fail(NO_CAPACITY, self.clock())
            return
        while self._attempt():
            self.attempt += 1

    def _attempt(self) -> bool:
        """Run all nodes once; True when a spot interruption asks for another attempt."""
        job = self.job
        self._began = self.clock()
        with job.lock:
            job.started = job.started or self._began
        members = self._members()
        peers = [node.host for node in members]
        job.enter("Downloading", "Downloading input data", self.clock())
        s3 = self.around.client("s3", job.region)
        image = self.around.image(job.request["AlgorithmSpecification"]["TrainingImage"])
        for node in members:
            layout.build(job, node, peers, image)
        checkpoints = self._checkpoints(s3, members)
        with _blame("Data download failed"):
            for node, channel in itertools.product(members, job.request.get("InputDataConfig") or []):
                self._check()
                target = node.ml / "input" / "data" / channel["ChannelName"]
                storage.channel(s3, channel, target, node.rank, len(members))
            if checkpoints:
                checkpoints.download()
        job.enter("Downloading", "Downloading the training image", self.clock())
        self._check()
        job.enter("Training", "Training image download completed. Training in progress.", self.clock())
        over: _Over | None = None
        hold: float | None = None
        pumps = self._start(members, peers)
        if checkpoints:
            checkpoints.start()
        try:
            hold = self._watch()
        except _Over as caught:
            over = caught
            job.enter("Stopping", "Stopping the training job", self.clock())
        self._end_processes()
        for pump in pumps:
            pump.join()
        if self._killed:
            raise _Over(*_STOPPED)
        if checkpoints:
            with _blame("Artifact upload failed"):
                checkpoints.finish()
        if hold is not None:
            self._interrupted(hold)
            return True
        self._finish(s3, members, over)
        return False

    def _members(self) -> list[Node]:
        place = self.home / str(self.attempt)
        return [
            Node(rank, host, place / f"algo-{rank + 1}") for rank, host in enumerate(layout.hosts(self.job.nodes))
        ]

    def _checkpoints(self, s3: Any, members: list[Node]) -> storage.Checkpoints | None:
        wanted = self.job.request.get("CheckpointConfig")
        if not wanted:
            return None
        directories = [node.path(wanted.get("LocalPath", layout.CHECKPOINTS)) for node in members]
        for directory in directories:
            directory.mkdir(parents=True, exist_ok=True)
        return storage.Checkpoints(s3, wanted["S3Uri"], directories)

    def _start(self, members: list[Node], peers: list[str]) -> list[threading.Thread]:
        job = self.job
        isolated = bool(job.request.get("EnableNetworkIsolation"))
        service = {} if isolated else self.around.credentials(job.request["RoleArn"], job.region)
        self._processes = []
        pumps = []
        for node in members:
            stream = logs.Stream(
                self.around.client("logs", job.region), f"{job.name}/{node.name}-{int(self.clock())}"
            )
            stream.open()
            argv = layout.command(job, node)
            environment = layout.environment(job, node, peers, service)
            process = nodes.start(argv, node.work, environment, nodes.record(node.home), self._wake.set)
            self._processes.append(process)
            if process.pipe is None:
                stream.say(process.problem)
            else:
                pumps.append(stream.start(process.pipe))
        return pumps

    def _watch(self) -> float | None:
        """Wait until all nodes have ended or one has failed (None), or spot capacity is taken back (seconds it is
        away). Raises _Over when the job is to be stopped."""
        while True:
            self._wake.clear()
            self._check()
            if self.job.spot and (fault := self.around.fault("interrupt", self.job)):
                return float(fault.get("seconds", 0))
            self._failed = next((rank for rank, process in enumerate(self._processes) if process.code), None)
            if self._failed is not None or all(process.code == 0 for process in self._processes):
                return None
            self._wake.wait(self._remaining())

    def _remaining(self) -> float:
        """Seconds until the next limit strikes."""
        now = self.clock()
        left = [self.job.max_runtime - self._training(now)]
        if self.job.max_wait is not None:
            left.append(self.job.created + self.job.max_wait - now)
        return max(0.0, min(left)) + 0.005

    def _training(self, now: float) -> float:
        return self.trained + (now - self._began if self._began is not None else 0.0)

    def _check(self) -> None:
        """Raise _Over when the job was stopped or a limit of its StoppingCondition has passed."""
        now = self.clock()
        if self._stopping:
            raise _Over(*_STOPPED)
        if self._training(now) >= self.job.max_runtime:
            raise _Over(*_RAN_OUT)
        if self.job.max_wait is not None and now - self.job.created >= self.job.max_wait:
            raise _Over(*_WAITED_OUT)

    def _pause(self, seconds: float) -> None:
        """Wait for capacity; raises _Over when the job is stopped or out of time meanwhile."""
        until = self.clock() + seconds
        while self.clock() < until:
            self._wake.clear()
            self._check()
            self._wake.wait(min(until - self.clock(), self._remaining()))
        self._check()

    def _end_processes(self) -> None:
        """SIGTERM, the grace the service gives, SIGKILL; at once where everything has ended by itself."""
        for process in self._processes:
            process.terminate()
        deadline = time.monotonic() + self.around.stop_seconds
        while any(process.code is None for process in self._processes):
            self._wake.clear()
            if self._killed or time.monotonic() >= deadline:
                for process in self._processes:
                    process.kill()
            self._wake.wait(0.02)

    def _settle(self) -> None:
        """Count the time on instances up to now."""
        if self._began is not None:
            self.trained += self.clock() - self._began
            self._began = None
        self.job.billable = self.trained

    def _interrupted(self, hold: float) -> None:
        self._settle()
        self.job.enter("Interrupted", "Training job interrupted: Spot capacity was reclaimed", self.clock())
        self._pause(hold)
        self.job.enter("Restarting", "Restarting the training job", self.clock())

    def _finish(self, s3: Any, members: list[Node], over: _Over | None) -> None:
        """Upload what the job left and enter the last state."""
        job, request = self.job, self.job.request
        failure = None if over else self._failure(members)
        if failure is None:
            job.enter("Uploading", "Uploading generated training model", self.clock())
            with _blame("Artifact upload failed"):
                uri = storage.output(s3, request, "model", [node.ml / "model" for node in members])
            with job.lock:
                job.model = uri
        data = [node.ml / "output" / "data" for node in members]
        if any(any(directory.iterdir()) for directory in data if directory.is_dir()):
            with _blame("Artifact upload failed"):
                storage.output(s3, request, "output", data)
        self._settle()
        if over:
            job.enter(over.secondary, over.message, self.clock())
        elif failure is not None:
            job.fail(failure, self.clock())
        else:
            # A stop that came while the model was on its way still ends as stopped.
            job.enter(*(_STOPPED if job.status == "Stopping" else _COMPLETED), self.clock())

    def _failure(self, members: list[Node]) -> str | None:
        """The reason in the service's form when a node failed: its failure file and its exit code."""
        if self._failed is None:
            return None
        try:
            file = members[self._failed].ml / "output" / "failure"
            text = file.read_text(errors="replace").strip()
        except OSError:
            text = ""
        end = f", exit code: {self._processes[self._failed].code}"
        return f"AlgorithmError: {text}"[: REASON_LENGTH - len(end)] + end
