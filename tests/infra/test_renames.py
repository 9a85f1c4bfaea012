"""A resource that a new release calls otherwise: moved by its alias, not replaced, on the real engine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.engine.ground import ground, stand_in
from tests.engine.project import CHECKOUT, stack_settings

pytestmark = pytest.mark.engine

EARLIER = 'site.name("registry", "images")'
RENAMED = EARLIER.replace("images", "pictures")


def test_a_renamed_resource_stays_what_it_is(tmp_path: Path) -> None:
    def copied(folder: Path) -> None:
        shutil.copytree(CHECKOUT / "infra", folder / "infra", ignore=shutil.ignore_patterns("__pycache__"))

    local = stack_settings("local", "aws")
    [zone] = local["launchway:zones"]
    with ground(tmp_path, stand_in) as here:
        settings = {**local, "launchway:zones": [{**zone, "network": {"mode": "public"}}]}
        project = here.project("renames", settings, program=copied)
        project.up()
        source = project.folder / "infra/aws/registry.py"
        text = source.read_text().replace(EARLIER, RENAMED)
        source.write_text(text)
        forgotten = project.preview().changes
        assert {change for name, change in forgotten.items() if "registry" in name} == {"create", "delete"}
        for options in ("site.child(self, keep=True)", "site.child(self)"):
            text = text.replace(options, f"{options[:-1]}, renamed_from=[{EARLIER}])")
        source.write_text(text)
        assert project.preview("--expect-no-changes").changes == {}
