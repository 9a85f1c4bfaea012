"""What a job of Azure ML runs on: a cluster of the zone, or machines that Azure ML finds itself (serverless)."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher.backends import rules
from dispatcher.backends.azureml import place

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import AzureZone, Compute
    from dispatcher.job import Job
    from dispatcher.placement.catalog import Hardware
    from dispatcher.queue import Queue

RULES = Path(__file__).parent / "data" / "rules.json"

NAME = re.compile(r"[a-zA-Z](?![a-zA-Z0-9-]*-\d+$)[a-zA-Z0-9-]{2,23}")
"""What a cluster may be called (Microsoft.MachineLearningServices/workspaces/computes 2025-12-01)."""


@functools.cache
def limits() -> dict[str, Any]:
    """Return what Azure ML bounds jobs by, besides its types: run times in seconds, the tiers of serverless."""
    found: dict[str, Any] = json.loads(RULES.read_text(encoding="utf-8"))
    return found


def render(
    job: Job, queue: Queue, hardware: Hardware | None, zone: AzureZone, findings: Findings
) -> dict[str, Any]:
    """Return the fields that say where the job runs and on how many machines; every refusal names its rule."""
    _check_time(job, findings)
    if queue.min_warm:
        where = "a serverless job has none to keep" if place.serverless(zone) else "set min of the compute entry"
        findings.warn(f"queue {queue.name} keeps machines warm, which Azure ML does in a cluster only: {where}")
    if hardware is not None:
        _check_size(hardware, findings)
        _warn(job, hardware, findings)
    resources: dict[str, Any] = {"instanceCount": job.resources.nodes}
    if hardware is not None and hardware.memory:
        # A container gets 2 GB of shared memory otherwise; half of what the machine has is Linux's own default.
        resources["shmSize"] = f"{max(2, int(hardware.memory // 2))}g"
    if place.serverless(zone):
        if hardware is not None:
            resources["instanceType"] = hardware.instance
        tier = "Spot" if job.spot else "Standard"
        return {"resources": resources, "queueSettings": {"jobTier": tier}}
    entry = _cluster(job, queue, hardware, zone, findings)
    return {"resources": resources, **({"computeId": cluster_id(zone, entry.name)} if entry else {})}


def cluster_id(zone: AzureZone, name: str) -> str:
    """Return the resource id of a cluster of the zone."""
    return f"{place.workspace_id(zone)}/computes/{name}"


def _cluster(
    job: Job, queue: Queue, hardware: Hardware | None, zone: AzureZone, findings: Findings
) -> Compute | None:
    """Return the cluster that the queue names, or the one with the hardware that was chosen."""
    retired = limits()["low_priority_retired"]
    if job.spot:
        findings.refuse(
            "spot",
            f"jobs of this zone run on its clusters, and low-priority clusters were retired on {retired}: Spot is "
            "for serverless jobs only",
            "set spot: false, or use a queue of a zone whose network is public, where jobs are serverless",
        )
    if queue.hardware and job.resources.instance is None:
        fitting = [entry for entry in zone.compute if entry.name == queue.hardware]
    else:
        fitting = [entry for entry in zone.compute if hardware and entry.instance == hardware.instance]
    fitting.sort(key=lambda entry: (entry.tier == "spot", entry.max < job.resources.nodes, entry.max))
    if not fitting:
        return None  # `choose` has said why
    entry = fitting[0]
    if entry.tier == "spot":
        findings.refuse(
            "low-priority cluster",
            f"{entry.name} is a low-priority cluster, which Azure ML retired on {retired} (it has Spot VMs now, "
            "at a price that nobody bounds); vmPriority has no Spot",
            "make it tier: on-demand, or send spot jobs to a zone whose network is public: there they "
            "are serverless jobs of tier Spot",
        )
    if not NAME.fullmatch(entry.name):
        findings.refuse(
            "compute name",
            f"{entry.name} is no name of a cluster",
            "3 to 24 letters, digits and -, a letter first, not ending in - and a number: rename it in the stack",
        )
    if entry.max < job.resources.nodes and queue.hardware != entry.name:
        findings.refuse(
            f"compute.{entry.name}.max",
            f"the job wants {job.resources.nodes} nodes, {entry.name} has {entry.max}",
            "ask for fewer nodes, or raise max of the compute entry in the stack",
        )
    return entry


def _check_time(job: Job, findings: Findings) -> None:
    longest = limits()["max_runtime"]
    if job.max_runtime > longest:
        findings.refuse(
            "job lifetime",
            f"the job may run {job.max_runtime} s, Azure ML allows {longest} s (21 days)",
            "lower it",
        )
    elif job.spot and job.max_runtime > limits()["max_runtime_spot"]:
        findings.refuse(
            "spot lifetime",
            f"the job may run {job.max_runtime} s, Azure ML ends a spot job after 7 days",
            "lower max_runtime and resume from the checkpoint, or set spot: false",
        )


def _check_size(hardware: Hardware, findings: Findings) -> None:
    if hardware.status == "retired":
        findings.refuse(
            "VM size retired",
            f"{hardware.instance} is gone from Azure: {hardware.reason}",
            "name another size, or leave it to resources.gpu, gpu_type, cpu and memory",
        )
    elif hardware.status == "unknown":
        findings.refuse(
            "VM size unknown",
            f"{hardware.instance} is not a size that Azure ML is known to offer",
            "look it up with `az ml compute list-sizes`, and change the compute entry in the stack",
        )
    else:
        rules.warn_of_age(hardware, findings)


def _warn(job: Job, hardware: Hardware, findings: Findings) -> None:
    if hardware.accelerator == "gpu":
        rules.warn_of_nodes(job, hardware, "InfiniBand", findings)
    if job.resources.disk:
        findings.warn(
            f"resources.disk is left out: Azure ML gives a job no volume, and {hardware.instance} has its own "
            f"temporary disk, {hardware.local_storage_gb} GB"
        )
    if job.spot:
        findings.warn(
            "Azure ML does not start an interrupted spot job again: its next attempt is sent when a command runs "
            "the queue (`dispatch wait`, `logs -f`)"
        )
    if job.max_wait is not None and job.spot:
        findings.warn("Azure ML bounds no waiting: beyond max_wait a command that runs the queue stops the job")
    elif job.max_wait is not None:
        findings.warn("max_wait is left out: Azure ML bounds no waiting")
