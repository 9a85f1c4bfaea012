"""Fetching results: every file whole or not at all, and nothing outside the target."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from urllib.parse import unquote
from xml.sax.saxutils import escape

import pytest
from azure.core import exceptions as http

from dispatcher.backends.azureml.outputs import fetch
from dispatcher.errors import NotFoundError, UnreachableError, UsageError
from tests.backends.azureml.cases import golden_zone
from tests.backends.azureml.doubles import Call, Response, answer, session

CONTAINER = golden_zone().buckets.output.uri


class Storage:
    """A container over a dict, two blobs a page; `broken` maps a name to after how many bytes it breaks off, once
    for each number."""

    def __init__(self, **blobs: bytes) -> None:
        self.blobs = blobs
        self.broken: dict[str, list[int]] = {}
        self.digests: dict[str, str] = {}
        self.folders: set[str] = set()
        self.tags: dict[str, str] = {}
        self.ranges: list[str | None] = []

    def __call__(self, call: Call) -> Response:
        if call.query.get("comp") == "list":
            return self.page(call.query)
        name = unquote(call.url.removeprefix(f"{CONTAINER}/"))
        if call.headers["if-match"] != self.tags.get(name, '"0x1"'):
            return answer(412, b"<?xml version='1.0'?><Error><Code>ConditionNotMet</Code></Error>")
        wanted = call.headers.get("range")
        self.ranges.append(wanted)
        content = self.blobs[name][int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0 :]
        if self.broken.get(name):
            part = content[: self.broken[name].pop(0)]
            return Response(206 if wanted else 200, part, {}, http.IncompleteReadError("connection broke"))
        return answer(206 if wanted else 200, content)

    def page(self, query: dict[str, str]) -> Response:
        assert (query["restype"], query["prefix"]) == ("container", "job-1/")
        names = sorted(name for name in self.blobs if name.startswith(query["prefix"]))
        at = int(query.get("marker") or 0)
        more = str(at + 2) if at + 2 < len(names) else ""
        blobs = "".join(self.entry(name) for name in names[at : at + 2])
        text = f"<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker>{more}</NextMarker></EnumerationResults>"
        return answer(200, f'\ufeff<?xml version="1.0" encoding="utf-8"?>{text}'.encode())

    def entry(self, name: str) -> str:
        content = self.blobs[name]
        digest = self.digests.get(name, base64.b64encode(hashlib.md5(content).digest()).decode())
        folder = "<hdi_isfolder>true</hdi_isfolder>" if name in self.folders else ""
        return (
            f"<Blob><Name>{escape(name)}</Name><Properties><Etag>0x1</Etag>"
            f"<Content-Length>{len(content)}</Content-Length><Content-MD5>{digest}</Content-MD5></Properties>"
            f"<Metadata>{folder}</Metadata></Blob>"
        )


def fetched(storage: Storage, target: Path) -> list[Path]:
    opened, *_ = session(storage)
    return fetch(opened, f"{CONTAINER}/job-1", "job-1", target)


def test_everything_below_the_output_folder_comes_with_its_directories(tmp_path: Path) -> None:
    storage = Storage(
        **{
            "job-1/model/weights.bin": b"weights",
            "job-1/model": b"",
            "job-1/notes/a b? & c%.txt": b"loose",
            "job-1/empty": b"",
            "job-10/model/weights.bin": b"another job's",
        }
    )
    storage.folders = {"job-1/model"}
    written = fetched(storage, tmp_path / "new")
    assert {str(path.relative_to(tmp_path / "new")): path.read_bytes() for path in written} == {
        "model/weights.bin": b"weights",
        "notes/a b? & c%.txt": b"loose",
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
    with pytest.raises(UnreachableError, match="did not answer GetBlob"):
        fetched(storage, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_blob_that_changes_while_it_is_read_is_not_mixed(tmp_path: Path) -> None:
    storage = Storage(**{"job-1/a.bin": b"0123456789"})
    storage.tags = {"job-1/a.bin": '"0x2"'}
    with pytest.raises(UnreachableError, match="ConditionNotMet"):
        fetched(storage, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_blob_that_is_not_what_was_listed_is_not_kept(tmp_path: Path) -> None:
    storage = Storage(**{"job-1/a.bin": b"0123456789"})
    storage.digests = {"job-1/a.bin": "AAAA"}
    with pytest.raises(UnreachableError, match="incomplete or changed"):
        fetched(storage, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_has_no_digest_as_everything_that_was_written_in_blocks_is_held_to_its_size(tmp_path: Path) -> None:
    storage = Storage(**{"job-1/a.bin": b"0123456789"})
    storage.digests = {"job-1/a.bin": ""}
    assert [path.name for path in fetched(storage, tmp_path)] == ["a.bin"]


@pytest.mark.parametrize("name", ["job-1/../../evil", "job-1//etc/evil"])
def test_a_name_that_leaves_the_target_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="would be written outside"):
        fetched(Storage(**{name: b"x"}), tmp_path / "target")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_no_outputs_are_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=f"no outputs at {CONTAINER}/job-1/"):
        fetched(Storage(), tmp_path)


def test_a_target_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="cannot be written to"):
        fetched(Storage(**{"job-1/a.txt": b"x"}), tmp_path / "file")


def test_a_listing_that_is_not_one_is_not_believed(tmp_path: Path) -> None:
    opened, *_ = session(answer(200, b"<html>hello"))
    with pytest.raises(UnreachableError, match="something other than Azure"):
        fetch(opened, f"{CONTAINER}/job-1", "job-1", tmp_path)
