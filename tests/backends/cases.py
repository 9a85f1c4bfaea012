"""What the tables of jobs of every cloud are made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dispatcher.contract import Controls, WandbControls
from dispatcher.job import Job, Resources

GOLDEN = Path(__file__).parents[1] / "golden"
DIGEST = "sha256:" + "0123456789abcdef" * 4


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
