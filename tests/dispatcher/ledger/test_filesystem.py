"""A ledger on a network file system is told, by what Linux says is mounted where."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.api import Dispatcher
from dispatcher.ledger import filesystem

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / {root}/home rw,relatime shared:2 - nfs4 files:/home rw,vers=4.2
24 23 0:22 / {root}/home/ada/local rw - ext4 /dev/sdb1 rw
25 22 0:23 / {root}/two\\040words rw - fuse.sshfs ada@host:/ rw
26 22 0:24 / {root}/over rw - cifs //files/x rw
27 22 0:25 / {root}/over rw - tmpfs tmpfs rw
28 22 0:26 / {root}/inner/first rw - ext4 /dev/sdc1 rw
29 22 0:27 / {root}/inner rw - nfs files:/inner rw
a row that makes no sense
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    file = tmp_path / "mountinfo"
    file.write_text(MOUNTS.replace("{root}", str(tmp_path)))
    return file


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("home/ada/ledger.db", "nfs4"),
        ("home/ada/local/ledger.db", None),
        ("two words/ledger.db", "fuse.sshfs"),
        ("homely/ledger.db", None),
        ("over/ledger.db", None),
        ("inner/first/ledger.db", None),
        ("inner/ledger.db", "nfs"),
    ],
)
def test_the_innermost_and_latest_mount_decides(
    tmp_path: Path, mounts: Path, place: str, kind: str | None
) -> None:
    assert filesystem.network(tmp_path / place, mounts) == kind


def test_a_system_without_such_a_list_is_not_judged(tmp_path: Path) -> None:
    assert filesystem.warning(tmp_path / "ledger.db", tmp_path / "none") is None


def test_whoever_opens_such_a_ledger_for_changes_is_told_once_and_what_to_use_instead(
    tmp_path: Path, mounts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "_MOUNTS", mounts)
    said: list[str] = []
    with Dispatcher(tmp_path / "home" / "ledger.db", environment={"HOME": str(tmp_path)}) as dispatcher:
        dispatcher.notice = said.append
        assert dispatcher.list() == []
        assert said == [], "a question does no harm"
        for _ in range(2):
            dispatcher.ledger.remember("a", "b")
    (words,) = said
    assert "network file system (nfs4)" in words
    assert "PostgreSQL" in words
