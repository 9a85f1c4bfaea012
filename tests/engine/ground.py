"""Local clouds of one's own with a Pulumi home beside them: where a test's projects live. Shared by both lanes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatcher import contract
from localcloud import Cloud, plugin, running
from localcloud.place import ACCOUNT, PROJECT, SUBSCRIPTION
from tests.engine.project import Project, create, stack_settings
from tests.engine.security import view

# Puts plugins into a PULUMI_HOME.
Install = Callable[[Path], None]


def stand_in(home: Path) -> None:
    """The fast doubles: they create on the local clouds."""
    plugin.install(home)


@dataclass(frozen=True)
class Ground:
    """Running local clouds, empty at first, and the environment of every pulumi command on them."""

    cloud: Cloud
    environment: Mapping[str, str]
    folder: Path

    def project(
        self,
        stack: str,
        settings: Mapping[str, Any] | None = None,
        program: Callable[[Path], None] | None = None,
    ) -> Project:
        """A project with one empty stack; `settings` default to those of the checkout's stack of that name.

        Whatever the settings are for, here their zones lie in the local account, project or subscription.
        """
        folder = self.folder / f"project-{len(list(self.folder.glob('project-*')))}"
        return create(folder, stack, self.environment, emulated(settings or stack_settings(stack)), program)


def emulated(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings aimed at the local clouds and the one account, project and subscription they have."""
    own = {
        "aws": {"account": ACCOUNT},
        "gcp": {"project": PROJECT},
        "azure": {"subscription": SUBSCRIPTION},
    }
    zones = [{**zone, **own[zone["cloud"]]} for zone in settings.get("launchway:zones", [])]
    return {**settings, "launchway:emulator": True, "launchway:zones": zones}


@contextlib.contextmanager
def ground(folder: Path, install: Install, **settings: str) -> Iterator[Ground]:
    """Start a cloud in `folder` with a plugin for it; it ends with the block. `settings` join the environment."""
    with running(folder / "cloud") as cloud:
        environment = {**cloud.environment, "PULUMI_HOME": str(folder / "pulumi-home"), **settings}
        install(Path(environment["PULUMI_HOME"]))
        yield Ground(cloud, environment, folder)


def zones(project: Project) -> dict[str, Any]:
    """The zones that a stack's exported contract describes; the contract is parsed in full on the way."""
    return dict(contract.parse(project.outputs()["contract"]).zones)


def views(ground: Ground, project: Project) -> list[Any]:
    """What the security checks look at: a view of each zone of the stack, of the kind that its cloud has."""
    return [view(ground.cloud, zone) for zone in zones(project).values()]
