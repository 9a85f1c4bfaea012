"""Clouds behind one interface (base.py); `open_backend` finds the one a zone needs and loads only that."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dispatcher.errors import NotInstalledError

if TYPE_CHECKING:
    from dispatcher.backends.base import Backend
    from dispatcher.contract import Zone

_PACKAGES = {
    "aws": "dispatcher.backends.sagemaker",
    "gcp": "dispatcher.backends.vertex",
    "azure": "dispatcher.backends.azureml",
}
"""Cloud -> the package that speaks to it; each has `open_zone(zone, identity, user, environment, regime)`."""


def image_rules(cloud: str) -> Any:
    """Return the module that knows which images a cloud pulls, and who does: its `in_zone` and `puller`."""
    return importlib.import_module(f"{_PACKAGES[cloud]}.image")


def open_backend(
    zone: Zone | None,
    *,
    identity: str = "agent",
    user: str,
    place: Path | None = None,
    environment: str = "",
    regime: str = "none",
) -> Backend:
    """Return the backend for `zone`; None is the `local` backend, whose jobs live in the directory `place`.

    `identity` is `agent` (become the zone's agent role, naming `user`) or `ambient` (stay who you are).
    `environment` and `regime` are the contract's; they become tags and rules of the request. Opening reaches
    no network and loads no cloud SDK. Raises NotInstalledError naming what to install for a cloud that is missing.
    """
    if zone is None:
        from dispatcher.backends import local

        return local.LocalBackend(place, user=user)
    name = _PACKAGES[zone.cloud]
    if importlib.util.find_spec(name) is None:
        raise NotInstalledError(zone.cloud)
    package = importlib.import_module(name)
    return cast(
        "Backend",
        package.open_zone(zone, identity=identity, user=user, environment=environment, regime=regime),
    )
