"""storage.googleapis.com: the methods of the JSON API for buckets, their policies, and objects."""

from __future__ import annotations

import shutil

from localcloud.gcp import agents, policies
from localcloud.gcp.api import Api, Request, Route, page
from localcloud.gcp.errors import GoogleError, invalid, not_found
from localcloud.gcp.state import State, is_project
from localcloud.gcp.storage import access, downloads, listing, uploads
from localcloud.gcp.storage.buckets import Buckets, merged
from localcloud.place import PROJECT
from localcloud.server.wire import Answer


def list_buckets(state: State, request: Request) -> object:
    """buckets.list, by name, with a prefix."""
    _project(request.query.get("project", PROJECT))
    with state.lock:
        buckets = state.store(Buckets).buckets
        names = [name for name in sorted(buckets) if name.startswith(request.query.get("prefix", ""))]
        wanted, token = page(names, request.query.get("maxResults"), request.query.get("pageToken"), 1000, 1000)
        return {"kind": "storage#buckets", "items": [buckets[name].document() for name in wanted], **token}


def insert_bucket(state: State, request: Request) -> object:
    _project(request.query.get("project", PROJECT))
    with state.lock:
        return state.store(Buckets).insert(request.body).document()


def _project(name: str) -> None:
    if not is_project(name):
        raise not_found(f"The requested project was not found: {name}")


def get_bucket(state: State, request: Request) -> object:
    with state.lock:
        bucket = access.bucket_of(state, request)
        try:
            access.check(request, bucket, reading=True)
        except access.NotModified:
            return Answer(304)
        return bucket.document()


def patch_bucket(state: State, request: Request) -> object:
    return _change_bucket(state, request, whole=False)


def update_bucket(state: State, request: Request) -> object:
    return _change_bucket(state, request, whole=True)


def _change_bucket(state: State, request: Request, *, whole: bool) -> object:
    with state.lock:
        bucket = access.bucket_of(state, request)
        access.check(request, bucket)
        state.store(Buckets).change(bucket, request.body, whole=whole)
        return bucket.document()


def delete_bucket(state: State, request: Request) -> object:
    with state.lock:
        bucket = access.bucket_of(state, request)
        access.check(request, bucket)
        state.store(Buckets).delete(bucket)
    return Answer(204)


def lock_retention(state: State, request: Request) -> object:
    """buckets.lockRetentionPolicy: for ever."""
    with state.lock:
        bucket = access.bucket_of(state, request)
        if access.number(request, "ifMetagenerationMatch") is None:
            raise invalid("Required parameter: ifMetagenerationMatch")
        access.check(request, bucket)
        if not bucket.settings.get("retentionPolicy"):
            raise invalid("The bucket has no retention policy to lock.")
        state.store(Buckets).change(bucket, {"retentionPolicy": {"isLocked": True}}, whole=False)
        return bucket.document()


def get_policy(state: State, request: Request) -> object:
    with state.lock:
        return access.bucket_of(state, request).policy()


def set_policy(state: State, request: Request) -> object:
    """buckets.setIamPolicy; a policy read before somebody else's change is refused."""
    with state.lock:
        bucket = access.bucket_of(state, request)
        sent = request.body
        if sent.get("etag") and sent["etag"] != bucket.policy()["etag"]:
            raise GoogleError(
                "ABORTED",
                "At least one of the pre-conditions you specified did not hold.",
                status=412,
                reason="conditionNotMet",
            )
        bindings = [dict(binding) for binding in sent.get("bindings") or [] if binding.get("members")]
        policies.check(state, bindings)
        bucket.bindings = bindings
        bucket.policy_number += 1
        return bucket.policy()


def test_permissions(state: State, request: Request) -> object:
    """Whoever asks may do everything: permissions are not evaluated."""
    with state.lock:
        access.bucket_of(state, request)
    return {"kind": "storage#testIamPermissionsResponse", "permissions": request.queries.get("permissions", [])}


def service_account(state: State, request: Request) -> object:
    """projects.serviceAccount.get; asking for the agent's address is what brings it into being."""
    _project(request.names["project"])
    return {"kind": "storage#serviceAccount", "email_address": agents.asked(state, "storage.googleapis.com")}


def get_object(state: State, request: Request) -> object:
    """objects.get: the resource, or the content with alt=media."""
    if request.query.get("alt") == "media":
        return downloads.media(state, request)
    with state.lock:
        bucket = access.bucket_of(state, request)
        found = access.object_of(bucket, request)
        try:
            access.check(request, found, reading=True)
        except access.NotModified:
            return Answer(304)
        return access.resource(state, bucket, found)


def patch_object(state: State, request: Request) -> object:
    """objects.patch and objects.update: metadata only."""
    with state.lock:
        bucket = access.bucket_of(state, request)
        found = access.object_of(bucket, request)
        access.check(request, found)
        sent = {name: value for name, value in request.body.items() if name in access.WRITABLE}
        found.fields = merged({} if request.call.method == "PUT" else found.fields, sent)
        found.metageneration += 1
        found.updated = state.clock()
        return access.resource(state, bucket, found)


def delete_object(state: State, request: Request) -> object:
    """objects.delete: a generation named is gone, a live one becomes an old one where versions are kept."""
    with state.lock:
        bucket = access.bucket_of(state, request)
        found = access.object_of(bucket, request)
        access.check(request, found)
        bucket.guard(found, state.clock())
        bucket.objects.remove(found, keep=bucket.versioned and access.number(request, "generation") is None)
    return Answer(204)


def copy_object(state: State, request: Request) -> object:
    with state.lock:
        return _copy(state, request)


def rewrite_object(state: State, request: Request) -> object:
    """objects.rewrite, done in one go."""
    with state.lock:
        made = _copy(state, request)
    return {
        "kind": "storage#rewriteResponse",
        "totalBytesRewritten": made["size"],
        "objectSize": made["size"],
        "done": True,
        "resource": made,
    }


def _copy(state: State, request: Request) -> dict[str, object]:
    buckets = state.store(Buckets)
    source, target = buckets.find(request.names["bucket"]), buckets.find(request.names["toBucket"])
    name = request.names["object"]
    found = source.objects.find(name, access.number(request, "sourceGeneration"))
    if found is None:
        raise not_found(f"No such object: {source.name}/{name}")
    access.check(request, found, source=True)
    path = target.objects.fresh()
    shutil.copyfile(found.path, path)
    fields = request.body if request.body else found.fields
    made = uploads.write(state, target, request, request.names["to"], path, {**found.fields, **fields})
    return access.resource(state, target, made)


def compose_object(state: State, request: Request) -> object:
    """objects.compose: up to 32 objects of the bucket become one."""
    sources = request.body.get("sourceObjects") or []
    if not 1 <= len(sources) <= 32:
        raise invalid("The number of source components must be between 1 and 32.")
    with state.lock:
        bucket = access.bucket_of(state, request)
        path = bucket.objects.fresh()
        with path.open("wb") as out:
            for source in sources:
                generation = int(source["generation"]) if source.get("generation") else None
                found = bucket.objects.find(str(source.get("name")), generation)
                if found is None:
                    path.unlink()
                    raise not_found(f"No such object: {bucket.name}/{source.get('name')}")
                out.write(found.read(0, found.size))
        document = request.body.get("destination") or {}
        made = uploads.write(state, bucket, request, request.names["object"], path, document)
        return access.resource(state, bucket, made)


_BUCKET = "/storage/v1/b/{bucket}"
_OBJECT = "/storage/v1/b/{bucket}/o/{object}"
_COPY = f"{_OBJECT}/%s/b/{{toBucket}}/o/{{to}}"
_UPLOAD = "/upload/storage/v1/b/{bucket}/o"

API = Api(
    [
        Route("GET", "/storage/v1/b", "ListBuckets", list_buckets),
        Route("POST", "/storage/v1/b", "InsertBucket", insert_bucket),
        Route("GET", _BUCKET, "GetBucket", get_bucket),
        Route("PATCH", _BUCKET, "PatchBucket", patch_bucket),
        Route("PUT", _BUCKET, "UpdateBucket", update_bucket),
        Route("DELETE", _BUCKET, "DeleteBucket", delete_bucket),
        Route("POST", f"{_BUCKET}/lockRetentionPolicy", "LockBucketRetentionPolicy", lock_retention),
        Route("GET", f"{_BUCKET}/iam", "GetBucketIamPolicy", get_policy),
        Route("PUT", f"{_BUCKET}/iam", "SetBucketIamPolicy", set_policy),
        Route("GET", f"{_BUCKET}/iam/testPermissions", "TestBucketIamPermissions", test_permissions),
        Route("GET", "/storage/v1/projects/{project}/serviceAccount", "GetServiceAccount", service_account),
        Route("GET", f"{_BUCKET}/o", "ListObjects", listing.objects),
        Route("GET", _OBJECT, "GetObject", get_object),
        Route("GET", f"/download{_OBJECT}", "GetObject", downloads.media),
        Route("PATCH", _OBJECT, "PatchObject", patch_object),
        Route("PUT", _OBJECT, "UpdateObject", patch_object),
        Route("DELETE", _OBJECT, "DeleteObject", delete_object),
        Route("POST", _COPY % "copyTo", "CopyObject", copy_object),
        Route("POST", _COPY % "rewriteTo", "RewriteObject", rewrite_object),
        Route("POST", f"{_OBJECT}/compose", "ComposeObject", compose_object),
        Route("POST", _UPLOAD, "InsertObject", uploads.insert),
        Route("PUT", _UPLOAD, "InsertObject", uploads.resume),
        Route("DELETE", _UPLOAD, "CancelUpload", uploads.cancel),
    ],
    # As Google's own emulators and Google's client with STORAGE_EMULATOR_HOST have it.
    anonymous=True,
)
