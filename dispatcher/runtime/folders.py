"""A job's folders: there before the command starts, checkpoints proven writable, and stored when it has ended."""

from __future__ import annotations

import os
import time

from .fault import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CHECKPOINTS, OUTPUT, INPUT = "DISPATCH_CHECKPOINT_DIR", "DISPATCH_OUTPUT_DIR", "DISPATCH_INPUT_"
SETTLE_SECONDS = 4.0
"""How long the end of a job may wait for its checkpoints: less than `process.MARGIN` keeps of a grace time."""

_REMEDIES = {
    "aws": "SageMaker makes it from CheckpointConfig, as root: an image that is another user cannot write there",
    "gcp": "it is a folder of the checkpoint bucket: the job's account needs storage.objects.create there",
    "azure": "it is a mounted folder: the job's identity needs Storage Blob Data Contributor on the account",
}


def prepare(environ: Mapping[str, str], rank: int) -> list[str]:
    """Make what is missing and prove that checkpoints can be written; return what is worth a line in the log.

    Raises Fault for a checkpoint or output folder that cannot be used: found now, not at the first save, hours on.
    """
    for name in (CHECKPOINTS, OUTPUT):
        path = environ.get(name)
        if path:
            try:
                os.makedirs(path, exist_ok=True)
                if name == CHECKPOINTS:
                    _write(path, rank)
            except OSError as error:
                kind = "checkpoint" if name == CHECKPOINTS else "output"
                raise Fault(
                    f"the {kind} directory {path} cannot be written: {error.strerror}",
                    _REMEDIES.get(environ.get("DISPATCH_CLOUD", ""), f"{name} says where it is"),
                ) from error
    return [
        f"input {name[len(INPUT) :].lower()}: {path} is not there; nothing may be stored under it"
        for name, path in inputs(environ)
        if not os.path.exists(path)
    ]


def inputs(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield every input: the name of its variable, and where it is."""
    return ((name, environ[name]) for name in sorted(environ) if name.startswith(INPUT))


def _write(path: str, rank: int) -> None:
    """Write a file and take it away again: a mount says what it allows only when asked to do it."""
    probe = os.path.join(path, f".dispatch-run-{rank}-{os.getpid()}")
    with open(probe, "wb") as file:
        file.write(b"dispatch-run\n")
    os.unlink(probe)


def settle(path: str, since: float, clock: Callable[[], float] = time.monotonic) -> int:
    """Have the system hand every checkpoint written after `since` (seconds since 1970) to its store; count them.

    SageMaker's agent copies what is on the disk, and what the other clouds mount is written through when a file is
    closed. A command that was killed has closed nothing itself: this leaves none of it in memory of a machine
    that is about to go. It takes `SETTLE_SECONDS` at most, and never fails: the command's own end is what counts.
    """
    until, done = clock() + SETTLE_SECONDS, 0
    for directory, _, names in os.walk(path):
        for name in names:
            file = os.path.join(directory, name)
            try:
                if os.lstat(file).st_mtime < since:
                    continue
                descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                done += 1
            except OSError:
                continue
            if clock() >= until:
                return done
    return done
