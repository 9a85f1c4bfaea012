"""How a job's `code` reaches its container: one address by content, one name for where it is mounted."""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dispatcher.backends import runtime
from dispatcher.backends.base import Upload
from dispatcher.contract import CODE_FOLDER
from dispatcher.errors import NotHereError, UsageError
from dispatcher.runtime import CODE, CODE_SHA256

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.job import Job

INPUT = "dispatch-code"
"""What the archive's input is called where a cloud names inputs; no job may call one so."""
MEDIA_TYPE = "application/gzip"
REMOVE = (
    "have somebody who may delete in that bucket remove it, then submit the job anew: nothing is written over it"
)


def key(job: Job) -> str:
    """Return the object's name in the bucket; empty for a job without code."""
    return f"{CODE_FOLDER}/{job.code.sha256}.tar.gz" if job.code else ""


def uploads(job: Job, bucket: str) -> tuple[Upload, ...]:
    """Return what must be in the zone before the job starts; `bucket` is the address of its data bucket."""
    if job.code is None:
        return ()
    return (Upload(f"{bucket}/{key(job)}", job.code.sha256, job.code.size),)


def variables(job: Job, folder: str | None) -> dict[str, str]:
    """Return what dispatch-run unpacks by; `folder` is where the archive lies, None where only the node knows."""
    if job.code is None:
        return {}
    place = {} if folder is None else {CODE: f"{folder}/{key(job).rpartition('/')[2]}"}
    return {**place, CODE_SHA256: job.code.sha256}


def archive(content: Path, upload: Upload) -> bytes:
    """Read what is to be uploaded. Raises NotHereError when this machine does not have it, or not as it was."""
    try:
        found = content.read_bytes()
    except FileNotFoundError as error:
        raise NotHereError(
            f"the job's code is neither at {upload.uri} nor on this machine",
            "the machine that it was submitted from has it, and `dispatch wait JOB` there sends it",
        ) from error
    if hashlib.sha256(found).hexdigest() != upload.sha256:
        raise NotHereError(
            f"the archive of the job's code on this machine, {content}, is damaged",
            "submit a job with the same folder: the archive is made anew",
        )
    return found


def expect(upload: Upload, content: Path, *, size: int, sha256: str | None = None, md5: str | None = None) -> None:
    """Raise UsageError when what is at the address already is not what it is called.

    Digests are in base64, None where the cloud tells none. MD5 is compared where the archive is on this machine.
    """
    wrong = size != upload.size
    if sha256:
        wrong |= sha256 != base64.b64encode(bytes.fromhex(upload.sha256)).decode()
    elif md5 and not wrong:
        with suppress(NotHereError):
            own = hashlib.md5(archive(content, upload), usedforsecurity=False).digest()
            wrong = md5 != base64.b64encode(own).decode()
    if wrong:
        raise UsageError(f"{upload.uri} is there and is not what it is called", REMOVE)


def check(job: Job, findings: Findings, *, isolated: bool = False) -> None:
    """Refuse code for a container that cannot take it: an isolated one, or one whose image has no dispatch-run."""
    if job.code is None:
        return
    if isolated:
        findings.refuse(
            "controls.network_isolation",
            f"an isolated container takes no code beside its image ({job.code.folder})",
            "build the folder into the image, or send the job to a zone without network isolation",
        )
    if not job.runtime:
        findings.problem(
            "code",
            "is unpacked by dispatch-run, which the job does not say that the image has",
            runtime.ADD,
        )
