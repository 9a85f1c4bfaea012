"""Whether an image can run a job: the processor it is made for, and what it starts when the job says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dispatcher.errors import Problem

if TYPE_CHECKING:
    from dispatcher.images.config import Config
    from dispatcher.job import Job

_SHELLS = ("/bin/sh", "/bin/bash", "sh", "bash")


def of_platform(image: str, platforms: Sequence[str], wanted: str | None, instance: str) -> list[Problem]:
    """Find an image of another processor than the machine's."""
    if wanted is None or wanted in platforms:
        return []
    rule = f"{image} is made for {', '.join(platforms) or 'no platform'}, and {instance} runs {wanted}"
    return [_problem(rule, f"dispatch build --platform {wanted} ..., or name other hardware")]


def of_start(image: str, config: Config, job: Job, cloud: str) -> list[Problem]:
    """Find an image that starts nothing, or not what is meant, for a job without a command.

    SageMaker runs an image with the argument `train` in place of its CMD, which only an ENTRYPOINT in exec form
    survives (developer guide, "How Amazon SageMaker AI Runs Your Training Image").
    """
    if job.command:
        return []
    remedy = 'give the job a command, or the image an ENTRYPOINT ["program", "argument"]'
    if cloud == "aws" and config.entrypoint is None:
        cmd = f" in place of its CMD {' '.join(config.command)!r}" if config.command else ""
        return [_problem(f"{image} has no entry point, and SageMaker would run `train` in it{cmd}", remedy)]
    if cloud == "aws" and config.entrypoint and config.entrypoint[0] in _SHELLS and "-c" in config.entrypoint[1:2]:
        return [
            _problem(f"{image} has an ENTRYPOINT in shell form, which SageMaker's `train` does not reach", remedy)
        ]
    if config.entrypoint is None and config.command is None:
        return [_problem(f"{image} has neither an entry point nor a command, and the job has no command", remedy)]
    return []


def _problem(rule: str, remedy: str) -> Problem:
    return Problem("job", None, "image", rule, remedy)
