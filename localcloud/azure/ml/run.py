"""The life of one command job: from Starting to Completed, Failed or Canceled, with real processes."""

from __future__ import annotations

import shutil
import threading
import traceback
from dataclasses import dataclass, field

from localcloud.azure.arm.store import Resources
from localcloud.azure.errors import AzureError
from localcloud.azure.ml import layout, logs
from localcloud.azure.ml.layout import Data, Process
from localcloud.azure.ml.record import CommandJob
from localcloud.azure.state import State
from localcloud.jobs.run import Over, Run
from localcloud.server.seen import Seen

# As reported in MicrosoftDocs/azure-docs#66288. Whether a job that leaves at the notice gets this, or the text of
# a program's own error, is not documented: fault `interrupt` does either (`told`).
PREEMPTED = (
    "AzureMLCompute job failed. PreemptionError: Nodes of this job got pre-empted. Check if the run has failed or "
    "restarted. Reason: Received pre-emption warning signal"
)

NOTICE = 30.0
"""Seconds between the word and the end of a Spot VM (learn.microsoft.com/azure/virtual-machines/spot-vms);
Azure ML promises its jobs none."""


class _Failed(Exception):
    """The job fails with this code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class CommandRun(Run):
    """One job being run."""

    job: CommandJob
    state: State
    _pumps: list[threading.Thread] = field(default_factory=list)

    @property
    def created(self) -> Seen:
        return Seen(
            "machinelearningservices",
            "PutJob",
            self.job.region,
            {"id": self.job.id, "name": self.job.name, "properties": self.job.properties},
        )

    def live(self) -> None:
        job = self.job
        try:
            self._live()
            job.enter("Completed", self.clock())
        except Over as over:
            self._say(over.message)
            job.enter(over.state, self.clock())
        except _Failed as failed:
            job.enter("Failed", self.clock(), (failed.code, str(failed)))
        except AzureError as refused:
            job.enter("Failed", self.clock(), (refused.code, refused.message))
        except Exception as error:
            traceback.print_exc()
            job.enter("Failed", self.clock(), ("ServiceError", f"localcloud: {error!r}"))
        if job.state == "Completed" or self.killed:
            shutil.rmtree(self.home, ignore_errors=True)

    def _say(self, text: str) -> None:
        try:
            logs.say(self.state, self.job, text)
        except AzureError:
            return  # its workspace or storage is gone

    def _live(self) -> None:
        job = self.job
        job.enter("Preparing", self.clock())
        self._say("Preparing the image of the environment.")
        self.check()
        job.enter("Queued", self.clock())
        if fault := self.around.fault("capacity", self):
            self._without_machines(float(fault.get("seconds", 0)))
        self.check()
        self.home.mkdir(parents=True, exist_ok=True)
        filled = layout.prepare(self.state, job, self.home)
        image = self._image()
        started = layout.processes(job, self.home, self.around.image(image))
        for process in started:
            layout.build(process)
        job.enter("Running", self.clock())
        for process in started:
            self._start(process, started, filled, image)
        try:
            self._watch(started)
        finally:
            self.end(self.processes)
            for pump in self._pumps:
                pump.join()
        self._finish(started, filled)

    def _image(self) -> str:
        with self.state.lock:
            found = self.state.store(Resources).get(str(self.job.properties["environmentId"]))
            return str(found.properties["image"])

    def _without_machines(self, seconds: float) -> None:
        self.pause(seconds)
        raise _Failed(  # (U)
            "UserError",
            "AllocationFailed: the requested VM size is not available in the region at this time. Try again "
            "later, or "
            "use another VM size or region.",
        )

    def _log(self, process: Process, count: int) -> str:
        return process.log if count > 1 else "user_logs/std_log.txt"

    def _start(self, process: Process, peers: list[Process], filled: Data, image: str) -> None:
        stream = logs.stream(self.state, self.job, self._log(process, len(peers)))
        environment = layout.environment(self.state, self.job, process, peers, filled)
        argv = layout.command(self.job, filled)
        started, pump = self.start(process.node, argv, environment, stream, image)
        self.processes.append(started)
        self._pumps += [pump] if pump else []

    def _watch(self, started: list[Process]) -> None:
        """Wait until every process has ended well.

        Raises Over when the job is cancelled or out of time, _Failed when it has failed.
        """
        while True:
            self.wake.clear()
            self.check()
            if self.job.spot and (fault := self.around.fault("interrupt", self)):
                self.take_machines(self.processes, fault, NOTICE)
                if fault.get("told") == "exit":
                    self._ended_badly(started)
                raise _Failed("UserError", PREEMPTED)
            self._ended_badly(started)
            if all(running.code == 0 for running in self.processes):
                return
            self.wait()

    def _ended_badly(self, started: list[Process]) -> None:
        """Raise _Failed for the first process that ended with an error."""
        for process, running in zip(started, self.processes, strict=True):
            if running.code:
                log = self._log(process, len(started))
                raise _Failed(
                    "UserError",
                    f"Execution failed. User process '/bin/bash' exited with status code {running.code}. "
                    f"Please check log file '{log}' for error details.",
                )

    def _finish(self, started: list[Process], filled: Data) -> None:
        """Collect what the job leaves: outputs in mode Upload, and the first process's ./outputs."""
        self.job.enter("Finalizing", self.clock())
        for source, target in filled.uploads.values():
            shutil.copytree(source, target, dirs_exist_ok=True)
        own = started[0].node.work / "outputs"
        if own.is_dir() and any(own.iterdir()):
            with self.state.lock:
                target = logs.where(self.state, self.job, "outputs/x").parent
            shutil.copytree(own, target, dirs_exist_ok=True)

    def check(self) -> None:
        job, now = self.job, self.clock()
        if self.stopping:
            raise Over("Canceled", "The job was canceled.")
        if job.started is not None and job.timeout is not None and now - job.started >= job.timeout:
            job.enter("CancelRequested", now)
            raise Over("Canceled", f"The job reached its time limit of {job.timeout:.0f} seconds.")

    def remaining(self) -> float:
        job = self.job
        if job.started is None or job.timeout is None:
            return 3600.0
        return job.started + job.timeout - self.clock()
