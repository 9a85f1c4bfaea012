"""Downloads: the content of an object, whole or a range of it."""

from __future__ import annotations

import re

from localcloud.gcp.api import Request
from localcloud.gcp.errors import GoogleError
from localcloud.gcp.state import State
from localcloud.gcp.storage import access
from localcloud.objects import Object
from localcloud.server.wire import Answer

_RANGE = re.compile(r"bytes=(?P<start>\d*)-(?P<end>\d*)")


def media(state: State, request: Request) -> Answer:
    """objects.get with alt=media."""
    with state.lock:
        bucket = access.bucket_of(state, request)
        found = access.object_of(bucket, request)
        try:
            access.check(request, found, reading=True)
        except access.NotModified:
            return Answer(304)
        wanted = request.call.lower.get("range", "")
        start, end = _part(wanted, found.size)
        content = found.read(start, end)
        headers = _headers(found, str(bucket.settings["storageClass"]))
    if not wanted:
        return Answer(200, headers, content)
    return Answer(206, (*headers, ("Content-Range", f"bytes {start}-{end - 1}/{found.size}")), content)


def _part(wanted: str, size: int) -> tuple[int, int]:
    """First byte and the one after the last. Raises GoogleError when nothing of the object is in the range."""
    found = _RANGE.fullmatch(wanted)
    if not wanted or found is None:
        return 0, size
    if not found["start"]:
        start, end = max(0, size - int(found["end"] or 0)), size
    else:
        start, end = int(found["start"]), min(size, int(found["end"]) + 1 if found["end"] else size)
    if start >= size or start >= end:
        raise GoogleError(
            "OUT_OF_RANGE", "Request range not satisfiable", status=416, reason="requestedRangeNotSatisfiable"
        )
    return start, end


def _headers(found: Object, storage_class: str) -> tuple[tuple[str, str], ...]:
    fields = found.fields
    headers = {
        "Content-Type": fields.get("contentType", "application/octet-stream"),
        "Content-Encoding": fields.get("contentEncoding"),
        "Content-Disposition": fields.get("contentDisposition"),
        "Content-Language": fields.get("contentLanguage"),
        "Cache-Control": fields.get("cacheControl"),
        "Accept-Ranges": "bytes",
        "ETag": access.etag(found),
        "X-Goog-Generation": str(found.generation),
        "X-Goog-Metageneration": str(found.metageneration),
        "X-Goog-Storage-Class": fields.get("storageClass", storage_class),
        "X-Goog-Hash": f"crc32c={found.crc32c},md5={found.md5}",
        "X-Goog-Stored-Content-Encoding": fields.get("contentEncoding", "identity"),
        "X-Goog-Stored-Content-Length": str(found.size),
    }
    return tuple((name, str(value)) for name, value in headers.items() if value is not None)
