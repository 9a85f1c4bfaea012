"""What the tables of jobs of every cloud are made from."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from dispatcher.contract import Controls, WandbControls
from dispatcher.documents import job_file
from dispatcher.job import Code, Job, Resources

GOLDEN = Path(__file__).parents[1] / "golden"
EXAMPLES = Path(__file__).parents[2] / "examples"
DIGEST = "sha256:" + "0123456789abcdef" * 4
CODE = Code("src", "0a1b2c3d" * 8, 2048)
"""Code as it is once it has been packed."""


def examples() -> dict[str, Job]:
    """Return the jobs of the example job files by their names, as `dispatch submit` reads them."""
    files = sorted(EXAMPLES.glob("train*.yaml"))
    read = {path.stem: job_file.parse(path.name, path.read_bytes()) for path in files}
    return {name: dataclasses.replace(job, code=job.code and CODE) for name, job in read.items()}


def controls(
    mode: str = "disabled", route: str = "none", isolated: bool = False, host: str | None = None
) -> Controls:
    """Return the controls of a zone."""
    wandb = WandbControls(host=host, route=route, mode=mode)  # type: ignore[arg-type] # each test names real words
    return Controls(network_isolation=isolated, wandb=wandb, retention_days=365)


def train(**fields: Any) -> Job:
    """Return the plain training job, with `fields` changed; resources may be given as a mapping."""
    resources = fields.pop("resources", {})
    return Job(
        **{
            "image": "train:v1",
            "command": ("python", "train.py"),
            "resources": Resources(**resources) if isinstance(resources, dict) else resources,
            **fields,
        }
    )
