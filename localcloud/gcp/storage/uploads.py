"""Uploads: in one request with or without metadata, or resumable in chunks."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from localcloud.gcp.api import Request
from localcloud.gcp.errors import GoogleError, invalid, not_found
from localcloud.gcp.state import State
from localcloud.gcp.storage import access
from localcloud.gcp.storage.buckets import Bucket, Buckets
from localcloud.objects import Object, checksums
from localcloud.place import GOOGLE
from localcloud.server.wire import Answer

STEP = 256 * 1024
"""Every chunk of a resumable upload but the last is a multiple of this, in bytes."""

_RANGE = re.compile(r"bytes (?:(?P<start>\d+)-(?P<end>\d+)|\*)/(?P<total>\d+|\*)")
_DEFAULT_TYPE = "application/octet-stream"


@dataclass
class Session:
    """A resumable upload: the request that began it, what it said, and the file with what has come."""

    request: Request
    document: Mapping[str, Any]
    path: Path
    done: dict[str, Any] | None = None


@dataclass
class Sessions:
    """Resumable uploads by id."""

    state: State
    sessions: dict[str, Session] = field(default_factory=dict)


def insert(state: State, request: Request) -> object:
    """objects.insert in its three forms."""
    kind = request.query.get("uploadType", "")
    if kind == "media":
        content_type = request.call.lower.get("content-type", _DEFAULT_TYPE)
        return _store(state, request, {"contentType": content_type}, request.call.body)
    if kind == "multipart":
        document, content = _parts(request)
        return _store(state, request, document, content)
    if kind == "resumable":
        return _begin(state, request)
    raise invalid(f"Invalid upload type: {kind!r}")


def _parts(request: Request) -> tuple[dict[str, Any], bytes]:
    """Metadata and content of a multipart/related body."""
    kind = request.call.lower.get("content-type", "")
    message = BytesParser(policy=HTTP).parsebytes(
        f"Content-Type: {kind}\r\n\r\n".encode() + b"\r\n", headersonly=True
    )
    boundary = message.get_boundary()
    if message.get_content_type() != "multipart/related" or not boundary:
        raise invalid("Missing or malformed multipart/related content type.")
    pieces = (b"\r\n" + request.call.body).split(b"\r\n--" + boundary.encode())
    if len(pieces) != 4 or not pieces[3].startswith(b"--"):
        raise invalid("Multipart body must contain exactly two parts: metadata and media.")
    (_, first), (headers, content) = (
        piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")[::2] for piece in pieces[1:3]
    )
    try:
        document = json.loads(first or b"{}")
    except ValueError as error:
        raise invalid("Invalid JSON in the metadata part.") from error
    for line in headers.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-type":
            document.setdefault("contentType", value.strip())
    return document, content


def _store(state: State, request: Request, document: Mapping[str, Any], content: bytes) -> dict[str, Any]:
    with state.lock:
        path = access.bucket_of(state, request).objects.fresh()
    path.write_bytes(content)
    return _finish(state, request, document, path)


def _finish(state: State, request: Request, document: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Make what has come an object, if its checksums and preconditions hold."""
    try:
        _verify(request, document, path)
        with state.lock:
            bucket = access.bucket_of(state, request)
            made = write(state, bucket, request, name_of(request, document), path, document)
            return access.resource(state, bucket, made)
    finally:
        path.unlink(missing_ok=True)


def write(
    state: State, bucket: Bucket, request: Request, name: str, path: Path, document: Mapping[str, Any]
) -> Object:
    """Put a file in the place of the live object; hold the lock. Raises GoogleError."""
    live = bucket.objects.find(name)
    access.check(request, live)
    if live is not None:
        bucket.guard(live, state.clock())
    fields = {"contentType": _DEFAULT_TYPE, **access.chosen(document)}
    return bucket.objects.put(name, path, fields, keep=bucket.versioned)


def name_of(request: Request, document: Mapping[str, Any]) -> str:
    """The object's name, in query or metadata. Raises GoogleError."""
    name = str(request.query.get("name") or document.get("name") or "")
    if not name:
        raise GoogleError("INVALID_ARGUMENT", "Required", reason="required")
    if len(name.encode()) > 1024 or "\r" in name or "\n" in name or name in (".", ".."):
        raise invalid(f"Invalid object name: {name!r}")
    return name


def _verify(request: Request, document: Mapping[str, Any], path: Path) -> None:
    """Hold the content to the checksums that came with it."""
    given = {"MD5": document.get("md5Hash"), "CRC32C": document.get("crc32c")}
    for pair in request.call.lower.get("x-goog-hash", "").split(","):
        kind, _, value = pair.strip().partition("=")
        if value:
            given[kind.upper()] = value
    if any(given.values()):
        md5, crc32c = checksums(path)
        for kind, have in (("MD5", md5), ("CRC32C", crc32c)):
            if given[kind] and given[kind] != have:
                raise invalid(
                    f'Provided {kind} hash "{given[kind]}" doesn\'t match calculated {kind} hash "{have}".'
                )


def _begin(state: State, request: Request) -> Answer:
    document = dict(request.body)
    if kind := request.call.lower.get("x-upload-content-type"):
        document.setdefault("contentType", kind)
    name = name_of(request, document)
    with state.lock:
        bucket = access.bucket_of(state, request)
        access.check(request, bucket.objects.find(name))
        path = bucket.objects.fresh()
        path.touch()
        number = secrets.token_urlsafe(24)
        state.store(Sessions).sessions[number] = Session(request, document, path)
    query = urlencode({"uploadType": "resumable", "upload_id": number})
    where = f"{state.url}{GOOGLE}/storage{request.path}?{query}"
    return Answer(200, (("Location", where), ("X-GUploader-UploadID", number)))


def resume(state: State, request: Request) -> object:
    """A chunk of a resumable upload, or the question how far it is."""
    session = _session(state, request)
    if session.done is not None:
        return session.done
    have, content = session.path.stat().st_size, request.call.body
    text = request.call.lower.get("content-range")
    found = _RANGE.fullmatch(text.strip()) if text else None
    if text and found is None:
        raise invalid(f"Failed to parse Content-Range header: {text}")
    start = int(found["start"]) if found and found["start"] else have
    total = int(found["total"]) if found and found["total"] != "*" else None
    if start > have:
        raise GoogleError("UNAVAILABLE", f"Invalid request. The upload has {have} bytes, not {start}.")
    end = max(have, start + len(content))
    whole = found is None or (total is not None and end >= total)
    if content and not whole and len(content) % STEP:
        raise invalid(f"Invalid request. The number of bytes uploaded is required to be a multiple of {STEP}.")
    if content:
        # What came twice is not kept twice.
        with session.path.open("r+b") as file:
            file.seek(start)
            file.write(content)
    if not whole:
        return Answer(308, (("Range", f"bytes=0-{end - 1}"),) if end else ())
    # Name and conditions are those of the request that began it; a checksum may come with the last chunk.
    _verify(request, session.document, session.path)
    try:
        session.done = _finish(state, session.request, session.document, session.path)
    except GoogleError:
        _forget(state, request)
        raise
    return session.done


def cancel(state: State, request: Request) -> Answer:
    """Give a resumable upload up: 499 is how the service says that it did."""
    session = _session(state, request)
    session.path.unlink(missing_ok=True)
    _forget(state, request)
    return Answer(499)


def _forget(state: State, request: Request) -> None:
    with state.lock:
        state.store(Sessions).sessions.pop(request.query["upload_id"], None)


def _session(state: State, request: Request) -> Session:
    with state.lock:
        state.store(Buckets).find(request.names["bucket"])
        session = state.store(Sessions).sessions.get(request.query.get("upload_id", ""))
    if session is None:
        raise not_found("Not Found: there is no such resumable upload.")
    return session
