"""One Azure zone that stays up, for tests that leave it as they found it."""

from __future__ import annotations

import pytest

from tests.engine.ground import Ground
from tests.engine.project import Project, stack_settings


@pytest.fixture(scope="module")
def local(shared: Ground) -> Project:
    """Stack `local` with only its Azure zone, up. Tests that use it leave it as they found it."""
    project = shared.project("local", stack_settings("local", "azure"))
    project.up()
    return project
