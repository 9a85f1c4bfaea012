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


def check(
    spec: Mapping[str, Any], job: Job, queue: Queue, hardware: Hardware, zone: GcpZone, findings: Findings
) -> None:
    """Hold a TPU job to Vertex's rules, and its machines to the caps that hold for nodes.

    The topology comes from the queue's overrides, or is that of one machine; one that takes several machines is
    a node for each of them, though Vertex counts one replica. Other machines have no topology.
    """
    topology = (spec["workerPoolSpecs"][0].get("machineSpec") or {}).get("tpuTopology")
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
    machines = hardware.tpu_topologies.get(str(topology))
    if machines is None:
        known = ", ".join(hardware.tpu_topologies)
        findings.refuse("tpu topology", f"{hardware.instance} has no topology {topology}", f"one of {known}")
        return
    caps = {"limits.max_nodes": zone.limits.max_nodes, f"queue {queue.name} max_nodes": queue.max_nodes}
    for rule, cap in caps.items():
        if cap is not None and machines > cap:
            findings.refuse(
                rule, f"topology {topology} takes {machines} machines, allowed are {cap}", "use a smaller one"
            )
    if job.spot and machines > 1:
        findings.refuse(
            "tpu spot", f"topology {topology} is a pod, and pods are no spot capacity", "set spot: false"
        )
