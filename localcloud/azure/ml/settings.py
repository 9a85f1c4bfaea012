"""What the server gives Azure ML when it starts: the runner of jobs, and how strict it is about images."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.azure.state import State
from localcloud.jobs.runner import Runner


@dataclass
class Settings:
    """`runner` runs the jobs; without one they stay where they are. `check_images` asks for their registries."""

    state: State
    runner: Runner | None = None
    check_images: bool = True
