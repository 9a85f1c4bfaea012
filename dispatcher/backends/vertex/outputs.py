"""A job's results from its bucket: everything below its output directory, each file whole or not at all."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dispatcher.backends import saving
from dispatcher.errors import NotFoundError, UnreachableError

if TYPE_CHECKING:
    from dispatcher.backends.vertex.session import Session

PAGE = 1000
"""Objects of one answer, the JSON API's maximum."""
_CHUNK = 1024 * 1024
_TRIES = 5
"""Times that a download is taken up again where it broke off."""


def fetch(session: Session, uri: str, job: str, target: Path) -> list[Path]:
    """Bring everything below `uri` (`gs://bucket/prefix`) into `target` and return the files written, sorted.

    Raises NotFoundError when there is nothing yet, UsageError when `target` cannot be written or an object's name
    leads out of it, UnreachableError when a download breaks off for good.
    """
    bucket, _, prefix = uri.removeprefix("gs://").partition("/")
    below = f"{prefix.rstrip('/')}/".lstrip("/")
    written: list[Path] = []
    with saving.writing(target):
        for item in _objects(session, bucket, below):
            name = str(item["name"]).removeprefix(below)
            if name and not name.endswith("/"):
                path = saving.below(target, name, f"gs://{bucket}/{item['name']}")
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
    """Save one object. A download that breaks off goes on where it was, of the same generation of the object."""
    part = path.with_name(f".{path.name}.part")
    size, digest = int(item.get("size", 0)), hashlib.md5(usedforsecurity=False)
    # What is stored compressed comes unpacked, so neither its size nor its digest is that of the file.
    plain, have, tries = not item.get("contentEncoding"), 0, 0
    try:
        with part.open("wb") as file:
            while True:
                try:
                    for chunk in _chunks(session, bucket, item, have):
                        file.write(chunk)
                        digest.update(chunk)
                        have += len(chunk)
                except UnreachableError:
                    if plain and have == size:
                        break  # behind the last byte there is nothing to ask for
                    tries += 1
                    if not plain or tries == _TRIES:
                        raise
                    continue
                break
        if plain and (have != size or not _same(digest.digest(), item.get("md5Hash"))):
            raise UnreachableError(
                f"gs://{bucket}/{item['name']} came incomplete or changed: {have} of {size} bytes",
                "fetch it again",
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


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


def _same(digest: bytes, expected: object) -> bool:
    """Compare with the MD5 that Storage knows; composed objects have none."""
    return expected is None or base64.b64encode(digest).decode() == expected
