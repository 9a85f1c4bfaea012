"""A process beside the server: when the server dies without ending its jobs, it ends them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from localcloud import process
from localcloud.place import Place

_IN_ORDER = b"."
_STEP = 0.02  # seconds


def start(place: Place) -> subprocess.Popen[bytes]:
    """Begin to watch the calling process, through a pipe that breaks however it ends."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "localcloud.server.watch", str(place.root), str(os.getpid())],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def dismiss(watch: subprocess.Popen[bytes]) -> None:
    """Say that the server ends in order; returns when the watch is over."""
    with contextlib.suppress(BrokenPipeError):
        watch.communicate(_IN_ORDER)


def main(root: str, pid: str) -> int:
    """Wait for the end of the server, and for whoever is starting another: that one ends what was left."""
    if sys.stdin.buffer.read() != _IN_ORDER:
        place = Place(Path(root))
        with contextlib.suppress(FileNotFoundError), process.locked(place.starting):
            # The kernel may break the pipe a moment before it lets go of the dying server's lock.
            while (server := process.living(place)) and server.pid == int(pid):
                time.sleep(_STEP)
            if server is None:
                process.end_orphans(place)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
