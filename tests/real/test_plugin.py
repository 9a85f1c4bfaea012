"""Which plugin the real lane takes: the official one when it is there, else the one that AWS_PLUGIN names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real import plugin


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AWS_PLUGIN", raising=False)


def executable(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / plugin.NAME).touch(mode=0o755)
    return folder.resolve()


def test_without_any_plugin_the_lane_is_skipped_with_one_line() -> None:
    assert plugin.find() is None
    assert "\n" not in plugin.MISSING
    assert "AWS_PLUGIN" in plugin.MISSING


def test_a_folder_in_aws_plugin_is_taken_when_it_holds_an_executable_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PLUGIN", str(tmp_path / "built"))
    assert plugin.find() is None
    built = executable(tmp_path / "built")
    assert plugin.find() == built
    (built / plugin.NAME).chmod(0o644)
    assert plugin.find() is None


@pytest.mark.parametrize("home", ["own", "cache/launchway/pulumi-home"])
def test_the_official_plugin_wins_over_a_built_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv("AWS_PLUGIN", str(executable(tmp_path / "built")))
    official = executable(tmp_path / home / "plugins" / f"resource-aws-v{plugin.version()}")
    assert plugin.find() == official


def test_the_plugin_goes_into_a_pulumi_home_as_the_version_that_the_sdk_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = executable(tmp_path / "built")
    monkeypatch.setenv("AWS_PLUGIN", str(built))
    plugin.install(tmp_path / "home")
    place = tmp_path / "home" / "plugins" / f"resource-aws-v{plugin.version()}" / plugin.NAME
    assert place.resolve() == built / plugin.NAME
