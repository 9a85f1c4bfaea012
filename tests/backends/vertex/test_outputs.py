"""Fetching results: every file whole or not at all, and nothing outside the target."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from dispatcher.backends.vertex.outputs import fetch
from dispatcher.errors import NotFoundError, UnreachableError, UsageError
from tests.backends.vertex.doubles import answer, session


class Breaks:
    """A body that ends in the middle."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def stream(self, size: int, decode_content: bool = True) -> Iterator[bytes]:
        yield self.content
        raise requests.exceptions.ChunkedEncodingError("connection broke")

    def close(self) -> None:
        pass

    release_conn = close


class Storage:
    """A bucket over a dict, two objects a page; `broken` maps a name to after how many bytes it breaks off, once
    for each number."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects
        self.broken: dict[str, list[int]] = {}
        self.metadata: dict[str, dict[str, Any]] = {}
        self.ranges: list[str | None] = []

    def __call__(self, request: dict[str, Any]) -> requests.Response:
        path = request["url"].removeprefix("https://storage.googleapis.com/storage/v1/b/bucket/o")
        if not path:
            return self.page(request["params"])
        name = unquote(path.removeprefix("/"))
        wanted = (request["headers"] or {}).get("Range")
        self.ranges.append(wanted)
        content = self.objects[name][int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0 :]
        given = answer(206 if wanted else 200, content)
        if self.broken.get(name):
            given.raw = Breaks(content[: self.broken[name].pop(0)])
        return given

    def page(self, query: dict[str, Any]) -> requests.Response:
        names = sorted(name for name in self.objects if name.startswith(query["prefix"]))
        at = int(query.get("pageToken", 0))
        items = [self.item(name) for name in names[at : at + 2]]
        more = {"nextPageToken": str(at + 2)} if at + 2 < len(names) else {}
        return answer(200, ({"items": items} if items else {}) | more)

    def item(self, name: str) -> dict[str, Any]:
        content = self.objects[name]
        digest = base64.b64encode(hashlib.md5(content).digest()).decode()
        return {
            "name": name,
            "size": str(len(content)),
            "generation": "7",
            "md5Hash": digest,
            **self.metadata.get(name, {}),
        }


def fetched(storage: Storage, target: Path, uri: str = "gs://bucket/job-1") -> list[Path]:
    opened, *_ = session(storage)
    return fetch(opened, uri, "job-1", target)


def test_the_model_lies_in_the_directory_itself_and_what_is_beside_it_in_its_own(tmp_path: Path) -> None:
    storage = Storage(
        **{
            "job-1/model/weights.bin": b"weights",
            "job-1/model/": b"",
            "job-1/notes/a b?.txt": b"loose",
            "job-1/empty": b"",
            "job-10/model/weights.bin": b"another job's",
        }
    )
    written = fetched(storage, tmp_path / "new")
    assert {str(path.relative_to(tmp_path / "new")): path.read_bytes() for path in written} == {
        "weights.bin": b"weights",
        "notes/a b?.txt": b"loose",
        "empty": b"",
    }
    assert written == sorted(written)


def test_a_download_that_breaks_off_goes_on_where_it_was(tmp_path: Path) -> None:
    storage = Storage(**{"job-1/a.bin": b"0123456789"})
    storage.broken = {"job-1/a.bin": [4, 3]}
    (path,) = fetched(storage, tmp_path)
    assert path.read_bytes() == b"0123456789"
    assert storage.ranges == [None, "bytes=4-", "bytes=7-"]


def test_a_download_that_breaks_off_behind_its_last_byte_is_whole(tmp_path: Path) -> None:
    storage = Storage(**{"job-1/a.bin": b"0123456789"})
    storage.broken = {"job-1/a.bin": [10]}
    (path,) = fetched(storage, tmp_path)
    assert path.read_bytes() == b"0123456789"
    assert storage.ranges == [None], "a range that begins at the end is an error"


def test_a_download_that_never_ends_leaves_nothing_behind(tmp_path: Path) -> None:
    storage = Storage(**{"job-1/a.bin": b"0123456789"})
    storage.broken = {"job-1/a.bin": [1] * 9}
    with pytest.raises(UnreachableError, match="did not answer GetObject"):
        fetched(storage, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_object_that_is_not_what_was_listed_is_not_kept(tmp_path: Path) -> None:
    storage = Storage(**{"job-1/a.bin": b"0123456789"})
    storage.metadata = {"job-1/a.bin": {"md5Hash": "AAAA"}}
    with pytest.raises(UnreachableError, match="incomplete or changed"):
        fetched(storage, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_has_no_digest_or_is_stored_compressed_is_taken_as_it_comes(tmp_path: Path) -> None:
    storage = Storage(**{"job-1/a.bin": b"0123456789", "job-1/b.json": b"{}"})
    storage.metadata = {
        "job-1/a.bin": {"md5Hash": None},
        "job-1/b.json": {"contentEncoding": "gzip", "size": "99", "md5Hash": "AAAA"},
    }
    assert [path.name for path in fetched(storage, tmp_path)] == ["a.bin", "b.json"]


@pytest.mark.parametrize("name", ["job-1/../../evil", "job-1//etc/evil"])
def test_a_name_that_leaves_the_target_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="would be written outside"):
        fetched(Storage(**{name: b"x"}), tmp_path / "target")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_no_outputs_are_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no outputs at gs://bucket/job-1/"):
        fetched(Storage(), tmp_path)


def test_a_target_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="cannot be written to"):
        fetched(Storage(**{"job-1/a.txt": b"x"}), tmp_path / "file")
