"""The variables by which the stand-in finds the local cloud and signs in, as `localcloud run` sets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.azure.local import SECRET, URL, Local


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_AZURE_ENDPOINT", f"{URL}/_azure")
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{URL}/_azure/identity")
    monkeypatch.setenv("IDENTITY_HEADER", SECRET)


@pytest.fixture
def local(tmp_path: Path) -> Local:
    return Local(tmp_path)
