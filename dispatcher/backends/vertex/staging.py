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
    """Put `content` at `upload.uri` unless it is there. Raises UsageError when something else is there."""
    objects, name = _place(upload)
    if _there(session, upload, content):
        return
    answer = session.answer(
        "InsertObject",
        "storage",
        f"upload/{objects}",
        query={"uploadType": "media", "name": name, "ifGenerationMatch": 0},
        headers={"Content-Type": code.MEDIA_TYPE},
        content=code.archive(content, upload),
        accepted=(_THERE,),
    )
    if answer.status_code == _THERE:
        _there(session, upload, content)


def _place(upload: Upload) -> tuple[str, str]:
    bucket, _, name = upload.uri.removeprefix("gs://").partition("/")
    return f"storage/v1/b/{quote(bucket, safe='')}/o", name


def _there(session: Session, upload: Upload, content: Path) -> bool:
    """Whether the object is there. Raises UsageError when it is another than its name says."""
    objects, name = _place(upload)
    fields = {"fields": "name,size,md5Hash"}
    try:
        found = session.call("GetObject", "storage", f"{objects}/{quote(name, safe='')}", query=fields)
    except (NotFoundError, NotAllowed):
        # Who may not list a bucket is told so of an object that is not there, too; the insert tells for sure.
        return False
    code.expect(upload, content, size=int(found["size"]), md5=found.get("md5Hash"))
    return True
