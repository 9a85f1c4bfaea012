"""A job's folders: made, proven, and handed to the store at the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dispatcher.runtime import folders
from dispatcher.runtime.fault import Fault


def test_missing_folders_are_made_and_nothing_is_left_in_them(tmp_path: Path) -> None:
    checkpoints, output = tmp_path / "a" / "checkpoints", tmp_path / "b" / "model"
    environ = {"DISPATCH_CHECKPOINT_DIR": str(checkpoints), "DISPATCH_OUTPUT_DIR": str(output)}
    assert folders.prepare(environ, 0) == []
    assert list(checkpoints.iterdir()) == list(output.iterdir()) == []


def test_a_checkpoint_directory_that_cannot_be_written_stops_the_job_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: str, rank: int) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(folders, "_write", denied)
    environ = {"DISPATCH_CHECKPOINT_DIR": str(tmp_path), "DISPATCH_CLOUD": "gcp"}
    with pytest.raises(Fault) as refused:
        folders.prepare(environ, 0)
    assert refused.value.what == f"the checkpoint directory {tmp_path} cannot be written: Permission denied"
    assert "storage.objects.create" in refused.value.remedy


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    place = tmp_path / "model"
    place.touch()
    with pytest.raises(Fault, match=r"output directory .* cannot be written: File exists"):
        folders.prepare({"DISPATCH_OUTPUT_DIR": str(place)}, 0)


def test_an_input_that_is_not_there_is_told_and_does_not_stop_the_job(tmp_path: Path) -> None:
    environ = {"DISPATCH_INPUT_TRAIN": str(tmp_path), "DISPATCH_INPUT_EVAL": "/gcs/b/none"}
    assert folders.prepare(environ, 0) == ["input eval: /gcs/b/none is not there; nothing may be stored under it"]


def file_of(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def test_only_checkpoints_of_this_run_are_handed_to_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "epoch-2").mkdir()
    old, new = tmp_path / "epoch-1.pt", tmp_path / "epoch-2" / "weights.pt"
    for file, written in ((old, 100), (new, 300)):
        file.touch()
        os.utime(file, (written, written))
    (tmp_path / "latest").symlink_to(new)
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(file_of(descriptor)))
    assert folders.settle(str(tmp_path), since=200) == 1
    assert synced == [str(new)]


def test_handing_over_stops_when_its_time_is_up(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).touch()
    thirds = iter(range(100))
    assert folders.settle(str(tmp_path), since=0, clock=lambda: next(thirds) * folders.SETTLE_SECONDS / 3) == 1


@pytest.mark.parametrize(("kind", "count"), [("file", 20), ("folder", 2)])
def test_old_checkpoints_take_none_of_the_time_that_is_not_there(tmp_path: Path, kind: str, count: int) -> None:
    """Those of all attempts are in the folder, and on a mount to look at one is a request."""
    for number in range(count):
        place = tmp_path / str(number)
        place.touch() if kind == "file" else place.mkdir()
    passed = iter(range(100))
    assert folders.settle(str(tmp_path), since=9e9, clock=lambda: next(passed) * folders.SETTLE_SECONDS / 5) == 0
    assert next(passed) == 6, "asked at the start, and before each folder and each entry"
