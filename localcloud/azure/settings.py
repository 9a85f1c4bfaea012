"""What the server gives Azure when it starts, and what a test may ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from localcloud.azure.errors import AzureError
from localcloud.azure.state import State
from localcloud.jobs.runner import Runner


@dataclass
class Settings:
    """`runner` runs the jobs; without one they stay where they are. `check_images` asks for their registries.

    `inside` is whether callers are in the networks of private things: off, the data planes of storage, vaults and
    workspaces without public access refuse everybody, as they do a laptop.
    """

    state: State
    runner: Runner | None = None
    check_images: bool = True
    inside: bool = True


def require_reach(state: State, properties: dict[str, Any], refusal: AzureError) -> None:
    """Raises the refusal when something without public access is called from outside."""
    if not state.store(Settings).inside and properties.get("publicNetworkAccess") == "Disabled":
        raise refusal
