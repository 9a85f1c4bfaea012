"""The cache of built tools: a folder is there complete or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.toolchain import cache


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(part: Path) -> None:
        made.append(part)
        (part / "tool").write_text("x")

    target = tmp_path / "tools" / "key"
    for _ in range(2):
        assert cache.folder(target, make, print) == target
    assert len(made) == 1
    assert (target / "tool").read_text() == "x"


def test_a_failed_build_leaves_no_folder_and_the_next_one_builds(tmp_path: Path) -> None:
    def fail(part: Path) -> None:
        (part / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.folder(tmp_path / "key", fail, print)
    assert [path.name for path in tmp_path.iterdir()] == [".key.lock"]
    assert cache.folder(tmp_path / "key", lambda part: (part / "whole").touch(), print).is_dir()
    assert (tmp_path / "key" / "whole").exists()


def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path: Path) -> None:
    leftover = tmp_path / ".key.part-dead"
    leftover.mkdir()
    (leftover / "half").touch()
    cache.folder(tmp_path / "key", lambda part: None, print)
    assert not leftover.exists()


def test_the_key_changes_with_every_part_and_their_borders() -> None:
    assert cache.key("a", "b") == cache.key("a", "b")
    assert len({cache.key("a", "b"), cache.key("ab"), cache.key("a", "c"), cache.key("b", "a")}) == 4
