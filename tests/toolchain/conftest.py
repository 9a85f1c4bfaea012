"""Fixtures of the toolchain's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.toolchain.project import VENV, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty program with stack `dev` selected, run in this virtual environment."""
    (tmp_path / "state").mkdir()
    made = Project(tmp_path)
    made.options(virtualenv=str(VENV))
    made.program("")
    created = made.pulumi("stack", "init", "dev")
    assert created.code == 0, created.text
    return made
