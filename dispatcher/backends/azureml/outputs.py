"""A job's results from the zone's container: everything in its output folder, each file whole or not at all."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from dispatcher.backends import saving
from dispatcher.backends.azureml import faults
from dispatcher.errors import NotFoundError

if TYPE_CHECKING:
    from dispatcher.backends.azureml.session import Session


@dataclass(frozen=True, slots=True)
class _Blob:
    """One blob: `size` in bytes, `md5` where Storage knows it."""

    name: str
    size: int
    tag: str
    md5: bytes | None


def fetch(session: Session, uri: str, job: str, target: Path) -> list[Path]:
    """Bring all below `uri`, a folder of the zone's output container, into `target`; return the files, sorted.

    Raises NotFoundError when there is nothing yet, UsageError when `target` cannot be written or a blob's name
    leads out of it, UnreachableError when a download breaks off for good.
    """
    container = session.zone.buckets.output.uri
    below = uri.removeprefix(container).strip("/") + "/"
    written: list[Path] = []
    with saving.writing(target):
        for blob in _blobs(session, container, below):
            name = blob.name.removeprefix(below)
            path = saving.below(target, name, f"{container}/{blob.name}")
            _download(session, container, blob, path)
            written.append(path)
    if not written:
        raise NotFoundError(
            f"job {job} has no outputs at {container}/{below}",
            "a program writes them below DISPATCH_OUTPUT_DIR; its checkpoints are in another container",
        )
    return sorted(written)


def _blobs(session: Session, container: str, prefix: str) -> Iterator[_Blob]:
    query = {"restype": "container", "comp": "list", "prefix": prefix, "include": "metadata"}
    marker = ""
    while True:
        asked = {**query, **({"marker": marker} if marker else {})}
        answer = session.blobs("ListBlobs", container, query=asked)
        with faults.translated("ListBlobs", session.caller):
            content = answer.read()
        try:
            page = ElementTree.fromstring(content)
        except ElementTree.ParseError as error:
            raise faults.foreign("ListBlobs", session.caller) from error
        for entry in page.iterfind("Blobs/Blob"):
            folder = entry.findtext("Metadata/hdi_isfolder") or entry.findtext("Metadata/Hdi_isfolder")
            name = entry.findtext("Name") or ""
            if folder != "true" and name != prefix and not name.endswith("/"):
                yield _read(name, entry)
        marker = page.findtext("NextMarker") or ""
        if not marker:
            return


def _read(name: str, entry: ElementTree.Element) -> _Blob:
    about = {one.tag: one.text or "" for one in entry.iterfind("Properties/*")}
    digest = about.get("Content-MD5")
    return _Blob(name, int(about["Content-Length"]), about["Etag"], base64.b64decode(digest) if digest else None)


def _download(session: Session, container: str, blob: _Blob, path: Path) -> None:
    """Save one blob, all of it of the same state of the blob."""

    def read(start: int) -> Iterator[bytes]:
        headers = {"If-Match": _quoted(blob.tag), **({"Range": f"bytes={start}-"} if start else {})}
        with faults.translated("GetBlob", session.caller):
            answer = session.blobs("GetBlob", container, blob.name, headers=headers)
            yield from answer.iter_raw()

    saving.download(read, path, f"{container}/{blob.name}", blob.size, blob.md5)


def _quoted(tag: str) -> str:
    """A listing has the tag without the quotes that a header wants."""
    return tag if tag.startswith('"') else f'"{tag}"'
