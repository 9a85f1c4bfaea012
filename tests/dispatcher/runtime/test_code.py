"""The job's code: what was packed arrives, what was tampered with or leads out does not run."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher.runtime import bounds, code
from dispatcher.runtime.fault import Fault

Add = Callable[[tarfile.TarFile], None]


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", data: bytes = b"", mode: int = 0o644) -> Add:
    def add(archive: tarfile.TarFile) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname, entry.size, entry.mode = kind, link, len(data), mode
        archive.addfile(entry, io.BytesIO(data))

    return add


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where directories for unpacking are made."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def packed(folder: Path, *members: Add) -> dict[str, str]:
    path = folder / "code.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for add in members:
            add(archive)
    return {"DISPATCH_CODE": str(path), "DISPATCH_CODE_SHA256": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_a_folder_arrives_with_its_directories_programs_and_links(tmp_path: Path, target: Path) -> None:
    environ = packed(
        tmp_path,
        member("lib", tarfile.DIRTYPE),
        member("lib/model.py", data=b"A = 1\n"),
        member("run.sh", data=b"#!/bin/sh\n", mode=0o777),
        member("current.py", tarfile.SYMTYPE, "lib/model.py"),
    )
    found = Path(code.unpack(environ))
    assert found.parent == target.resolve()
    assert found.stat().st_mode & 0o777 == 0o700, "the job's own"
    assert (found / "current.py").read_text() == "A = 1\n"
    assert (found / "run.sh").stat().st_mode & 0o100
    assert not (found / "lib" / "model.py").stat().st_mode & 0o111


def test_a_job_without_code_has_nothing_unpacked() -> None:
    assert code.unpack({}) == ""


def test_modules_of_the_code_are_found_before_those_of_the_image() -> None:
    assert code.variables({}, "/code") == {"PYTHONPATH": "/code"}
    assert code.variables({"PYTHONPATH": "/app"}, "/code") == {"PYTHONPATH": "/code:/app"}


OUT = "leads out of it"


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ([member("../../etc/cron.d/x")], OUT),
        ([member("a/../../x")], OUT),
        ([member("/etc/passwd")], OUT),
        ([member("..")], OUT),
        ([member("up", tarfile.SYMTYPE, "../../secret")], OUT),
        ([member("up", tarfile.SYMTYPE, "/etc")], OUT),
        ([member("d/e", tarfile.DIRTYPE), member("d/e/s", tarfile.SYMTYPE, "../.."),
          member("t", tarfile.SYMTYPE, "d/e/s/..")], OUT),
        ([member("dir", tarfile.SYMTYPE, "/tmp"), member("dir/x", data=b"1")], "cannot be unpacked"),
        ([member("x", data=b"1"), member("x", data=b"2")], "cannot be unpacked"),
        ([member("hard", tarfile.LNKTYPE, "x")], "neither file, directory nor symbolic link"),
        ([member("null", tarfile.CHRTYPE)], "neither file, directory nor symbolic link"),
        ([member("pipe", tarfile.FIFOTYPE)], "neither file, directory nor symbolic link"),
    ],
)  # fmt: skip
def test_an_archive_that_no_folder_makes_is_refused_and_leaves_nothing(
    tmp_path: Path, target: Path, members: list[Add], what: str
) -> None:
    with pytest.raises(Fault, match=what):
        code.unpack(packed(tmp_path, *members))
    assert list(target.iterdir()) == []


@pytest.mark.parametrize(("name", "most"), [("FILES", 2), ("UNPACKED_BYTES", 5)])
def test_a_bomb_is_refused_before_its_bytes_are_written(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    assert getattr(bounds, name) > 1000
    monkeypatch.setattr(code, name, most)
    with pytest.raises(Fault, match="unpacks to more than"):
        code.unpack(packed(tmp_path, *(member(str(number), data=b"12") for number in range(3))))
    assert list(target.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"DISPATCH_CODE_SHA256": "0" * 64}, "is not what was submitted"),
        ({"DISPATCH_CODE_SHA256": ""}, "does not say what it must be"),
        ({"DISPATCH_CODE": "/nowhere/code.tar.gz"}, "cannot be read: No such file"),
    ],
)
def test_code_that_is_not_what_was_submitted_does_not_run(
    tmp_path: Path, target: Path, change: dict[str, str], what: str
) -> None:
    with pytest.raises(Fault, match=what):
        code.unpack({**packed(tmp_path, member("x")), **change})
    assert list(target.iterdir()) == []


def test_a_file_that_is_no_archive_is_told(tmp_path: Path, target: Path) -> None:
    path = tmp_path / "code.tar.gz"
    path.write_bytes(b"not an archive")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(Fault, match="cannot be unpacked"):
        code.unpack({"DISPATCH_CODE": str(path), "DISPATCH_CODE_SHA256": digest})
    assert list(target.iterdir()) == []
