"""Lists of blobs and containers, in the XML and the pages of the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from localcloud.azure.errors import bad
from localcloud.objects import Object
from localcloud.server.wire import Answer

MOST = 5000
_HEAD = '\ufeff<?xml version="1.0" encoding="utf-8"?>'


def http_time(seconds: float) -> str:
    """Seconds since 1970 as HTTP writes times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def etag(blob: Object) -> str:
    return f'"0x{blob.generation:X}"'


def size(query: Mapping[str, str]) -> int:
    """How many entries a page has. Raises AzureError."""
    text = query.get("maxresults", str(MOST))
    if not text.isdigit() or int(text) < 1:
        raise bad("One of the query parameters specified in the request URI is outside the permissible range.",
                  "OutOfRangeQueryParameterValue")  # fmt: skip
    return min(int(text), MOST)


def blobs(endpoint: str, container: str, query: Mapping[str, str], found: Sequence[Object]) -> Answer:
    """List Blobs: names from `marker` on that begin with `prefix`, folded at `delimiter`."""
    prefix, delimiter, marker = (query.get(name, "") for name in ("prefix", "delimiter", "marker"))
    entries: dict[str, str] = {}
    for blob in found:
        if not blob.name.startswith(prefix):
            continue
        head, cut, _ = blob.name.removeprefix(prefix).partition(delimiter) if delimiter else (blob.name, "", "")
        if cut:
            folder = prefix + head + cut
            entries.setdefault(folder, f"<BlobPrefix><Name>{escape(folder)}</Name></BlobPrefix>")
        else:
            entries[blob.name] = _blob(blob, metadata="metadata" in query.get("include", ""))
    return _page("Blobs", endpoint, query, entries, marker, f" ContainerName={quoteattr(container)}")


def containers(endpoint: str, query: Mapping[str, str], found: Mapping[str, float]) -> Answer:
    """List Containers; `found` are names and when they were changed."""
    entries = {
        name: f"<Container><Name>{escape(name)}</Name><Properties><Last-Modified>{http_time(changed)}"
        "</Last-Modified></Properties></Container>"
        for name, changed in found.items()
        if name.startswith(query.get("prefix", ""))
    }
    return _page("Containers", endpoint, query, entries, query.get("marker", ""), "")


def _page(
    what: str, endpoint: str, query: Mapping[str, str], entries: Mapping[str, str], marker: str, more: str
) -> Answer:
    names = [name for name in sorted(entries) if name >= marker]
    shown, rest = names[: size(query)], names[size(query) :]
    echoed = "".join(
        f"<{tag}>{escape(query[name])}</{tag}>"
        for name, tag in (("prefix", "Prefix"), ("marker", "Marker"), ("delimiter", "Delimiter"))
        if query.get(name)
    )
    following = f"<NextMarker>{escape(rest[0])}</NextMarker>" if rest else "<NextMarker />"
    text = (
        f"{_HEAD}<EnumerationResults ServiceEndpoint={quoteattr(endpoint)}{more}>{echoed}<{what}>"
        f"{''.join(entries[name] for name in shown)}</{what}>{following}</EnumerationResults>"
    )
    return Answer(200, (("Content-Type", "application/xml"),), text.encode())


def _blob(blob: Object, *, metadata: bool) -> str:
    kind = escape(str(blob.fields.get("contentType", "application/octet-stream")))
    meta = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in blob.fields.get("metadata", {}).items())
    return (
        f"<Blob><Name>{escape(blob.name)}</Name><Properties>"
        f"<Creation-Time>{http_time(blob.created)}</Creation-Time>"
        f"<Last-Modified>{http_time(blob.updated)}</Last-Modified><Etag>{escape(etag(blob).strip(chr(34)))}</Etag>"
        f"<Content-Length>{blob.size}</Content-Length><Content-Type>{kind}</Content-Type>"
        f"<Content-MD5>{blob.md5}</Content-MD5><BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier>"
        "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
        "<ServerEncrypted>true</ServerEncrypted></Properties>"
        f"{f'<Metadata>{meta}</Metadata>' if metadata else ''}</Blob>"
    )
