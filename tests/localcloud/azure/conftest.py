"""The local Azure for tests: without a server, and with one on a loopback port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud import Cloud
from tests.localcloud.azure import inside
from tests.localcloud.azure import stage as stages
from tests.localcloud.azure.inside import Local
from tests.localcloud.azure.stage import Stage


@pytest.fixture
def azure(tmp_path: Path) -> Local:
    """A subscription with a resource group and nothing registered."""
    return inside.local(tmp_path)


@pytest.fixture
def rich(tmp_path: Path) -> Local:
    """A group with a workspace, its storage, vault, logs, identity and a network."""
    return inside.furnished(tmp_path)


@pytest.fixture(scope="module")
def made(cloud: Cloud) -> Stage:
    return stages.make(cloud)


@pytest.fixture
def stage(made: Stage) -> Iterator[Stage]:
    """The stage without faults left over."""
    made.cloud.clear()
    yield made
    made.cloud.clear()
