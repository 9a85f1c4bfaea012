"""The variable by which the stand-in finds the local cloud, as `localcloud run` sets it."""

from __future__ import annotations

import pytest

from tests.plugin.gcp.local import URL


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_GCP_ENDPOINT", f"{URL}/_gcp")
