"""A job's archive into the zone's data bucket, as the agent: written once for each content, never over another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from dispatcher.backends import code
from dispatcher.backends.base import Upload
from dispatcher.backends.faults import NotAllowed
from dispatcher.errors import NotFoundError

if TYPE_CHECKING:
    from dispatcher.backends.vertex.session import Session

_THERE = 412
"""What an insert answers that was to make an object which is there (JSON API, `ifGenerationMatch=0`)."""


def stage(session: Session, upload: Upload, content: Path) -> None:
    """Put `content` at `upload.uri` unless it is there."""
    bucket, _, name = upload.uri.removeprefix("gs://").partition("/")
    objects = f"storage/v1/b/{quote(bucket, safe='')}/o"
    try:
        session.call("GetObject", "storage", f"{objects}/{quote(name, safe='')}", query={"fields": "name"})
        return
    except NotFoundError:
        pass
    except NotAllowed:
        pass  # who may not list a bucket is told so of an object that is not there, too; the insert tells for sure
    with code.opened(content, upload) as body:
        session.answer(
            "InsertObject",
            "storage",
            f"upload/{objects}",
            query={"uploadType": "media", "name": name, "ifGenerationMatch": 0},
            headers={"Content-Type": code.MEDIA_TYPE},
            content=body.read(),
            accepted=(_THERE,),
        )
