"""From a job and a queue to a plan: checked, placed, rendered and estimated, with no network and no trace."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher import naming, placement, plain, records
from dispatcher.backends.base import Backend, Request
from dispatcher.clock import moment
from dispatcher.images.resolving import Resolve, unresolved
from dispatcher.job import Job
from dispatcher.ledger import Entry
from dispatcher.ledger.rows import QUEUED
from dispatcher.placement import Estimate
from dispatcher.redact import Redactor
from dispatcher.scheduling import admission, overstaying
from dispatcher.sites import Line

if TYPE_CHECKING:
    from dispatcher.code.packing import Packed


@dataclass(frozen=True, slots=True)
class Plan:
    """What a submission would be: `submit --dry-run` prints it, `submit` records and sends it.

    `packed` is the archive of the job's code, which nothing has kept yet. `retry_of` and `checkpoints_of` are as
    of an Entry.
    """

    line: Line
    job: Job
    request: Request
    hardware: str
    estimate: Estimate
    packed: Packed | None = None
    retry_of: str | None = None
    checkpoints_of: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The document of `submit --dry-run -o json`; bodies are exactly what goes over the wire."""
        return {
            "queue": self.line.queue.name,
            "zone": self.line.queue.zone,
            "cloud": self.line.cloud,
            "requests": [operation.as_json() for operation in self.request.operations],
            "warnings": list(self.request.warnings),
            "estimate": self.estimate.as_json(),
        }


def plan(
    job: Job, line: Line, backend: Backend, prices: Path | None, redactor: Redactor, images: Resolve = unresolved
) -> Plan:
    """Check a job against its queue and zone, and render it under a placeholder's name.

    `images` names the job's image by what it is known to be.

    What `redactor` would take out of it is refused here, so that a job is recorded and sent as it was written.
    """
    notes = plain.check(records.plain(job), redactor)
    admission.check_open(line.row)
    admission.check(job, line.queue)
    packed = _packed(job)
    job = replace(job, code=packed.code) if packed else job
    hardware = placement.choose(job, line.queue, line.contract())
    job, said = images(job, hardware)
    request = backend.render(job, line.queue, naming.placeholder(job))
    estimate = placement.estimate(hardware, job, prices, machines=request.machines)
    more = placement.surplus(job, hardware)
    request = replace(request, warnings=(*notes, *said, *([more] if more else ()), *request.warnings))
    return Plan(line, job, request, hardware.instance, estimate, packed)


def _packed(job: Job) -> Packed | None:
    """The archive of a job's code, unless it has none, or was packed before. Raises SpecError."""
    if job.code is None or job.code.sha256:
        return None
    from dispatcher.code import packing

    return packing.pack(Path(job.code.folder))


def entry(plan: Plan, *, who: str, host: str, now: str) -> Entry:
    """The queued submission of a plan."""
    line, job = plan.line, plan.job
    document = records.plain(job)
    zone, price = line.zone, plan.estimate.unit_price
    return Entry(
        id=naming.new_id(),
        queue=line.queue.name,
        zone=line.queue.zone,
        cloud=line.cloud,
        region=zone.region if zone else "",
        slug=naming.slug(job),
        state=QUEUED,
        priority=int(job.priority),
        attempt=1,
        submitted_at=now,
        who=who,
        host=host,
        job=json.dumps(document, ensure_ascii=False),
        job_digest=naming.digest(document),
        nodes=plan.estimate.nodes,
        hardware=plan.hardware,
        spot=int(job.spot),
        preemptible=int(job.preemptible),
        no_checkpoint=int(job.no_checkpoint),
        max_runtime=job.max_runtime,
        job_type=job.job_type,
        workload=job.workload,
        environment=zone.environment if zone else None,
        regime=zone.regime if zone else None,
        unit_price=None if price is None else str(price),
        currency=plan.estimate.currency,
        price_source=plan.estimate.price_source,
        price_as_of=plan.estimate.price_as_of,
        labels=json.dumps(dict(job.labels), ensure_ascii=False) if job.labels else None,
        max_preemptions=job.max_preemptions,
        max_queue_time=job.max_queue_time,
        queued_at=now,
        queue_until=overstaying.until(moment(now), job.max_queue_time),
        retry_of=plan.retry_of,
        checkpoints_of=plan.checkpoints_of,
    )
