"""Tools of others in environments of their own: which folder is theirs, and what is said where one is missing."""

from __future__ import annotations

import venv
from pathlib import Path

import pytest

from tools import apart
from tools.apart import Apart, NotInstalled
from tools.toolchain import cache, progress


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apart:
    monkeypatch.setattr(cache, "root", lambda: tmp_path / "cache")
    monkeypatch.setattr(apart, "__file__", str(tmp_path / "tools" / "apart.py"))
    (tmp_path / "tools" / "oracle").mkdir(parents=True)
    made = Apart("oracle", "the oracle", "a minute, 1 MB")
    made.lock.write_text("oracle==1\n")
    return made


def test_another_lock_is_another_folder_and_the_same_one_the_same(tool: Apart) -> None:
    first = tool.target()
    assert tool.target() == first
    tool.lock.write_text("oracle==2\n")
    assert tool.target() != first
    tool.lock.write_text("oracle==1\n")
    assert tool.target() == first


def test_a_tool_that_is_not_there_is_named_with_the_command_that_brings_it(tool: Apart) -> None:
    with pytest.raises(NotInstalled, match=r"the oracle is not installed: `make test` .* -m tools\.oracle`"):
        tool.python()
    (tool.target() / "bin").mkdir(parents=True)
    (tool.target() / "bin" / "python").touch()
    assert tool.python() == tool.target() / "bin" / "python"


def test_an_install_that_fails_is_one_text_and_leaves_nothing_that_looks_installed(
    tool: Apart, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(venv, "create", lambda part, **options: (part / "bin").mkdir(parents=True))
    monkeypatch.setattr(progress, "run", lambda *given, **options: (1, "no such version"))
    assert apart.main(tool) == 1
    assert "pip could not install the oracle:\nno such version" in capsys.readouterr().err
    assert not tool.target().exists()
