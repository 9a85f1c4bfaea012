"""The life of one custom job: from QUEUED to SUCCEEDED, FAILED, CANCELLED or EXPIRED, with real processes.

Source of what restarts, ends and fails a job: "Understand the custom training service"; what is marked (U) is not
documented.
"""

from __future__ import annotations

import shutil
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.gcp.vertex import layout, logs
from localcloud.gcp.vertex.layout import Replica
from localcloud.gcp.vertex.record import CustomJob
from localcloud.gcp.vertex.services import Services
from localcloud.jobs.nodes import Process
from localcloud.jobs.run import Over, Run
from localcloud.server.seen import Seen

RETRIES = 3
"""How often the whole job is started again after an exit code that may be transient, or a stockout."""
SPOT_RESTARTS = 6
"""How often a job whose spot machines were taken is started again (U: said of Vertex AI, not seen documented)."""
NOTICE = 30.0
"""Seconds between the word and the end of a Spot VM, at most (Compute Engine, "Create and use Spot VMs"); that a
job of Vertex AI gets them is not documented."""
TRANSIENT = frozenset({6, 11, 134, 139})
"""SIGABRT and SIGSEGV, as programs and as containers report them."""

INVALID_ARGUMENT, RESOURCE_EXHAUSTED, INTERNAL = 3, 8, 13  # google/rpc/code.proto


class _Failed(Exception):
    """The job fails with this code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class CustomJobRun(Run):
    """One custom job being run. `attempt` counts starts of the whole job."""

    job: CustomJob
    services: Services
    attempt: int = 0
    _lost: int = 0
    _retried: int = 0
    _replicas: list[Replica] = field(default_factory=list)
    _pumps: list[threading.Thread] = field(default_factory=list)

    @property
    def created(self) -> Seen:
        return Seen("aiplatform", "CreateCustomJob", self.job.location, self.job.sent)

    def live(self) -> None:
        job = self.job
        try:
            self._live()
            self._end("SUCCEEDED", "Job completed successfully.")
        except Over as over:
            self._end(over.state, over.message)
        except _Failed as failed:
            self._end("FAILED", str(failed), (failed.code, str(failed)))
        except Exception as error:
            traceback.print_exc()
            self._end("FAILED", "Internal error.", (INTERNAL, f"localcloud: {error!r}"))
        if job.state == "SUCCEEDED" or self.killed:
            shutil.rmtree(self.home, ignore_errors=True)

    def _end(self, state: str, message: str, error: tuple[int, str] | None = None) -> None:
        self._say(message, "ERROR" if state == "FAILED" else "INFO")
        # A cancellation that came while the job ended by itself is still one when nothing else was reached.
        self.job.enter(state, self.clock(), error)

    def _say(self, text: str, severity: str = "INFO") -> None:
        """A line of the service's own, which it logs as task `service`."""
        logs.write(self.services.state, self.job, "service", [(self.clock(), text)], severity)

    def _live(self) -> None:
        self._say("Waiting for job to be provisioned.")
        self.job.enter("PENDING", self.clock())
        if fault := self.around.fault("capacity", self):
            self._without_machines(float(fault.get("seconds", 0)))
        self._say("Job is preparing.")
        while self._attempt():
            self.attempt += 1

    def _without_machines(self, seconds: float) -> None:
        """A stockout: FLEX_START waits it out as long as it may, everything else fails in the end."""
        if self.job.strategy != "FLEX_START":
            self.pause(seconds)
            raise self._stockout()
        self.pause(seconds)

    def _stockout(self) -> _Failed:
        return _Failed(
            RESOURCE_EXHAUSTED,
            f"Resources are insufficient in region: {self.job.location}. Please try a different region or use a "
            "different accelerator.",
        )

    def _attempt(self) -> bool:
        """Start all replicas and see them through; True when the whole job is to be started again."""
        job = self.job
        self.check()
        self._replicas = layout.replicas(job, self.home / str(self.attempt))
        for replica in self._replicas:
            image = job.spec.worker_pool_specs[replica.pool].container_spec.image_uri
            layout.build(replica, self.around.image(image), self.services.buckets)
        self.processes, self._pumps = [], []
        for replica in self._replicas:
            self.processes.append(self._start_replica(replica))
        if job.enter("RUNNING", self.clock()):
            self._say("Job is running.")
        try:
            again = self._watch()
        finally:
            self.end(self.processes)
            for pump in self._pumps:
                pump.join()
        return again

    def _start_replica(self, replica: Replica) -> Process:
        job = self.job
        stream = logs.stream(self.services.state, job, replica.task)
        environment = layout.environment(
            job, replica, self._replicas, self.services.credentials(job, replica.node.home)
        )
        process, pump = self.start(
            replica.node, layout.command(job, replica), environment, stream, self._image(replica)
        )
        self._pumps += [pump] if pump else []
        return process

    def _watch(self) -> bool:
        """Wait until the primary replica has ended (False), or the whole job is to be started again (True).

        Raises Over when the job is cancelled or out of time, _Failed when it has failed.
        """
        while True:
            self.wake.clear()
            self.check()
            if self.job.strategy == "SPOT" and (fault := self.around.fault("interrupt", self)):
                if self._interrupted(fault):
                    return True
                continue
            for replica, process in zip(self._replicas, self.processes, strict=True):
                if process.code:
                    return self._broken(replica, process.code)
            if self.processes[0].code == 0:
                return False
            self.wait()

    def _broken(self, replica: Replica, code: int) -> bool:
        """A replica ended with an error: the job is started again for the few that may pass, else it fails."""
        if code in TRANSIENT and self.job.retries and self._retried < RETRIES:
            self._retried += 1
            self._say(f"The replica {replica.task} exited with {code}; the job is restarted.", "WARNING")
            return True
        raise _Failed(
            INVALID_ARGUMENT,
            f"The replica {replica.task} exited with a non-zero status of {code}. To find out more about why your "
            "job exited please check the logs.",
        )

    def _interrupted(self, fault: Mapping[str, Any]) -> bool:
        """The machine of the last replica was taken. True when that means the whole job starts again.

        A single replica is the whole job; of several only that one comes back, unless the job asked otherwise.
        """
        job, lost, seconds = self.job, self._replicas[-1], float(fault.get("seconds", 0))
        self._say(f"The Spot VM of replica {lost.task} was preempted.", "WARNING")
        self.take_machines(self.processes[-1:], fault, NOTICE)
        if not job.retries or self._lost >= SPOT_RESTARTS:
            raise self._stockout()
        self._lost += 1
        if job.whole or len(self._replicas) == 1:
            self.end(self.processes)
            self.pause(seconds)
            return True
        self.pause(seconds)
        layout.build(lost, self.around.image(self._image(lost)), self.services.buckets)
        self.processes[-1] = self._start_replica(lost)
        return False

    def _image(self, replica: Replica) -> str:
        return str(self.job.spec.worker_pool_specs[replica.pool].container_spec.image_uri)

    def check(self) -> None:
        now, job = self.clock(), self.job
        if self.stopping:
            raise Over("CANCELLED", "Job cancelled.")
        if job.started is not None and now - job.started >= job.timeout:
            # Vertex AI cancels a job that reaches its timeout; there is no state of its own for it.
            raise Over("CANCELLED", "Job cancelled: it has run for its timeout.")
        if job.started is None and job.max_wait is not None and now - job.created >= job.max_wait:
            raise Over("EXPIRED", "Job expired: the requested resources were not available in time.")

    def remaining(self) -> float:
        job, now = self.job, self.clock()
        if job.started is not None:
            return job.started + job.timeout - now
        return job.timeout if job.max_wait is None else job.created + job.max_wait - now
