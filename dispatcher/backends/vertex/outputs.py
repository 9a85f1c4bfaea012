"""A job's results from its bucket: everything below its output directory, each file whole or not at all."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dispatcher.backends import saving
from dispatcher.backends.vertex.render import MODEL_DIR
from dispatcher.errors import NotFoundError

if TYPE_CHECKING:
    from dispatcher.backends.vertex.session import Session

PAGE = 1000
"""Objects of one answer, the JSON API's maximum."""
_CHUNK = 1024 * 1024


def fetch(session: Session, uri: str, job: str, target: Path) -> list[Path]:
    """Bring everything below `uri` (`gs://bucket/prefix`) into `target` and return the files written, sorted.

    What the job wrote to DISPATCH_OUTPUT_DIR (`model/` there) lies in `target` itself, as on every cloud; what is
    beside it, such as logs for TensorBoard, keeps its directory. Raises NotFoundError when there is nothing yet,
    UsageError when `target` cannot be written or an object's name leads out of it, UnreachableError when a
    download breaks off for good.
    """
    bucket, _, prefix = uri.removeprefix("gs://").partition("/")
    below = f"{prefix.rstrip('/')}/".lstrip("/")
    written: list[Path] = []
    with saving.writing(target):
        for item in _objects(session, bucket, below):
            name = str(item["name"]).removeprefix(below)
            if name and not name.endswith("/"):
                path = saving.below(target, name.removeprefix(f"{MODEL_DIR}/"), f"gs://{bucket}/{item['name']}")
                _download(session, bucket, item, path)
                written.append(path)
    if not written:
        raise NotFoundError(
            f"job {job} has no outputs at gs://{bucket}/{below}",
            "a program writes them below DISPATCH_OUTPUT_DIR; its checkpoints are in another bucket",
        )
    return sorted(written)


def _objects(session: Session, bucket: str, prefix: str) -> Iterator[Mapping[str, Any]]:
    asked: dict[str, object] = {"prefix": prefix, "maxResults": PAGE}
    while True:
        answer = session.call("ListObjects", "storage", f"storage/v1/b/{quote(bucket, safe='')}/o", query=asked)
        yield from answer.get("items", ())
        if not answer.get("nextPageToken"):
            return
        asked = {**asked, "pageToken": answer["nextPageToken"]}


def _download(session: Session, bucket: str, item: Mapping[str, Any], path: Path) -> None:
    """Save one object, all of it of the same generation."""
    # What is stored compressed comes unpacked, so neither its size nor its digest is that of the file.
    size = None if item.get("contentEncoding") else int(item.get("size", 0))
    md5 = base64.b64decode(item["md5Hash"]) if item.get("md5Hash") else None  # composed objects have none
    saving.download(
        lambda start: _chunks(session, bucket, item, start), path, f"gs://{bucket}/{item['name']}", size, md5
    )


def _chunks(session: Session, bucket: str, item: Mapping[str, Any], start: int) -> Iterator[bytes]:
    from dispatcher.backends.vertex.faults import translated

    query = {"alt": "media", **({"generation": item["generation"]} if "generation" in item else {})}
    headers = {"Range": f"bytes={start}-"} if start else None
    path = f"storage/v1/b/{quote(bucket, safe='')}/o/{quote(str(item['name']), safe='')}"
    with (
        translated("GetObject", session.caller),
        session.answer("GetObject", "storage", path, query=query, headers=headers, stream=True) as answer,
    ):
        yield from answer.iter_content(_CHUNK)
