"""What requests about objects share: preconditions, resources, and finding what a request names."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from localcloud.gcp.api import Request
from localcloud.gcp.errors import GoogleError, invalid, not_found, unsupported
from localcloud.gcp.state import State
from localcloud.gcp.storage.buckets import Bucket, Buckets, moment
from localcloud.objects import Object
from localcloud.place import GOOGLE

# Fields of an Object resource that a writer may choose.
WRITABLE = (
    "cacheControl",
    "contentDisposition",
    "contentEncoding",
    "contentLanguage",
    "contentType",
    "customTime",
    "eventBasedHold",
    "metadata",
    "storageClass",
    "temporaryHold",
)
_CONDITIONS = {
    "ifGenerationMatch": (True, "generation"),
    "ifGenerationNotMatch": (False, "generation"),
    "ifMetagenerationMatch": (True, "metageneration"),
    "ifMetagenerationNotMatch": (False, "metageneration"),
}


class NotModified(Exception):
    """A read asked for the object only if it is another than the client has."""


def bucket_of(state: State, request: Request) -> Bucket:
    """The bucket in the path. Raises GoogleError."""
    if flag(request, "softDeleted"):
        raise unsupported("soft-deleted buckets and objects")
    return state.store(Buckets).find(request.names["bucket"])


def object_of(bucket: Bucket, request: Request, name: str = "object") -> Object:
    """The object in the path, of the generation in the query. Raises GoogleError."""
    wanted = request.names[name]
    found = bucket.objects.find(wanted, number(request, "generation"))
    if found is None:
        raise not_found(f"No such object: {bucket.name}/{wanted}")
    return found


def flag(request: Request, name: str) -> bool:
    """A query parameter that is true or false; Google's client for Python writes it with a capital."""
    return request.query.get(name, "").lower() == "true"


def number(request: Request, name: str) -> int | None:
    """A query parameter that is a whole number; None without it. Raises GoogleError."""
    text = request.query.get(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise invalid(f"Invalid value for {name}: {text}") from error


def check(request: Request, found: Object | Bucket | None, *, source: bool = False, reading: bool = False) -> None:
    """Hold a request to its preconditions; generation 0 is that of what is not there.

    Raises GoogleError, and NotModified for a read.
    """
    for condition, (wants_same, attribute) in _CONDITIONS.items():
        wanted = number(request, condition.replace("if", "ifSource", 1) if source else condition)
        if wanted is None:
            continue
        have = getattr(found, attribute, 0) if found is not None else 0
        if (have == wanted) != wants_same:
            if reading and not wants_same:
                raise NotModified
            raise GoogleError(
                "FAILED_PRECONDITION",
                "At least one of the pre-conditions you specified did not hold.",
                status=412,
                reason="conditionNotMet",
            )


def resource(state: State, bucket: Bucket, found: Object) -> dict[str, Any]:
    """The Object resource."""
    base = f"{state.url}{GOOGLE}/storage"
    path = f"storage/v1/b/{bucket.name}/o/{quote(found.name, safe='')}"
    document: dict[str, Any] = {
        "kind": "storage#object",
        "id": f"{bucket.name}/{found.name}/{found.generation}",
        "selfLink": f"{base}/{path}",
        "mediaLink": f"{base}/download/{path}?generation={found.generation}&alt=media",
        "name": found.name,
        "bucket": bucket.name,
        "generation": str(found.generation),
        "metageneration": str(found.metageneration),
        "storageClass": bucket.settings["storageClass"],
        "size": str(found.size),
        "md5Hash": found.md5,
        "crc32c": found.crc32c,
        "etag": etag(found),
        "timeCreated": moment(found.created),
        "updated": moment(found.updated),
        "timeStorageClassUpdated": moment(found.created),
        **found.fields,
    }
    if key := (bucket.settings.get("encryption") or {}).get("defaultKmsKeyName"):
        document.setdefault("kmsKeyName", f"{key}/cryptoKeyVersions/1")
    if found.deleted is not None:
        document["timeDeleted"] = moment(found.deleted)
    if seconds := (bucket.settings.get("retentionPolicy") or {}).get("retentionPeriod"):
        document["retentionExpirationTime"] = moment(found.created + float(seconds))
    return document


def etag(found: Object) -> str:
    return base64.b64encode(f"{found.generation}/{found.metageneration}".encode()).decode()


def chosen(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an Object resource that the writer chose."""
    return {name: document[name] for name in WRITABLE if document.get(name) is not None}
