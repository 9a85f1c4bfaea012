"""dispatch-run in front of a job's command where the image has it, and what a job misses where it has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatcher.runtime import PROGRAM

if TYPE_CHECKING:
    from dispatcher.job import Job

FRONT = (PROGRAM, "--")


def entry(job: Job) -> list[str]:
    """Return what a container starts, up to the first word of the command; the rest of it are its arguments.

    The rest keeps its places, so that a message about an argument names the job's own.
    """
    front = FRONT if job.runtime else ()
    return [*front, *job.command[:1]]
