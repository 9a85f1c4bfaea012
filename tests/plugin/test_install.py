"""Where the stand-in is put for the engine to find it."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud import plugin


def test_it_lies_where_the_engine_looks_for_the_sdks_version(tmp_path: Path) -> None:
    (executable,) = plugin.install(tmp_path)
    version = importlib.metadata.version("pulumi_aws")
    assert executable == tmp_path / "plugins" / f"resource-aws-v{version}" / "pulumi-resource-aws"
    assert os.access(executable, os.X_OK)
    assert version in executable.read_text()


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    (first,) = plugin.install(tmp_path)
    before = first.stat()
    (second,) = plugin.install(tmp_path)
    after = second.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_what_another_checkout_left_is_replaced_in_one_step(tmp_path: Path) -> None:
    (executable,) = plugin.install(tmp_path)
    old = executable.stat().st_ino
    executable.write_text("#!/bin/sh\nexit 1\n")
    plugin.install(tmp_path)
    assert executable.stat().st_ino != old
    assert "localcloud.plugin aws" in executable.read_text()


@pytest.mark.engine
def test_it_is_what_the_clis_own_installation_lays_down(tmp_path: Path) -> None:
    (ours,) = plugin.install(tmp_path / "ours")
    pulumi = Path(sys.executable).parent / "pulumi"
    environment = {**os.environ, "PULUMI_HOME": str(tmp_path / "theirs")}
    version = importlib.metadata.version("pulumi_aws")
    words = ["plugin", "install", "resource", "aws", f"v{version}", "--file", str(ours.parent)]
    subprocess.run([pulumi, *words], env=environment, check=True, capture_output=True)
    theirs = tmp_path / "theirs" / ours.relative_to(tmp_path / "ours")
    assert theirs.read_text() == ours.read_text()
    assert theirs.stat().st_mode == ours.stat().st_mode
