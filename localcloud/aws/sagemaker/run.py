"""The life of one training job: from Starting to Completed, Failed or Stopped, with real processes in between."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import threading
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from localcloud.aws.sagemaker import layout, logs, storage
from localcloud.aws.sagemaker.record import REASON_LENGTH, TrainingJob
from localcloud.jobs.layout import Node
from localcloud.jobs.run import Over, Run
from localcloud.server.seen import Seen

NO_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. "
    "Please retry using a different ML instance type."
)

NOTICE = 120.0
"""Seconds between the word and the end of an instance (EC2 user guide, "Spot Instance interruption notices")."""


class Clients(Protocol):
    """How SageMaker itself calls other services."""

    def client(self, service: str, region: str) -> Any:
        """A boto3 client of this very server."""
        ...

    def credentials(self, role: str, region: str) -> Mapping[str, str]:
        """Variables that give a process the role's short-lived credentials and this server's endpoint."""
        ...


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
class TrainingRun(Run):
    """One training job being run."""

    job: TrainingJob
    clients: Clients
    attempt: int = 0
    trained: float = 0.0
    _began: float | None = None
    _failed: int | None = None

    @property
    def created(self) -> Seen:
        return Seen("sagemaker", "CreateTrainingJob", self.job.region, self.job.request)

    def live(self) -> None:
        try:
            self._live()
        except Over as over:
            self._settle()
            self.job.enter(over.state, over.message, self.clock())
        except _Failed as failed:
            self._settle()
            self.job.fail(str(failed), self.clock())
        except Exception as error:
            traceback.print_exc()
            self._settle()
            self.job.fail(f"InternalServerError: localcloud: {error!r}", self.clock())
        if self.job.status == "Completed" or self.killed:
            shutil.rmtree(self.home, ignore_errors=True)

    def _live(self) -> None:
        self.job.enter("Pending", "Preparing the instances for training", self.clock())
        if fault := self.around.fault("capacity", self):
            self.pause(float(fault.get("seconds", 0)))
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
        job.enter("Downloading", "Downloading input data", self.clock())
        s3 = self.clients.client("s3", job.region)
        image = self.around.image(job.request["AlgorithmSpecification"]["TrainingImage"])
        for node in members:
            layout.build(job, node, members, image)
        checkpoints = self._checkpoints(s3, members)
        with _blame("Data download failed"):
            for node, channel in itertools.product(members, job.request.get("InputDataConfig") or []):
                self.check()
                target = node.mount(layout.ROOT) / "input" / "data" / channel["ChannelName"]
                storage.channel(s3, channel, target, node.rank, len(members))
            if checkpoints:
                checkpoints.download()
        job.enter("Downloading", "Downloading the training image", self.clock())
        self.check()
        job.enter("Training", "Training image download completed. Training in progress.", self.clock())
        over: Over | None = None
        taken: Mapping[str, Any] | None = None
        pumps = self._start(members)
        if checkpoints:
            checkpoints.start()
        try:
            taken = self._watch()
        except Over as caught:
            over = caught
            job.enter("Stopping", "Stopping the training job", self.clock())
        if taken is not None:
            self.take_machines(self.processes, taken, NOTICE)
        else:
            self.end(self.processes)
        for pump in pumps:
            pump.join()
        if self.killed:
            raise Over(*_STOPPED)
        if checkpoints and taken is not None and taken.get("notice") == 0:
            checkpoints.abandon()
        elif checkpoints:
            with _blame("Artifact upload failed"):
                checkpoints.finish()
        if taken is not None:
            self._interrupted(float(taken.get("seconds", 0)))
            return True
        self._finish(s3, members, over)
        return False

    def _members(self) -> list[Node]:
        return layout.nodes(self.job.nodes, self.home / str(self.attempt))

    def _checkpoints(self, s3: Any, members: list[Node]) -> storage.Checkpoints | None:
        wanted = self.job.request.get("CheckpointConfig")
        if not wanted:
            return None
        directories = [node.path(wanted.get("LocalPath", layout.CHECKPOINTS)) for node in members]
        for directory in directories:
            directory.mkdir(parents=True, exist_ok=True)
        return storage.Checkpoints(s3, wanted["S3Uri"], directories)

    def _start(self, members: list[Node]) -> list[threading.Thread]:
        job = self.job
        isolated = bool(job.request.get("EnableNetworkIsolation"))
        service = {} if isolated else self.clients.credentials(job.request["RoleArn"], job.region)
        self.processes = []
        pumps = []
        for node in members:
            name = f"{job.name}/{node.name}-{int(self.clock())}"
            stream = logs.open_stream(self.clients.client("logs", job.region), name)
            environment = layout.environment(job, node, members, service)
            image = job.request["AlgorithmSpecification"]["TrainingImage"]
            process, pump = self.start(node, layout.command(job, node), environment, stream, image)
            self.processes.append(process)
            pumps += [pump] if pump else []
        return pumps

    def _watch(self) -> Mapping[str, Any] | None:
        """Wait until all nodes have ended or one has failed (None), or spot capacity is taken back (the fault that
        says so). Raises Over when the job is to be stopped."""
        while True:
            self.wake.clear()
            self.check()
            if self.job.spot and (fault := self.around.fault("interrupt", self)):
                return fault
            self._failed = next((rank for rank, process in enumerate(self.processes) if process.code), None)
            if self._failed is not None or all(process.code == 0 for process in self.processes):
                return None
            self.wait()

    def remaining(self) -> float:
        now = self.clock()
        left = [self.job.max_runtime - self._training(now)]
        if self.job.max_wait is not None:
            left.append(self.job.created + self.job.max_wait - now)
        return min(left)

    def _training(self, now: float) -> float:
        return self.trained + (now - self._began if self._began is not None else 0.0)

    def check(self) -> None:
        now = self.clock()
        if self.stopping:
            raise Over(*_STOPPED)
        if self._training(now) >= self.job.max_runtime:
            raise Over(*_RAN_OUT)
        if self.job.max_wait is not None and now - self.job.created >= self.job.max_wait:
            raise Over(*_WAITED_OUT)

    def _settle(self) -> None:
        """Count the time on instances up to now."""
        if self._began is not None:
            self.trained += self.clock() - self._began
            self._began = None
        self.job.billable = self.trained

    def _interrupted(self, hold: float) -> None:
        self._settle()
        self.job.enter("Interrupted", "Training job interrupted: Spot capacity was reclaimed", self.clock())
        self.pause(hold)
        self.job.enter("Restarting", "Restarting the training job", self.clock())

    def _finish(self, s3: Any, members: list[Node], over: Over | None) -> None:
        """Upload what the job left and enter the last state."""
        job, request = self.job, self.job.request
        failure = None if over else self._failure(members)
        if failure is None:
            job.enter("Uploading", "Uploading generated training model", self.clock())
            with _blame("Artifact upload failed"):
                uri = storage.output(s3, request, "model", [node.mount(layout.ROOT) / "model" for node in members])
            with job.lock:
                job.model = uri
        data = [node.mount(layout.ROOT) / "output" / "data" for node in members]
        if any(any(directory.iterdir()) for directory in data if directory.is_dir()):
            with _blame("Artifact upload failed"):
                storage.output(s3, request, "output", data)
        self._settle()
        if over:
            job.enter(over.state, over.message, self.clock())
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
            file = members[self._failed].mount(layout.ROOT) / "output" / "failure"
            text = file.read_text(errors="replace").strip()
        except OSError:
            text = ""
        end = f", exit code: {self.processes[self._failed].code}"
        return f"AlgorithmError: {text}"[: REASON_LENGTH - len(end)] + end
