"""The job's code: what was packed arrives, what was tampered with or leads out does not run."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher.runtime import bounds, code, unpacking
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
        ([member("dir", tarfile.SYMTYPE, "."), member("dir/x", data=b"1")], "cannot be unpacked"),
        ([member("x", data=b"1"), member("x", data=b"2")], "cannot be unpacked"),
        ([member("b", tarfile.SYMTYPE, "."), member("b/x", tarfile.SYMTYPE, "y")], "b/x, a path through a link"),
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


@pytest.mark.parametrize("lower", ["x", "deep/er/x"])
def test_nothing_is_made_outside_through_links_that_lead_there_together(
    tmp_path: Path, target: Path, lower: str
) -> None:
    """Each of them looks harmless but for the ones before it; `target` alone would not show what they make."""
    outside = target / "outside"
    outside.mkdir()
    for first in (
        [member("out", tarfile.SYMTYPE, str(outside))],
        [member("out", tarfile.SYMTYPE, "../outside")],
        [member("d/e/s", tarfile.SYMTYPE, "../.."), member("out", tarfile.SYMTYPE, "d/e/s/../outside")],
    ):
        with pytest.raises(Fault, match="holds"):
            code.unpack(packed(tmp_path, *first, member(f"out/{lower}", tarfile.SYMTYPE, "y")))
        assert list(target.iterdir()) == [outside]
        assert list(outside.iterdir()) == []


@pytest.mark.parametrize(("name", "most"), [("FILES", 2), ("UNPACKED_BYTES", 5)])
def test_a_bomb_is_refused_before_its_bytes_are_written(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    assert getattr(bounds, name) > 1000
    monkeypatch.setattr(unpacking, name, most)
    monkeypatch.setattr(code, "remove", lambda directory: None)
    with pytest.raises(Fault, match="unpacks to more than"):
        code.unpack(packed(tmp_path, *(member(str(number), data=b"12") for number in range(3))))
    (left,) = target.iterdir()
    assert sorted(file.name for file in left.iterdir()) == ["0", "1"]


PAX = b"%d path=%s\n"


@pytest.mark.parametrize(
    "headers",
    [
        [member("h", tarfile.XHDTYPE, data=PAX % (8 << 20, b"a" * (8 << 20)))],
        [member("h", tarfile.GNUTYPE_LONGNAME, data=b"a" * (8 << 20))],
        [member("h", tarfile.XHDTYPE, data=b"9 path=a\n")] * 3000,
        [member("h", tarfile.XGLTYPE, data=b"9 path=a\n")] * 3000,
        [member("a", data=b"1"), member("h", tarfile.XHDTYPE, data=b"9 path=a\n" * (1 << 20))],
    ],
    ids=["long", "long name of GNU's", "many", "many global ones", "after a file"],
)
def test_a_bomb_of_headers_is_refused_before_it_is_in_memory(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch, headers: list[Add]
) -> None:
    monkeypatch.setattr(code, "ARCHIVE_BYTES", 1 << 20)
    environ = packed(tmp_path, *headers, member("train.py"))
    tracemalloc.start()
    with pytest.raises(Fault, match="a header of more than 16,384 bytes"):
        code.unpack(environ)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 << 20
    assert list(target.iterdir()) == []


def test_the_longest_path_and_link_of_a_folder_are_no_bomb(tmp_path: Path, target: Path) -> None:
    folders = "/".join(["ä" * 100] * 18)
    found = code.unpack(
        packed(tmp_path, member(f"{folders}/x", data=b"1"), member("y", tarfile.SYMTYPE, f"{folders}/x"))
    )
    assert (Path(found) / "y").read_text() == "1"


def test_an_archive_that_is_too_large_is_not_read_to_its_end(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "ARCHIVE_BYTES", 10)
    with pytest.raises(Fault, match="has more than 10 bytes"):
        code.unpack(packed(tmp_path, member("x")))


def test_what_is_unpacked_is_what_was_checked_though_the_file_changes_meanwhile(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = packed(tmp_path, member("x", data=b"checked"))
    make = tempfile.mkdtemp

    def changed(prefix: str) -> str:
        packed(tmp_path, member("x", data=b"changed"))
        return make(prefix=prefix)

    monkeypatch.setattr(tempfile, "mkdtemp", changed)
    assert (Path(code.unpack(environ)) / "x").read_bytes() == b"checked"


def test_a_stop_while_it_is_unpacked_leaves_nothing(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise SystemExit(143)

    monkeypatch.setattr(unpacking, "_copy", stopped)
    with pytest.raises(SystemExit):
        code.unpack(packed(tmp_path, member("x", data=b"1")))
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
