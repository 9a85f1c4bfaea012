"""How long a job of Vertex AI runs and waits, what restarts it, and which capacity it takes."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.job import Job
    from dispatcher.placement.catalog import Hardware
    from dispatcher.queue import Queue

RULES = Path(__file__).parent / "data" / "scheduling.json"
FLEX = "FLEX_START"


@functools.cache
def _rules() -> dict[str, Any]:
    rules: dict[str, Any] = json.loads(RULES.read_text(encoding="utf-8"))
    return rules


def render(job: Job) -> dict[str, Any]:
    """Return `scheduling` as the job says it; a queue's overrides come later.

    Vertex restarts a program that ends with an error, up to five times, and then the whole job. Other clouds do
    not, so retries are off (those of the job are ours), but for a spot job, which has to come back. Then the whole
    job restarts together, because a distributed program seldom survives one node that starts anew.
    """
    spec: dict[str, Any] = {"timeout": f"{job.max_runtime}s", "strategy": "SPOT" if job.spot else "STANDARD"}
    if job.spot:
        spec["restartJobOnWorkerRestart"] = True
    else:
        spec["disableRetries"] = True
    return spec


def finish(scheduling: Mapping[str, Any], raw: Mapping[str, Any], job: Job, findings: Findings) -> dict[str, Any]:
    """Return the merged `scheduling` with what follows from the queue's choice of strategy.

    `raw` is the queue's own `scheduling`. `max_wait` bounds waiting and running together, `maxWaitDuration`
    waiting alone, where 0 means for ever.
    """
    spec = dict(scheduling)
    if (
        raw.get("restartJobOnWorkerRestart") is True
        and "disableRetries" not in raw
        and spec.pop("disableRetries", 0)
    ):
        findings.warn(
            "the queue asks for restartJobOnWorkerRestart, which Vertex AI ignores while retries are disabled: "
            "they are left on, and then a program that ends with an error is restarted too"
        )
    if spec.get("strategy") == FLEX and job.max_wait is not None:
        wait = job.max_wait - job.max_runtime
        if wait <= 0:
            rule = f"max_wait ({job.max_wait} s) bounds waiting and running together, and leaves no time to wait"
            findings.problem("max_wait", rule, f"set it above {job.max_runtime} s")
        if (own := raw.get("maxWaitDuration")) not in (None, f"{wait}s"):
            findings.warn(f"the job's max_wait replaces the queue's maxWaitDuration of {own}: it waits {wait} s")
        spec["maxWaitDuration"] = f"{wait}s"
    elif job.max_wait is not None and job.spot:
        findings.warn(
            "Vertex AI bounds no wait for spot: beyond max_wait a command that runs the queue stops the job"
        )
    elif job.max_wait is not None:
        findings.warn("max_wait is left out: Vertex AI bounds waiting for FLEX_START jobs only")
    if job.max_interruptions is not None:
        findings.warn(
            "max_interruptions is left out: Vertex AI tells of no interruption, and starts the job again by its "
            f"own count ({_rules()['spot']['restarts']} times, which is unverified)"
        )
    if job.spot and not spec.get("disableRetries"):
        findings.warn(
            "a spot job leaves Vertex AI's retries on, which bring it back: a program that ends with an error is "
            "restarted too, up to five times a node, and the whole job up to three times"
        )
    return spec


def check(
    spec: Mapping[str, Any],
    raw: Mapping[str, Any],
    job: Job,
    queue: Queue,
    hardware: Hardware | None,
    findings: Findings,
) -> None:
    """Refuse a `jobSpec` whose scheduling, capacity and hardware do not go together; `raw` is the queue's own."""
    source = f"queue {queue.name}"
    scheduling = spec.get("scheduling") or {}
    strategy = scheduling.get("strategy")
    asked = (raw.get("scheduling") or {}).get("strategy")
    if instead := _rules()["deprecated"]["strategies"].get(asked):
        findings.refuse("scheduling.strategy", f"{source} asks for {asked}, which is deprecated", f"use {instead}")
    elif job.spot and asked in (FLEX, "STANDARD"):
        findings.refuse(
            "scheduling.strategy",
            f"the job is a spot job and {source} asks for {asked}",
            "set spot: false in the job, or use another queue",
        )
    elif asked == "SPOT" and not job.spot:
        findings.refuse(
            "scheduling.strategy", f"{source} makes every job a spot job", "set spot: required on the queue"
        )
    if scheduling.get("restartJobOnWorkerRestart") and scheduling.get("disableRetries"):
        findings.refuse(
            "scheduling.disableRetries",
            f"{source} asks for restarts and disables them",
            "drop disableRetries or restartJobOnWorkerRestart",
        )
    if strategy == FLEX:
        _check_flex(spec, job, source, hardware, findings)
    elif "maxWaitDuration" in scheduling:
        findings.refuse(
            "scheduling.maxWaitDuration",
            f"{source} bounds the wait of {strategy}",
            "only FLEX_START jobs have one",
        )
    persistent = spec.get("persistentResourceId")
    if persistent and strategy != "STANDARD":
        findings.refuse(
            "persistentResourceId",
            f"{source} runs jobs on the machines of {persistent}, and {strategy} asks for others",
            "leave one of them out",
        )
    if queue.min_warm and not persistent:
        findings.warn(
            f"queue {queue.name} keeps machines warm, which Vertex AI does in a persistent resource only: make "
            "one and name it in overrides.jobSpec.persistentResourceId"
        )
    if hardware is not None:
        _check_capacity(spec, job, hardware, findings)


def _check_flex(
    spec: Mapping[str, Any], job: Job, source: str, hardware: Hardware | None, findings: Findings
) -> None:
    rules = _rules()["flex_start"]
    if hardware is not None and hardware.accelerator_type not in rules["accelerators"]:
        findings.refuse(
            "flex-start accelerator",
            f"{hardware.instance} has {hardware.accelerator_type or 'no GPU'}, which FLEX_START does not wait for",
            f"one of {', '.join(rules['accelerators'])}",
        )
    if job.max_runtime > rules["max_runtime"]:
        findings.refuse(
            "flex-start max_runtime",
            f"the job may run {job.max_runtime} s, FLEX_START allows {rules['max_runtime']} s (7 days)",
            "lower max_runtime",
        )
    machines = [[pool.get("machineSpec"), pool.get("diskSpec")] for pool in spec.get("workerPoolSpecs", ())]
    if any(machine != machines[0] for machine in machines):
        findings.refuse(
            "flex-start pools",
            f"{source} gives the pools different machines, and FLEX_START wants one kind",
            "give overrides.jobSpec.workerPoolSpecs one entry, which is for all pools",
        )


def _check_capacity(spec: Mapping[str, Any], job: Job, hardware: Hardware, findings: Findings) -> None:
    pools = spec.get("workerPoolSpecs") or [{}]
    machine = pools[0].get("machineSpec") or {}
    affinity = (machine.get("reservationAffinity") or {}).get("reservationAffinityType")
    if hardware.accelerator_type in _rules()["reservation_only"]["accelerators"] and affinity in (
        None,
        "NO_RESERVATION",
    ):
        findings.refuse(
            "reservation",
            f"{hardware.instance} comes from a shared reservation only",
            "name it in overrides.jobSpec.workerPoolSpecs[0].machineSpec.reservationAffinity of the queue",
        )
    for pool in pools if hardware.boot_disk else ():
        disk = (pool.get("diskSpec") or {}).get("bootDiskType", hardware.boot_disk)
        if disk != hardware.boot_disk:
            findings.refuse(
                "boot disk", f"{hardware.instance} boots from {hardware.boot_disk}, not from {disk}", "drop it"
            )
            break
    if job.spot and affinity not in (None, "NO_RESERVATION"):
        findings.refuse("reservation", "a spot job takes spare capacity, not a reserved one", "set spot: false")
