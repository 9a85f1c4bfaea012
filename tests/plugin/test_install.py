"""Where the stand-in is put for the engine to find it."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud import plugin

CLOUDS = {"aws": "pulumi_aws", "gcp": "pulumi_gcp", "azure-native": "pulumi_azure_native"}  # plugin name -> SDK


def test_they_lie_where_the_engine_looks_for_the_sdks_versions(tmp_path: Path) -> None:
    for (cloud, sdk), executable in zip(CLOUDS.items(), plugin.install(tmp_path), strict=True):
        version = importlib.metadata.version(sdk)
        assert executable == tmp_path / "plugins" / f"resource-{cloud}-v{version}" / f"pulumi-resource-{cloud}"
        assert os.access(executable, os.X_OK)
        assert version in executable.read_text()


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    made = plugin.install(tmp_path)
    before = [one.stat() for one in made]
    after = [one.stat() for one in plugin.install(tmp_path)]
    assert [(one.st_ino, one.st_mtime_ns) for one in before] == [(one.st_ino, one.st_mtime_ns) for one in after]
    assert [path.name for one in made for path in one.parent.iterdir()] == [one.name for one in made]


def test_what_another_checkout_left_is_replaced_in_one_step(tmp_path: Path) -> None:
    for cloud, executable in zip(CLOUDS, plugin.install(tmp_path), strict=True):
        old = executable.stat().st_ino
        executable.write_text("#!/bin/sh\nexit 1\n")
        plugin.install(tmp_path)
        assert executable.stat().st_ino != old
        assert f"localcloud.plugin {cloud}" in executable.read_text()


@pytest.mark.engine
def test_they_are_what_the_clis_own_installation_lays_down(tmp_path: Path) -> None:
    pulumi = Path(sys.executable).parent / "pulumi"
    environment = {**os.environ, "PULUMI_HOME": str(tmp_path / "theirs")}
    for (cloud, sdk), ours in zip(CLOUDS.items(), plugin.install(tmp_path / "ours"), strict=True):
        version = importlib.metadata.version(sdk)
        words = ["plugin", "install", "resource", cloud, f"v{version}", "--file", str(ours.parent)]
        subprocess.run([pulumi, *words], env=environment, check=True, capture_output=True)
        theirs = tmp_path / "theirs" / ours.relative_to(tmp_path / "ours")
        assert theirs.read_text() == ours.read_text()
        assert theirs.stat().st_mode == ours.stat().st_mode
