"""What must be true of a zone on its cloud: independent reads of the cloud's own API, none of which asks our code.

Each check is a function over a `View` that yields one sentence per violation. The engine lane runs all of them on
every stack, and proves with mutations of `infra/` that each can turn red (test_mutations.py). Each cloud has a
package with the same files.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dispatcher import contract
from localcloud import Cloud
from tests.engine.security.aws.view import View as AwsView
from tests.engine.security.azure.view import View as AzureView
from tests.engine.security.gcp.view import View as GcpView

View = AwsView | AzureView | GcpView
Check = Callable[[Any], Iterator[str]]

_PARTS = ("audit", "identity", "network", "storage")


def _found(cloud: str) -> Iterator[tuple[str, Check]]:
    for part in _PARTS:
        module = importlib.import_module(f"tests.engine.security.{cloud}.{part}")
        for name, check in vars(module).items():
            if (
                callable(check)
                and getattr(check, "__module__", "") == module.__name__
                and not name.startswith("_")
            ):
                yield f"{cloud}.{part}.{name}", check


CHECKS: Mapping[str, Check] = {name: check for cloud in ("aws", "azure", "gcp") for name, check in _found(cloud)}
"""Every check by name, such as `gcp.storage.versions_are_kept`."""


def view(cloud: Cloud, zone: contract.Zone) -> View:
    """A zone of a stack that is up on `cloud`, as its checks look at it."""
    if isinstance(zone, contract.AwsZone):
        return AwsView(cloud, zone)
    if isinstance(zone, contract.AzureZone):
        return AzureView(cloud, zone)
    return GcpView(cloud, zone)


def complaints(found: View) -> dict[str, list[str]]:
    """What the checks of its cloud say about one zone: `{check: sentences}`."""
    own = f"{found.zone.cloud}."
    return {name: list(check(found)) for name, check in CHECKS.items() if name.startswith(own)}
