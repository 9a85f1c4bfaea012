"""One server for the wire tests of a module, and a stage of Google Cloud in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud import Cloud
from tests.localcloud.gcp import stage as stages
from tests.localcloud.gcp.stage import Stage


@pytest.fixture(scope="module")
def made(cloud: Cloud) -> Stage:
    return stages.make(cloud)


@pytest.fixture
def stage(made: Stage) -> Iterator[Stage]:
    """The stage without faults left over."""
    made.cloud.clear()
    yield made
    made.cloud.clear()
