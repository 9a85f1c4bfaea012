"""The APIs a project needs for its zones, as data/services.yaml tells them. No Pulumi in here."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources

import yaml


@dataclass(frozen=True, slots=True)
class Service:
    """One API by the first label of its host. `probe` is a path to read, with `{project}` and `{region}` in it.

    `regional` hosts begin with the region. `when` names the setting that asks for it, None: every zone does.
    """

    name: str
    probe: str | None = None
    regional: bool = False
    audited: bool = False
    when: str | None = None

    @property
    def api(self) -> str:
        """The name it is enabled by, such as `storage.googleapis.com`."""
        return f"{self.name}.googleapis.com"


@functools.cache
def table() -> Mapping[str, Service]:
    """Every API by the first label of its host, in the order of the data file."""
    data = yaml.safe_load(resources.files("infra.gcp").joinpath("data/services.yaml").read_text())
    return {name: Service(name, **facts) for name, facts in data["services"].items()}


def needed(when: Iterable[str] = ()) -> list[Service]:
    """The APIs of a project in which the settings `when` are on."""
    on = set(when)
    return [service for service in table().values() if service.when is None or service.when in on]
