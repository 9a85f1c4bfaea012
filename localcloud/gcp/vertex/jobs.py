"""The custom jobs of the project, and the runner that runs them.

Loaded when the server starts, so what running a job takes is loaded with the first job.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localcloud.gcp.agents import Agents
from localcloud.gcp.errors import not_found, precondition
from localcloud.gcp.state import State
from localcloud.jobs.runner import Runner

if TYPE_CHECKING:
    from localcloud.gcp.vertex.record import CustomJob


@dataclass
class CustomJobs:
    """Jobs by location and id. Hold `state.lock`. `runner` is set by the server before the first call."""

    state: State
    jobs: dict[tuple[str, str], CustomJob] = field(default_factory=dict)
    runner: Runner | None = None
    check_images: bool = True

    def find(self, location: str, id: str) -> CustomJob:
        """Raises GoogleError."""
        try:
            return self.jobs[location, id]
        except KeyError:
            raise not_found(f"The CustomJob {id} in {location} does not exist.") from None

    def number(self, location: str) -> str:
        """A new id: digits, as the service gives them. The same request twice gets two."""
        while True:
            id = str(random.randint(10**17, 9 * 10**18))
            if (location, id) not in self.jobs:
                return id

    def start(self, job: CustomJob) -> None:
        """Keep a job and run it."""
        from localcloud.gcp.vertex.run import CustomJobRun
        from localcloud.gcp.vertex.services import Services

        self.state.store(Agents).make("aiplatform.googleapis.com", "first_use")
        self.jobs[job.location, job.id] = job
        if self.runner is not None:
            home = self.runner.home / job.location / job.id
            run = CustomJobRun(job.name, job.label, home, self.runner, job, Services(self.state))
            self.runner.start(run)

    def cancel(self, job: CustomJob) -> None:
        """Begin to cancel a job. Raises GoogleError for one that has ended."""
        with job.lock:
            if job.final:
                raise precondition(
                    f"The CustomJob {job.name} is in state JOB_STATE_{job.state} and cannot be cancelled."
                )
            job.enter("CANCELLING", self.state.clock())
        if self.runner is not None:
            self.runner.stop(job.name)

    def delete(self, job: CustomJob) -> None:
        """Forget a job that has ended. Raises GoogleError for one that has not."""
        if not job.final:
            raise precondition(
                f"The CustomJob {job.name} is in state JOB_STATE_{job.state}; cancel it before deleting it."
            )
        del self.jobs[job.location, job.id]

    def in_location(self, location: str, lag: float) -> list[CustomJob]:
        """The jobs of a location (`-` for all) that are at least `lag` seconds old."""
        now = self.state.clock()
        found = [job for job in self.jobs.values() if location in ("-", job.location)]
        return [job for job in found if not lag or now - job.created >= lag]


def filled(message: Any) -> Any:
    """What the service fills in: the boot disk (DiskSpec)."""
    for pool in message.job_spec.worker_pool_specs:
        if pool.ByteSize():
            disk = pool.disk_spec
            disk.boot_disk_type = disk.boot_disk_type or "pd-ssd"
            disk.boot_disk_size_gb = disk.boot_disk_size_gb or 100
    return message
