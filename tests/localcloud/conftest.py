"""One server for the wire tests of a module, whichever cloud they are about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud import Cloud, running


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("cloud")) as cloud:
        cloud.settings(stop_seconds=2)
        yield cloud
