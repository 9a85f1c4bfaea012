"""A cloud of one's own with a Pulumi home beside it: where a test's projects live. Shared by both lanes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatcher import contract
from localcloud import Cloud, plugin, running
from localcloud.place import ACCOUNT
from tests.engine.project import Project, create, stack_settings
from tests.engine.security.view import View

# Puts the AWS plugin into a PULUMI_HOME.
Install = Callable[[Path], None]


def stand_in(home: Path) -> None:
    """The fast double: creates on the local AWS with boto3."""
    plugin.install(home)


@dataclass(frozen=True)
class Ground:
    """A running local AWS, empty at first, and the environment of every pulumi command on it."""

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

        Whatever the settings are for, here their zones lie in the local account.
        """
        folder = self.folder / f"project-{len(list(self.folder.glob('project-*')))}"
        return create(folder, stack, self.environment, emulated(settings or stack_settings(stack)), program)


def emulated(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings aimed at the local AWS and the one account it has."""
    zones = [{**zone, "account": ACCOUNT} for zone in settings.get("launchway:zones", [])]
    return {**settings, "launchway:emulator": True, "launchway:zones": zones}


@contextlib.contextmanager
def ground(folder: Path, install: Install, **settings: str) -> Iterator[Ground]:
    """Start a cloud in `folder` with a plugin for it; it ends with the block. `settings` join the environment."""
    with running(folder / "cloud") as cloud:
        environment = {**cloud.environment, "PULUMI_HOME": str(folder / "pulumi-home"), **settings}
        install(Path(environment["PULUMI_HOME"]))
        yield Ground(cloud, environment, folder)


def zones(project: Project) -> dict[str, contract.AwsZone]:
    """The zones that a stack's exported contract describes; the contract is parsed in full on the way."""
    parsed = contract.parse(project.outputs()["contract"])
    return {name: zone for name, zone in parsed.zones.items() if isinstance(zone, contract.AwsZone)}


def views(ground: Ground, project: Project) -> list[View]:
    """What the security checks look at: each zone of the stack on its cloud."""
    return [View(ground.cloud, zone) for zone in zones(project).values()]
