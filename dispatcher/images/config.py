"""What an image is configured to be: its platform, what it starts, and whether it has dispatch-run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PLATFORMS: Mapping[str, str] = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
"""Architecture in the hardware catalog -> platform in an image (Go's names, OCI image specification)."""


@dataclass(frozen=True, slots=True)
class Config:
    """What an image starts: `entrypoint` and `command` (its CMD) are None where it has none.

    `platform` is `linux/amd64` or its like, `runtime` the version of dispatch-run that its label names.
    """

    platform: str
    entrypoint: tuple[str, ...] | None
    command: tuple[str, ...] | None
    runtime: str | None
