"""dispatch-run in front of a job's command where the image has it, and what a job misses where it has not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dispatcher.runtime import PROGRAM

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.job import Job

FRONT = (PROGRAM, "--")
ADD = f"`dispatch image runtime {PROGRAM}` writes it for a COPY into the image, `runtime: true` says it is there"
"""How an image gets it."""


def entry(job: Job) -> list[str]:
    """Return what a container starts, up to the first word of the command; the rest of that are its arguments.

    The rest keeps its places, so that a message about an argument names the job's own.
    """
    front = FRONT if job.runtime else ()
    return [*front, *job.command[:1]]


def check(job: Job, cloud: str, findings: Findings) -> None:
    """Warn of what differs without dispatch-run; of `runtime: false`, which is meant, only of what breaks.

    With it a job must say its command: what the image would run by itself starts without dispatch-run.
    """
    if job.runtime:
        if not job.command:
            findings.problem(
                "command", "is missing: dispatch-run starts what the job says", "such as [python, train.py]"
            )
        return
    missed = [*_broken(job, cloud), *(_lesser(job, cloud) if job.runtime is None else ())]
    if missed:
        findings.warn(f"the image is not said to have {PROGRAM}: {'; '.join(missed)} ({ADD})")


def _broken(job: Job, cloud: str) -> Iterator[str]:
    nodes = job.resources.nodes
    if nodes > 1 and cloud == "aws":
        yield "no node is told its rank, which it must read from /opt/ml/input/config/resourceconfig.json"
    if nodes > 1 and cloud == "gcp":
        rank = " nor its rank" if nodes > 2 else ""
        yield f"no node is told MASTER_ADDR{rank}, which it must read from CLUSTER_SPEC"
    if job.secrets:
        names = ", ".join(f"DISPATCH_SECRET_{name}" for name in job.secrets)
        yield f"secrets stay references, which the program must resolve itself ({names})"


def _lesser(job: Job, cloud: str) -> Iterator[str]:
    if cloud != "azure" or job.resources.nodes == 1:  # of several nodes Azure ML sets them itself
        yield "NODE_RANK and WORLD_SIZE are not set"
    if job.checkpoint:
        yield "whether checkpoints can be written shows at the first one"
    if cloud == "aws":
        yield "a failure shows no reason but its exit code"
