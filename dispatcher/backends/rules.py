"""The rules of zones and queues that are the same on every cloud, checked before a request is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    if job.spot and not job.checkpoint:
        findings.problem(
            "spot", "needs checkpoint: true, or an interruption loses all work", "set checkpoint: true"
        )


def warn_of_age(hardware: Hardware, findings: Findings) -> None:
    """Say when a type is retired or will be, or when the catalog does not know it."""
    if hardware.status != "current":
        reason = hardware.reason or "the catalog does not know it"
        findings.warn(f"{hardware.instance} is {hardware.status}: {reason}")
    elif hardware.ends:
        findings.warn(f"{hardware.instance} is retired on {hardware.ends}, and new subscriptions may not get it")
