"""A job's archive into the zone's data container, as whoever submits: written once for each content."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from dispatcher.backends import code
from dispatcher.backends.azureml import faults
from dispatcher.backends.base import Upload
from dispatcher.contract import CODE_FOLDER
from dispatcher.errors import AlreadyExistsError, NotFoundError

if TYPE_CHECKING:
    from dispatcher.backends.azureml.session import Session


def stage(session: Session, upload: Upload, content: Path) -> None:
    """Put `content` at `upload.uri` unless it is there.

    Raises UsageError when something else is there, and NotFromHere where the zone's storage answers in its own
    network only: from a laptop nothing gets there.
    """
    try:
        _stage(session, upload, content)
    except (faults.NotFromHere, faults.NoConnection) as error:
        if session.zone.network.mode == "public":
            raise
        raise faults.NotFromHere(
            f"the job's code cannot be put into zone {session.caller.zone.workspace} from here: {error.message}",
            "submit it from a machine in the zone's network, or build the program into the image",
        ) from error


def _stage(session: Session, upload: Upload, content: Path) -> None:
    if _there(session, upload, content):
        return
    body = code.archive(content, upload)
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    headers = {
        "x-ms-blob-type": "BlockBlob",
        "Content-Type": code.MEDIA_TYPE,
        "Content-MD5": digest,
        "If-None-Match": "*",
    }
    try:
        session.blobs("PutBlob", *_place(upload), method="PUT", headers=headers, content=body)
    except AlreadyExistsError:
        _there(session, upload, content)


def _place(upload: Upload) -> tuple[str, str]:
    container, _, name = upload.uri.rpartition(f"/{CODE_FOLDER}/")
    return container, f"{CODE_FOLDER}/{name}"


def _there(session: Session, upload: Upload, content: Path) -> bool:
    """Whether the blob is there. Raises UsageError when it is another than its name says."""
    try:
        found = session.blobs("HeadBlob", *_place(upload), method="HEAD").headers
    except NotFoundError:
        return False
    code.expect(upload, content, size=int(found["Content-Length"]), md5=found.get("Content-MD5"))
    return True
