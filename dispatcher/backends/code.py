"""How a job's `code` reaches its container: one address by content, one name for where it is mounted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dispatcher.backends import runtime
from dispatcher.backends.base import Upload
from dispatcher.contract import CODE_FOLDER
from dispatcher.errors import NotHereError
from dispatcher.runtime import CODE, CODE_SHA256

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.job import Job

INPUT = "dispatch-code"
"""What the archive's input is called where a cloud names inputs; no job may call one so."""
MEDIA_TYPE = "application/gzip"


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


@contextmanager
def opened(content: Path, upload: Upload) -> Iterator[IO[bytes]]:
    """Open what is to be uploaded. Raises NotHereError when this machine does not have it."""
    try:
        file = content.open("rb")
    except FileNotFoundError as error:
        raise NotHereError(
            f"the job's code is neither at {upload.uri} nor on this machine",
            "the machine that it was submitted from has it, and `dispatch wait JOB` there sends it",
        ) from error
    with file:
        yield file


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
