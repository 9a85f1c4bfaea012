"""One portable job becomes a process of this machine: command, directory, environment, time limit. Pure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher import limits
from dispatcher.backends import code, environment
from dispatcher.backends.base import Operation, Request, Submission
from dispatcher.backends.findings import Findings
from dispatcher.contract import CODE_FOLDER

if TYPE_CHECKING:
    from dispatcher.job import Job
    from dispatcher.queue import Queue

OPERATION = "RunProcess"
GRACE = 10.0
"""Seconds between asking a process to end and ending it."""
FRONT = (sys.executable, "-P", "-m", "dispatcher.runtime", "--")
"""dispatch-run, which is there with the dispatcher itself, whatever the PATH says.

`-P` keeps the directory that the command runs in out of its own imports.
"""


def render(job: Job, queue: Queue, submission: Submission, place: Path) -> Request:
    """Build the request. Raises SpecError or PolicyRefusal with everything that is wrong.

    The one override a local queue takes is `directory`, where commands run; without it a command runs where
    the process that submits it runs, as it would without the dispatcher.
    """
    findings = Findings()
    directory = queue.overrides.get("directory")
    for key in queue.overrides:
        if key != "directory":
            findings.problem(
                f"overrides.{key}", "a local queue takes only `directory`", source=f"queue {queue.name}"
            )
    if not job.command:
        findings.problem(
            "command", "is missing, and images are not run here", "say what to run: [python, train.py]"
        )
    if job.resources.nodes != 1:
        findings.problem("resources.nodes", "this machine is one node", "set it to 1, or use a queue on a cloud")
    if not 1 <= job.max_runtime <= limits.RUNTIME_MAX:
        findings.problem("max_runtime", f"is {job.max_runtime} s, allowed are 1 to {limits.RUNTIME_MAX} s")
    findings.warn(f"image {job.image} is not used: the command runs as a process of this machine")
    if job.spot:
        findings.warn("spot means nothing on this machine")
    code.check(job, findings)
    home = place / "jobs" / submission.name
    checkpoints = place / "checkpoints" / submission.checkpoints
    body: dict[str, Any] = {
        "Name": submission.name,
        "Command": _command(job),
        "Directory": directory,
        "Environment": _environment(job, submission, place, findings),
        "Secrets": dict(job.secrets),
        "MaxRuntimeInSeconds": job.max_runtime,
        "GraceInSeconds": GRACE,
        "OutputDirectory": str(home / "output"),
        "CheckpointDirectory": str(checkpoints) if job.checkpoint else None,
    }
    findings.settle()
    return Request(
        "local",
        submission.name,
        (Operation(OPERATION, body),),
        tuple(findings.warnings),
        uploads=code.uploads(job, f"file://{place}"),
    )


def _command(job: Job) -> list[str]:
    if not job.command or not (job.runtime or job.code):
        return list(job.command)
    return [*FRONT, *job.command]


def _environment(job: Job, submission: Submission, place: Path, findings: Findings) -> dict[str, str]:
    added = environment.identity(job, submission, cloud="local", region="local", instance="local")
    home = place / "jobs" / submission.name
    added |= {"DISPATCH_NODE_RANK": "0", "MASTER_ADDR": "127.0.0.1", "DISPATCH_OUTPUT_DIR": str(home / "output")}
    if job.checkpoint:
        added["DISPATCH_CHECKPOINT_DIR"] = str(place / "checkpoints" / submission.checkpoints)
    paths = {}
    for name, uri in job.inputs.items():
        scheme, separator, rest = uri.partition("://")
        if separator and scheme != "file":
            findings.problem(f"inputs.{name}", f"{uri} is not on this machine", "name a path, or file:///path")
        paths[name] = rest if separator else uri
    added |= environment.inputs(paths, findings)
    added |= code.variables(job, str(place / CODE_FOLDER))
    added |= environment.secrets(job, {"env": "NAME, a variable of your shell"}, isolated=False, findings=findings)
    added |= environment.wandb_run(job)
    return environment.merged(job, added, findings)
