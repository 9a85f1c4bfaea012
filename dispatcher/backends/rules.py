"""The rules of zones and queues that are the same on every cloud, checked before a request is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatcher.placement.catalog import catalog

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import Zone
    from dispatcher.job import Job
    from dispatcher.placement.catalog import Hardware
    from dispatcher.queue import Queue


def check_limits(job: Job, queue: Queue, zone: Zone, findings: Findings) -> None:
    """Hold a job to the caps of its zone and queue, and to their spot rules."""
    if job.resources.nodes < 1:
        findings.problem("resources.nodes", f"is {job.resources.nodes}, a job has at least one node")
    caps = {"limits.max_runtime": zone.limits.max_runtime, f"queue {queue.name} max_runtime": queue.max_runtime}
    for rule, cap in caps.items():
        if cap is not None and job.max_runtime > cap:
            findings.refuse(rule, f"the job may run {job.max_runtime} s, allowed are {cap} s", "lower max_runtime")
    if queue.max_nodes is not None and job.resources.nodes > queue.max_nodes:
        findings.refuse(
            f"queue {queue.name} max_nodes",
            f"the job wants {job.resources.nodes} nodes, the queue takes {queue.max_nodes}",
            "ask for fewer nodes, or use another queue",
        )
    if job.spot and queue.spot == "forbidden":
        findings.refuse(f"queue {queue.name} spot", "spot jobs are forbidden there", "set spot: false")
    if not job.spot and queue.spot == "required":
        findings.refuse(
            f"queue {queue.name} spot", "only spot jobs run there", "set spot: true and checkpoint: true"
        )
    tier = next((entry.tier for entry in zone.compute if entry.name == queue.hardware), None)
    if tier == "spot" and not job.spot and queue.spot != "required":
        findings.refuse(f"compute.{queue.hardware}.tier", "this hardware is spot only", "set spot: true")
    _check_spot(job, queue, tier, findings)


def _check_spot(job: Job, queue: Queue, tier: str | None, findings: Findings) -> None:
    """Hold a job that may lose its machines to what makes that bearable."""
    if job.spot and not job.checkpoint and not job.no_checkpoint:
        remedy = "set checkpoint: true, or accept it: dispatch submit --no-checkpoint"
        findings.problem("spot", "needs checkpoint: true, or an interruption loses all work", remedy)
    elif job.spot and not job.checkpoint:
        findings.warn("the job keeps no checkpoint: after an interruption it starts anew (--no-checkpoint)")
    if job.last_attempt_on_demand and (queue.spot == "required" or tier == "spot"):
        findings.refuse(
            "last_attempt_on_demand",
            f"queue {queue.name} has no machines on demand, only spot",
            "drop it, or use another queue",
        )
    elif job.last_attempt_on_demand:
        findings.warn("its last attempt may run on demand, for a price that is not in the estimate of a spot job")


def warn_of_nodes(job: Job, hardware: Hardware, fabric: str, findings: Findings) -> None:
    """Say when several nodes will talk over the ordinary network; `fabric` is the cloud's name for the fast one.

    Which types have it is data (placement/data), and so is the type with the same GPU that is named instead.
    """
    if job.resources.nodes == 1 or hardware.efa:
        return
    known = f"has no {fabric}" if hardware.efa is False else f"is not known to have {fabric}"
    device = (hardware.gpu_model, hardware.gpu_memory, hardware.architecture)
    others = [
        other
        for other in catalog(hardware.cloud).values()
        if other.efa and other.status == "current"
        if (other.gpu_model, other.gpu_memory, other.architecture) == device
    ]
    smallest = min(others, key=lambda other: (other.gpus, other.vcpu or 0), default=None)
    instead = f"; {smallest.describe()} has it" if smallest is not None and hardware.gpu_model else ""
    findings.warn(
        f"{job.resources.nodes} nodes of {hardware.instance}, which {known}: nodes will talk slowly{instead}"
    )


def warn_of_age(hardware: Hardware, findings: Findings) -> None:
    """Say when a type is retired or will be, or when the catalog does not know it."""
    if hardware.status != "current":
        reason = hardware.reason or "the catalog does not know it"
        findings.warn(f"{hardware.instance} is {hardware.status}: {reason}")
    elif hardware.ends:
        findings.warn(f"{hardware.instance} is retired on {hardware.ends}, and new subscriptions may not get it")
