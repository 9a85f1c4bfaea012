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

    What a command had open is closed when it ends, however it ends, and a mount stores a file that is closed. This
    is for what a process that it left behind still has open, and for disks whose machine is about to go. It ends
    with the first call to the file system after `SETTLE_SECONDS`, and never fails: the command's own end is what
    counts.
    """
    until, done, folders = clock() + SETTLE_SECONDS, 0, [path]
    while folders and clock() < until:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if clock() >= until:  # of old files too: on a mount each is a request
                        return done
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        done += _stored(entry, since)
        except OSError:
            continue
    return done


def _stored(entry: os.DirEntry[str], since: float) -> bool:
    """Store a file if it was written after `since`, and return whether it was."""
    try:
        if not entry.is_file(follow_symlinks=False) or entry.stat(follow_symlinks=False).st_mtime < since:
            return False
        descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return True
