"""How a job's `code` reaches its container: one address by content, one name for where it is mounted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dispatcher.backends.base import Upload
from dispatcher.errors import NotHereError
from dispatcher.runtime import CODE, CODE_SHA256

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.job import Job

INPUT = "dispatch-code"
"""What the archive's input is called where a cloud names inputs; no job may call one so."""
PREFIX = "code"
"""Folder of archives in the zone's data bucket; the agent may write there and nowhere else in it."""
MEDIA_TYPE = "application/gzip"


def key(job: Job) -> str:
    """Return the object's name in the bucket; empty for a job without code."""
    return f"{PREFIX}/{job.code.sha256}.tar.gz" if job.code else ""


def uploads(job: Job, bucket: str) -> tuple[Upload, ...]:
    """Return what must be in the zone before the job starts; `bucket` is the address of its data bucket."""
    if job.code is None:
        return ()
    return (Upload(f"{bucket}/{key(job)}", job.code.sha256, job.code.size),)


def variables(job: Job, mounted: str | None) -> dict[str, str]:
    """Return what dispatch-run unpacks by; `mounted` is None where the place is only known on the node."""
    if job.code is None:
        return {}
    place = {} if mounted is None else {CODE: mounted}
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


def check(job: Job, *, isolated: bool, runtime: bool, findings: Findings) -> None:
    """Refuse code for a container that cannot take it: an isolated one, or one whose image has no dispatch-run."""
    if job.code is None:
        return
    if isolated:
        findings.refuse(
            "controls.network_isolation",
            f"an isolated container takes no code beside its image ({job.code.folder})",
            "build the folder into the image, or send the job to a zone without network isolation",
        )
    if not runtime:
        findings.problem(
            "code",
            "is unpacked by dispatch-run, which the job does not say that the image has",
            "write it with `dispatch image runtime dispatch-run`, COPY it to the image's PATH, set runtime: true",
        )
