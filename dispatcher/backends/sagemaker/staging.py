"""A job's archive into the zone's data bucket, as the agent: written once for each content, never over another."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from dispatcher.backends import code
from dispatcher.backends.base import Upload
from dispatcher.errors import UnreachableError

_ABSENT = {"404", "NoSuchKey", "NotFound", "403", "AccessDenied"}
"""What HeadObject answers for a key that is not there: 403 to who may not list the bucket, as the agent may not
(S3 API reference, HeadObject, "Permissions")."""


def stage(client: Any, upload: Upload, content: Path) -> None:
    """Put `content` at `upload.uri` unless it is there; S3 itself checks the digest, and replaces nothing.

    Raises UsageError when something else is there.
    """
    from botocore.exceptions import ClientError

    bucket, _, key = upload.uri.removeprefix("s3://").partition("/")
    if _there(client, upload, content):
        return
    try:
        client.put_object(
            Bucket=bucket,
            Key=key,
            Body=code.archive(content, upload),
            ContentLength=upload.size,
            ContentType=code.MEDIA_TYPE,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=base64.b64encode(bytes.fromhex(upload.sha256)).decode(),
            IfNoneMatch="*",
        )
    except ClientError as error:
        if _code(error) == "ConditionalRequestConflict":
            raise UnreachableError(f"{upload.uri} is being written by somebody else", "try again") from error
        if _code(error) != "PreconditionFailed":  # which says that it is there
            raise
        _there(client, upload, content)


def _there(client: Any, upload: Upload, content: Path) -> bool:
    """Whether the object is there. Raises UsageError when it is another than its name says."""
    from botocore.exceptions import ClientError

    bucket, _, key = upload.uri.removeprefix("s3://").partition("/")
    try:
        found = client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    except ClientError as error:
        if _code(error) not in _ABSENT:
            raise
        return False
    whole = found.get("ChecksumType") != "COMPOSITE"  # else it is made of those of parts
    sha256 = found.get("ChecksumSHA256") if whole else None
    code.expect(upload, content, size=found["ContentLength"], sha256=sha256)
    return True


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
