"""Objects on disk: what a job and the API see of the same directory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.objects import Objects
from tests.localcloud.gcp.stage import Clock


class TestObjects:
    @pytest.fixture
    def objects(self, tmp_path: Path) -> Objects:
        return Objects(tmp_path / "view", tmp_path / "held", Clock())

    def put(self, objects: Objects, name: str, content: str = "x", *, keep: bool = False) -> int:
        path = objects.fresh()
        path.write_text(content)
        return objects.put(name, path, {}, keep=keep).generation

    def test_a_file_that_a_job_writes_is_an_object(self, objects: Objects) -> None:
        (objects.view / "d").mkdir()
        (objects.view / "d" / "f").write_text("one")
        first = objects.find("d/f")
        assert first is not None
        assert (first.size, first.read(0, 3)) == (3, b"one")
        (objects.view / "d" / "f").write_text("longer")
        second = objects.find("d/f")
        assert second is not None
        assert second.generation > first.generation
        (objects.view / "d" / "f").unlink()
        assert objects.find("d/f") is None

    @pytest.mark.parametrize("name", ["a//b", "a/", "/a", ".", "a/../b", "x" * 300, "a/b"])
    def test_every_name_is_kept_whether_it_is_a_path_or_not(self, objects: Objects, name: str) -> None:
        self.put(objects, "a")
        self.put(objects, name, "odd")
        found = objects.find(name)
        assert found is not None
        assert found.read(0, 9) == b"odd"
        assert [one.name for one in objects.all()] == sorted(["a", name], key=str.encode)
        objects.remove(found, keep=False)
        assert [one.name for one in objects.all()] == ["a"]

    def test_nothing_outside_is_an_object(self, objects: Objects, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("s")
        (objects.view / "link").symlink_to(tmp_path / "secret")
        (objects.view / "folder").symlink_to(tmp_path, target_is_directory=True)
        assert objects.find("link") is None
        assert objects.find("folder/secret") is None
        assert objects.all() == []

    def test_old_generations_are_kept_when_asked(self, objects: Objects) -> None:
        first = self.put(objects, "v", "1")
        self.put(objects, "v", "2", keep=True)
        old = objects.find("v", first)
        assert old is not None
        assert old.read(0, 1) == b"1"
        assert [one.generation == first for one in objects.all(versions=True)] == [True, False]
        assert len(objects.all()) == 1

    def test_a_folder_that_becomes_empty_goes(self, objects: Objects) -> None:
        self.put(objects, "deep/er/x")
        found = objects.find("deep/er/x")
        assert found is not None
        objects.remove(found, keep=False)
        assert list(objects.view.iterdir()) == []

    @given(st.lists(st.text(min_size=1, max_size=6), unique=True, max_size=6))
    def test_any_names_live_beside_each_other(
        self, tmp_path_factory: pytest.TempPathFactory, names: list[str]
    ) -> None:
        root = tmp_path_factory.mktemp("any")
        objects = Objects(root / "view", root / "held", Clock())
        names = [name for name in names if _encodes(name)]
        for name in names:
            self.put(objects, name, name)
        for name in names:
            found = objects.find(name)
            assert found is not None
            assert found.read(0, 99) == name.encode()


def _encodes(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
