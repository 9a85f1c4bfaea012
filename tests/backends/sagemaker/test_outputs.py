"""Fetching results: archives are unpacked, nothing is written outside the target."""

from __future__ import annotations

import errno
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatcher.backends.sagemaker.outputs import fetch
from dispatcher.errors import NotFoundError, UsageError


class Bucket:
    """An S3 client over a dict, two keys a page."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects

    def get_paginator(self, name: str) -> Bucket:
        assert name == "list_objects_v2"
        return self

    def paginate(self, **asked: str) -> Iterator[dict[str, Any]]:
        keys = sorted(key for key in self.objects if key.startswith(asked["Prefix"]))
        for start in range(0, len(keys), 2):
            yield {"Contents": [{"Key": key} for key in keys[start : start + 2]]}
        yield {}

    def get_object(self, **asked: str) -> dict[str, Any]:
        data = self.objects[asked["Key"]]

        class Body:
            @staticmethod
            def iter_chunks(size: int) -> Iterator[bytes]:
                yield from (data[at : at + size] for at in range(0, len(data), size))

        return {"Body": Body}


def archive(**members: str | tarfile.TarInfo) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content.encode()))
    return whole.getvalue()


def link(name: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def test_the_model_lies_in_the_directory_itself_and_all_else_in_one_of_its_own(tmp_path: Path) -> None:
    client = Bucket(
        **{
            "out/job-1/output/model.tar.gz": archive(**{"model.bin": "weights", "sub/config.json": "{}"}),
            "out/job-1/output/output.tar.gz": archive(**{"report.txt": "fine"}),
            "out/job-1/output/notes/a.txt": b"loose",
            "out/job-1/output/": b"",
            "out/job-10/output/model.tar.gz": b"another job's",
        }
    )
    written = fetch(client, "s3://bucket/out", "job-1", tmp_path / "new")
    assert {str(path.relative_to(tmp_path / "new")): path.read_text() for path in written} == {
        "model.bin": "weights",
        "sub/config.json": "{}",
        "output/report.txt": "fine",
        "notes/a.txt": "loose",
    }


def test_a_bucket_without_a_prefix_works_too(tmp_path: Path) -> None:
    client = Bucket(**{"job-1/output/model/weights.bin": b"uncompressed"})
    assert fetch(client, "s3://bucket", "job-1", tmp_path) == [tmp_path / "weights.bin"]


@pytest.mark.parametrize(
    "members",
    [{"../evil": "x"}, {"link": link("link", "../../outside")}, {"link": link("link", "/etc/passwd")}],
    ids=["parent", "relative link", "absolute link"],
)
def test_an_archive_that_leaves_its_directory_is_refused_before_anything_is_written(
    tmp_path: Path, members: dict[str, Any]
) -> None:
    client = Bucket(**{"job-1/output/model.tar.gz": archive(**{"good.txt": "x", **members})})
    with pytest.raises(UsageError, match="holds a member that leaves its directory"):
        fetch(client, "s3://bucket", "job-1", tmp_path / "target")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_link_that_leaves_only_once_another_is_there_is_refused(tmp_path: Path) -> None:
    """Each member looks harmless by itself: `inner` points at the directory, `outer` at what is above `inner`."""
    members = {"a/b/inner": link("a/b/inner", "../.."), "outer": link("outer", "a/b/inner/.."), "outer/evil": "x"}
    client = Bucket(**{"job-1/output/model.tar.gz": archive(**members)})
    with pytest.raises(UsageError, match="leaves its directory"):
        fetch(client, "s3://bucket", "job-1", tmp_path / "target")
    assert not list(tmp_path.rglob("evil"))


def test_an_absolute_member_lands_inside(tmp_path: Path) -> None:
    client = Bucket(**{"job-1/output/model.tar.gz": archive(**{"/etc/evil": "x"})})
    assert fetch(client, "s3://bucket", "job-1", tmp_path) == [tmp_path / "etc" / "evil"]


def test_a_key_that_leaves_the_target_is_refused(tmp_path: Path) -> None:
    client = Bucket(**{"job-1/output/../../evil": b"x"})
    with pytest.raises(UsageError, match="would be written outside"):
        fetch(client, "s3://bucket", "job-1", tmp_path)


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    client = Bucket(**{"job-1/output/model.tar.gz": b"not gzip"})
    with pytest.raises(UsageError, match=r"job-1/output/model\.tar\.gz is not a readable archive"):
        fetch(client, "s3://bucket", "job-1", tmp_path)


def test_an_archive_with_damaged_data_is_named(tmp_path: Path) -> None:
    whole = bytearray(archive(**{f"{number}.bin": str(number) * 9000 for number in range(50)}))
    whole[40:60] = b"\xff" * 20
    with pytest.raises(UsageError, match="is not a readable archive"):
        fetch(Bucket(**{"job-1/output/model.tar.gz": bytes(whole)}), "s3://out", "job-1", tmp_path)


def test_a_disk_that_fills_up_while_unpacking_is_not_a_broken_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "extractall", full)
    bucket = Bucket(**{"job-1/output/model.tar.gz": archive(weights="w")})
    with pytest.raises(UsageError, match=r"cannot be written to .*: No space left on device"):
        fetch(bucket, "s3://out", "job-1", tmp_path)


def test_no_outputs_are_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no outputs at s3://bucket/job-1/output/"):
        fetch(Bucket(), "s3://bucket", "job-1", tmp_path)


def test_a_target_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    client = Bucket(**{"job-1/output/a.txt": b"x"})
    with pytest.raises(UsageError, match="cannot be written to"):
        fetch(client, "s3://bucket", "job-1", tmp_path / "file")
