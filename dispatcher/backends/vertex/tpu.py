"""What Vertex AI asks of a job on TPUs: one pool of one replica, and a topology that the machine type has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import GcpZone
    from dispatcher.job import Job
    from dispatcher.placement.catalog import Hardware
    from dispatcher.queue import Queue


def machines(spec: Mapping[str, Any], hardware: Hardware) -> int | None:
    """How many machines the one replica of a TPU job takes; None for other hardware, or no such topology."""
    return hardware.tpu_topologies.get(str(_topology(spec)))


def _topology(spec: Mapping[str, Any]) -> Any:
    return (spec["workerPoolSpecs"][0].get("machineSpec") or {}).get("tpuTopology")


def check(
    spec: Mapping[str, Any], job: Job, queue: Queue, hardware: Hardware, zone: GcpZone, findings: Findings
) -> None:
    """Hold a TPU job to Vertex's rules, and its machines to the caps that hold for nodes.

    The topology comes from the queue's overrides, or is that of one machine; one that takes several machines is
    a node for each of them, though Vertex counts one replica. Other machines have no topology.
    """
    topology, count = _topology(spec), machines(spec, hardware)
    if not hardware.tpu_topologies:
        if topology is not None:
            remedy = "drop tpuTopology from the overrides, or give the queue TPU hardware"
            findings.refuse("tpu topology", f"{hardware.instance} is no TPU", remedy)
        return
    if job.resources.nodes > 1:
        findings.refuse(
            "tpu nodes",
            f"a TPU job has one replica, not {job.resources.nodes}",
            "set overrides.jobSpec.workerPoolSpecs[0].machineSpec.tpuTopology on a queue for more chips",
        )
    if count is None:
        known = ", ".join(hardware.tpu_topologies)
        findings.refuse("tpu topology", f"{hardware.instance} has no topology {topology}", f"one of {known}")
        return
    caps = {"limits.max_nodes": zone.limits.max_nodes, f"queue {queue.name} max_nodes": queue.max_nodes}
    if job.resources.instance is None:
        caps |= {f"compute.{entry.name}.max": entry.max for entry in zone.compute if entry.name == queue.hardware}
    for rule, cap in caps.items():
        if cap is not None and count > cap:
            findings.refuse(
                rule, f"topology {topology} takes {count} machines, allowed are {cap}", "use a smaller one"
            )
    if job.spot and count > 1:
        findings.refuse(
            "tpu spot", f"topology {topology} is a pod, and pods are no spot capacity", "set spot: false"
        )
