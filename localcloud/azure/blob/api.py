"""The Blob service's REST protocol, path style as Azurite has it: `/<account>/<container>/<blob>`.

Source: learn.microsoft.com/rest/api/storageservices/blob-service-rest-api.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.azure import clouds
from localcloud.azure.arm import authorization
from localcloud.azure.arm.storage import CONTAINERS, account, add_container, container, container_id
from localcloud.azure.arm.store import Resource, Resources
from localcloud.azure.blob import access, listing
from localcloud.azure.blob.containers import Containers
from localcloud.azure.errors import AzureError, in_xml
from localcloud.azure.plane import Plane, Request, Respond
from localcloud.azure.settings import require_reach
from localcloud.azure.state import State
from localcloud.objects import Object, Objects
from localcloud.server.wire import Answer, Call

_AUDIENCES = ("https://storage.azure.com",)
"""The same in every cloud (azure-storage-blob's STORAGE_OAUTH_SCOPE)."""
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_PATH = re.compile(r"/([a-z0-9]+)(?:/([a-z0-9$-]+)(?:/(.+))?)?/?")


@dataclass
class Blocks:
    """Blocks that were uploaded and not committed, by (account, container, blob) and id."""

    state: State
    waiting: dict[tuple[str, str, str], dict[str, bytes]] = field(default_factory=dict)


def find(state: State, call: Call, path: str) -> tuple[Request, Respond | None]:
    """Which operation a call is: by its path, `restype` and `comp`."""
    from urllib.parse import unquote

    found = _PATH.fullmatch(unquote(path))
    if found is None:
        return Request(call, "blob", path), None
    names = {"account": found[1], "container": found[2] or "", "blob": found[3] or ""}
    kind, comp = call.query.get("restype", ""), call.query.get("comp", "")
    level = "blob" if names["blob"] else "container" if names["container"] else "account"
    operation, respond = _OPERATIONS.get((level, call.method, kind, comp), ("", None))
    return Request(call, "blob", path, operation, names), respond


def _account(state: State, request: Request) -> Resource:
    found = account(state, request.names["account"])
    if found is None:
        raise AzureError(404, "ResourceNotFound", f"There is no storage account {request.names['account']}.")
    outside = AzureError(403, "AuthorizationFailure", "This request is not authorized to perform this operation.")
    require_reach(state, found.properties, outside)
    return found


def _container(state: State, request: Request) -> tuple[Resource, Objects]:
    names = request.names
    _account(state, request)
    found = container(state, names["account"], names["container"])
    if found is None:
        raise AzureError(404, "ContainerNotFound", "The specified container does not exist.")
    return found, state.store(Containers).of(names["account"], names["container"])


def _blob(state: State, request: Request) -> tuple[Objects, Object]:
    _, objects = _container(state, request)
    found = objects.find(request.names["blob"])
    if found is None:
        raise AzureError(404, "BlobNotFound", "The specified blob does not exist.")
    return objects, found


def _require_right(state: State, request: Request, verb: str, id: str) -> None:
    """Refuse whose roles do not say that they may make or delete a container.

    Source: learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory (permissions for
    calling data operations).
    """
    if not authorization.may(state, request.holder, f"{CONTAINERS}/{verb}", id):
        raise AzureError(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )


def list_containers(state: State, request: Request) -> object:
    """List Containers."""
    with state.lock:
        of = _account(state, request)
        inside = state.store(Resources).below(f"{of.id}/blobServices/default")
        return listing.containers(_endpoint(of), request.query, {one.name: one.changed for one in inside})


def _endpoint(of: Resource) -> str:
    return f"https://{of.name}.blob.{clouds.of(of.location).storage}/"


def create_container(state: State, request: Request) -> object:
    """Create Container."""
    with state.lock:
        of = _account(state, request)
        name = request.names["container"]
        _require_right(state, request, "write", container_id(of, name))
        if container(state, of.name, name) is not None:
            raise AzureError(409, "ContainerAlreadyExists", "The specified container already exists.")
        add_container(state, of, name)
    return Answer(201)


def container_properties(state: State, request: Request) -> object:
    """Get Container Properties."""
    with state.lock:
        found, _ = _container(state, request)
        return Answer(200, (("Last-Modified", listing.http_time(found.changed)), ("ETag", found.etag)))


def delete_container(state: State, request: Request) -> object:
    """Delete Container."""
    with state.lock:
        found, _ = _container(state, request)
        _require_right(state, request, "delete", found.id)
        state.store(Containers).drop(request.names["account"], request.names["container"])
        state.store(Resources).remove(found)
    return Answer(202)


def list_blobs(state: State, request: Request) -> object:
    """List Blobs."""
    with state.lock:
        _, objects = _container(state, request)
        return listing.blobs(
            _endpoint(_account(state, request)), request.names["container"], request.query, objects.all()
        )


def _conditions(request: Request, found: Object | None) -> None:
    """Raises AzureError when a condition of the request does not hold."""
    wanted, unwanted = request.call.lower.get("if-match"), request.call.lower.get("if-none-match")
    current = listing.etag(found) if found else None
    if unwanted == "*" and found is not None and request.call.method == "PUT":
        raise AzureError(409, "BlobAlreadyExists", "The specified blob already exists.")
    failed = (wanted and (current is None or wanted not in ("*", current))) or (unwanted and unwanted == current)
    if failed:
        status = 304 if request.call.method in ("GET", "HEAD") and unwanted else 412
        raise AzureError(
            status, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met."
        )


def get_blob(state: State, request: Request) -> object:
    """Get Blob, whole or a range of it."""
    with state.lock:
        _, found = _blob(state, request)
        _conditions(request, found)
        content, headers = found.path.read_bytes(), _headers(found)
    text = request.call.lower.get("x-ms-range") or request.call.lower.get("range")
    if not text:
        return Answer(200, tuple(headers.items()), content)
    match = _RANGE.fullmatch(text)
    start = int(match[1]) if match else 0
    if match is None or start >= len(content):
        raise AzureError(
            416,
            "InvalidRange",
            "The range specified is invalid for the current size of the resource.",
            headers={"Content-Range": f"bytes */{len(content)}"},
        )
    end = min(int(match[2]) if match[2] else len(content) - 1, len(content) - 1)
    headers = headers | {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
    return Answer(206, tuple(headers.items()), content[start : end + 1])


def head_blob(state: State, request: Request) -> object:
    """Get Blob Properties."""
    with state.lock:
        _, found = _blob(state, request)
        _conditions(request, found)
        return Answer(200, (*_headers(found).items(), ("Content-Length", str(found.size))))


def _headers(found: Object) -> dict[str, str]:
    return {
        "Content-Type": str(found.fields.get("contentType", "application/octet-stream")),
        "Content-MD5": found.md5,
        "ETag": listing.etag(found),
        "Last-Modified": listing.http_time(found.updated),
        "Accept-Ranges": "bytes",
        "x-ms-blob-type": "BlockBlob",
        "x-ms-creation-time": listing.http_time(found.created),
        "x-ms-version": access.VERSION,
        "x-ms-server-encrypted": "true",
        **{f"x-ms-meta-{name}": text for name, text in found.fields.get("metadata", {}).items()},
    }


def put_blob(state: State, request: Request) -> object:
    """Put Blob: a whole block blob at once."""
    kind = request.call.lower.get("x-ms-blob-type")
    if kind != "BlockBlob":
        raise AzureError(400, "InvalidHeaderValue", f"The value {kind!r} of x-ms-blob-type is not supported here.")
    _require_digest(request)
    return _store(state, request, request.call.body)


def _require_digest(request: Request) -> None:
    given = request.call.lower.get("content-md5")
    digest = hashlib.md5(request.call.body, usedforsecurity=False).digest()
    if given and given != base64.b64encode(digest).decode():
        raise AzureError(
            400, "Md5Mismatch", "The MD5 value specified in the request did not match that calculated."
        )


def _store(state: State, request: Request, content: bytes) -> Answer:
    headers = request.call.lower
    fields = {
        "contentType": headers.get("x-ms-blob-content-type")
        or headers.get("content-type", "application/octet-stream"),
        "metadata": _metadata(headers),
    }
    with state.lock:
        _, objects = _container(state, request)
        _conditions(request, objects.find(request.names["blob"]))
        path: Path = objects.fresh()
        path.write_bytes(content)
        made = objects.put(request.names["blob"], path, fields, keep=False)
        told = (("ETag", listing.etag(made)), ("Last-Modified", listing.http_time(made.updated)))
    return Answer(201, (*told, ("x-ms-request-server-encrypted", "true"), ("x-ms-version", access.VERSION)))


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix("x-ms-meta-"): text for name, text in headers.items() if name.startswith("x-ms-meta-")
    }


def _key(request: Request) -> tuple[str, str, str]:
    return request.names["account"], request.names["container"], request.names["blob"]


def put_block(state: State, request: Request) -> object:
    """Put Block: a part of a blob to come."""
    id = request.query.get("blockid", "")
    try:
        base64.b64decode(id, validate=True)
    except binascii.Error as error:
        raise AzureError(400, "InvalidQueryParameterValue", f"The block id {id!r} is not in base64.") from error
    _require_digest(request)
    with state.lock:
        _container(state, request)
        state.store(Blocks).waiting.setdefault(_key(request), {})[id] = request.call.body
    return Answer(201)


def put_block_list(state: State, request: Request) -> object:
    """Put Block List: the blocks that make up the blob, in their order."""
    ids = re.findall(r"<(?:Latest|Uncommitted|Committed)>([^<]*)</", request.call.body.decode())
    with state.lock:
        _container(state, request)
        waiting = state.store(Blocks).waiting.get(_key(request), {})
        if any(id not in waiting for id in ids):
            raise AzureError(400, "InvalidBlockList", "The specified block list is invalid.")
        answer = _store(state, request, b"".join(waiting[id] for id in ids))
        state.store(Blocks).waiting.pop(_key(request), None)
    return answer


def set_metadata(state: State, request: Request) -> object:
    """Set Blob Metadata."""
    with state.lock:
        _, found = _blob(state, request)
        _conditions(request, found)
        found.fields["metadata"] = _metadata(request.call.lower)
    return Answer(200, (("ETag", listing.etag(found)),))


def delete_blob(state: State, request: Request) -> object:
    """Delete Blob."""
    with state.lock:
        objects, found = _blob(state, request)
        _conditions(request, found)
        objects.remove(found, keep=False)
    return Answer(202, (("x-ms-delete-type-permanent", "true"), ("x-ms-client-request-id", str(uuid.uuid4()))))


_OPERATIONS: Mapping[tuple[str, str, str, str], tuple[str, Respond]] = {
    ("account", "GET", "", "list"): ("ListContainers", list_containers),
    ("container", "PUT", "container", ""): ("CreateContainer", create_container),
    ("container", "GET", "container", ""): ("GetContainer", container_properties),
    ("container", "HEAD", "container", ""): ("GetContainer", container_properties),
    ("container", "DELETE", "container", ""): ("DeleteContainer", delete_container),
    ("container", "GET", "container", "list"): ("ListBlobs", list_blobs),
    ("blob", "GET", "", ""): ("GetBlob", get_blob),
    ("blob", "HEAD", "", ""): ("HeadBlob", head_blob),
    ("blob", "PUT", "", ""): ("PutBlob", put_blob),
    ("blob", "PUT", "", "block"): ("PutBlock", put_block),
    ("blob", "PUT", "", "blocklist"): ("PutBlockList", put_block_list),
    ("blob", "PUT", "", "metadata"): ("SetBlobMetadata", set_metadata),
    ("blob", "DELETE", "", ""): ("DeleteBlob", delete_blob),
}
PLANE = Plane(find, in_xml, lambda state, request: _AUDIENCES, access.signed)
