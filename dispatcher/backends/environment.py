"""The environment every job finds in its container: the user's own, what the dispatcher adds, W&B by the rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatcher.backends.base import Submission
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import Zone
    from dispatcher.job import Job

RESERVED = "DISPATCH_"
RENDEZVOUS_PORT = 29400
"""Port of node 0 that the others meet at (torchrun's c10d default)."""

_OPENNESS = {"disabled": 0, "offline": 1, "dryrun": 1, "online": 2, "run": 2, "shared": 2}
"""W&B's modes from closed to open (wandb 0.31, `Settings.mode`): a job may be more closed than its zone, never
more open."""


def identity(job: Job, submission: Submission, *, cloud: str, region: str, instance: str) -> dict[str, str]:
    """Return the names that say who and where the job is; the same on every cloud."""
    return {
        "DISPATCH_JOB_ID": submission.id,
        "DISPATCH_ATTEMPT": str(submission.attempt),
        "DISPATCH_CLOUD": cloud,
        "DISPATCH_REGION": region,
        "DISPATCH_INSTANCE": instance,
        "DISPATCH_NODES": str(job.resources.nodes),
        "MASTER_PORT": str(RENDEZVOUS_PORT),
    }


def input_name(channel: str) -> str:
    """Return the environment name that holds the place of an input: `train-set` -> `DISPATCH_INPUT_TRAIN_SET`."""
    return f"DISPATCH_INPUT_{re.sub(r'[^A-Za-z0-9_]', '_', channel).upper()}"


def inputs(channels: Mapping[str, str], findings: Findings) -> dict[str, str]:
    """Return the environment of input directories; two channels whose names become one are a problem."""
    found: dict[str, str] = {}
    for channel, directory in channels.items():
        key = input_name(channel)
        if key in found:
            findings.problem(f"inputs.{channel}", f"another input is called {key} too", "rename one of them")
        found[key] = directory
    return found


def secrets(job: Job, schemes: Mapping[str, str], *, isolated: bool, findings: Findings) -> dict[str, str]:
    """Return references under `DISPATCH_SECRET_<NAME>`; `schemes` maps those this cloud resolves to an example.

    The secret itself never enters a request: whoever may describe the job could read it there. An `isolated`
    container has neither network nor credentials to resolve one with.
    """
    found: dict[str, str] = {}
    if job.secrets and isolated:
        findings.refuse(
            "controls.network_isolation",
            f"an isolated container cannot fetch secrets ({', '.join(job.secrets)})",
            "drop `secrets` from the job, or send it to a zone without network isolation",
        )
    for name, reference in job.secrets.items():
        scheme = reference.partition("://")[0]
        if scheme not in schemes:
            findings.refuse(
                "secrets",
                f"{name} is a reference to {scheme}://, which a job there cannot resolve",
                "; ".join(f"use {known}://{example}" for known, example in schemes.items()),
            )
        found[f"DISPATCH_SECRET_{name}"] = reference
    return found


def wandb(job: Job, zone: Zone, *, isolated: bool, findings: Findings) -> dict[str, str]:
    """Return W&B's variables as the zone's controls allow, and refuse what they do not.

    `isolated` is true when the container has no network at all. A zone whose mode is `online` but which has no
    route (NAT, private link) would let a job start that hangs at its first `wandb.init`.
    """
    control = zone.controls.wandb
    named = job.wandb is not None or any(key.startswith("WANDB_") for key in [*job.env, *job.secrets])
    asked = job.env.get("WANDB_MODE", control.mode)
    if asked not in _OPENNESS:
        findings.problem("env.WANDB_MODE", f"{asked!r} is not a mode of W&B", f"one of {', '.join(_OPENNESS)}")
        return {}
    if _OPENNESS[asked] > _OPENNESS[control.mode]:
        findings.refuse(
            "controls.wandb.mode",
            f"the job sets WANDB_MODE={asked}, the zone allows at most {control.mode}",
            "drop WANDB_MODE from env, or set wandb.mode of the zone in the stack",
        )
    online = _OPENNESS[asked] == _OPENNESS["online"] and named
    offline = "set env.WANDB_MODE: offline and sync afterwards"
    if online and isolated:
        findings.refuse("controls.network_isolation", "an isolated container cannot reach W&B online", offline)
    elif online and control.route == "none" and zone.network.mode != "public":
        findings.refuse("controls.wandb.route", "the zone declares no route to W&B (nat or private-link)", offline)
    host = job.env.get("WANDB_BASE_URL", "").removeprefix("https://").rstrip("/")
    if online and host and host != control.host:
        findings.refuse(
            "controls.wandb.host",
            f"the job sends to {host}, the zone allows {control.host or 'no host'}",
            "drop WANDB_BASE_URL from env, or set wandb.host of the zone in the stack",
        )
    if asked == "disabled" and job.wandb is not None:
        findings.warn("the zone disables W&B: this job logs nothing there")
    found = {} if asked == "online" and not named else {"WANDB_MODE": asked}
    if online and control.host:
        found["WANDB_BASE_URL"] = f"https://{control.host}"
    return found if asked == "disabled" else found | wandb_run(job)


def wandb_run(job: Job) -> dict[str, str]:
    """Return where the job's own `wandb.init` logs, as far as the job says."""
    run = job.wandb
    names = {"WANDB_PROJECT": run.project, "WANDB_ENTITY": run.entity} if run else {}
    return {name: value for name, value in names.items() if value}


def merged(job: Job, added: Mapping[str, str], findings: Findings) -> dict[str, str]:
    """Return the job's `env` with what the dispatcher adds; the job may not take the dispatcher's names."""
    for key in job.env:
        if key.startswith(RESERVED) or key in ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "RANK", "WORLD_SIZE"):
            findings.problem(f"env.{key}", "the dispatcher sets this name itself", "choose another name")
    return {**added, **job.env}
