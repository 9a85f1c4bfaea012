"""A job's archive into the zone's data container, as whoever submits: written once for each content."""

from __future__ import annotations

import contextlib
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

    Raises NotFromHere where the zone's storage answers in its own network only: from a laptop nothing gets there.
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
    container, _, digest = upload.uri.rpartition(f"/{CODE_FOLDER}/")
    name = f"{CODE_FOLDER}/{digest}"
    try:
        session.blobs("HeadBlob", container, name, method="HEAD")
        return
    except NotFoundError:
        pass
    headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": code.MEDIA_TYPE, "If-None-Match": "*"}
    with code.opened(content, upload) as body, contextlib.suppress(AlreadyExistsError):
        session.blobs("PutBlob", container, name, method="PUT", headers=headers, content=body.read())
