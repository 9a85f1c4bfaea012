"""Start, find and end the one server process of a place, whatever happened to the one before."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

from localcloud import control
from localcloud.gcp import key
from localcloud.jobs import nodes
from localcloud.place import Place, Server

START_SECONDS = 30.0
END_SECONDS = 15.0
_STEP = 0.02


class StartError(Exception):
    """The server did not come up; the text holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Up:
    """A running server: `started` when this call made it, `cleared` when traces of an older one went.

    `ended` jobs of queue `local`, which the older ledger knew, were ended with it.
    """

    server: Server
    started: bool
    cleared: bool
    ended: int = 0


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, waiting for whoever holds it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def living(place: Place) -> Server | None:
    """The server that runs here, or None. The lock it holds for life makes a re-used pid harmless."""
    try:
        with place.alive.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
    except BlockingIOError:
        return place.read()
    except OSError:
        return None


def health(server: Server, timeout: float = 5) -> dict[str, Any] | None:
    """What the server says of itself, None when it does not answer or is another one (`timeout` in seconds)."""
    try:
        answer: dict[str, Any] = control.call(server, "GET", "/health", timeout=timeout)
    except (control.ControlError, OSError):
        return None
    return answer if answer.get("pid") == server.pid else None


def up(place: Place, port: int = 0) -> Up:
    """Return the place's server, starting it when there is none. `port` 0 takes a free one.

    Safe to call from several processes at once. Raises StartError.
    """
    found = _up(place, port)
    # The stand-in plugins belong to the place, not to the server: they follow an upgrade of the SDK.
    from localcloud import plugin

    with contextlib.suppress(PackageNotFoundError):
        plugin.install(place.pulumi_home)
    key.ensure(place, found.server)
    return found


def _up(place: Place, port: int) -> Up:
    if (server := living(place)) and health(server):
        return Up(server, started=False, cleared=False)
    place.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(place.starting):
        if server := living(place):
            if health(server, timeout=END_SECONDS):
                return Up(server, started=False, cleared=False)
            raise StartError(
                f"the server of {place.root} (pid {server.pid}) does not answer; `localcloud down` ends it"
            )
        end_orphans(place)
        ended = end_local_jobs(place)
        cleared = place.clear()
        place.prepare()
        return Up(_start(place, port), started=True, cleared=cleared, ended=ended)


def _start(place: Place, port: int) -> Server:
    with place.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "localcloud.server", str(place.root), str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        server = place.read()
        if server and server.pid == process.pid and health(server):
            return server
        time.sleep(_STEP)
    if process.poll() is None:
        process.kill()
    process.wait()
    tail = "".join(place.log.read_text(errors="replace").splitlines(keepends=True)[-8:])
    raise StartError(f"the server of {place.root} did not start; the end of {place.log}:\n{tail}")


def down(place: Place) -> Server | None:
    """End the place's server and its jobs and nothing else; return it, or None when none was running."""
    if not place.root.is_dir():
        return None
    with locked(place.starting):
        end_local_jobs(place)
        server = living(place)
        if server is None:
            end_orphans(place)
            return None
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(server.pid, number)
            deadline = time.monotonic() + END_SECONDS
            while time.monotonic() < deadline:
                if living(place) is None:
                    _reap(server.pid)
                    end_orphans(place)
                    return server
                time.sleep(_STEP)
        raise StartError(f"the server of {place.root} (pid {server.pid}) cannot be ended")


def _reap(pid: int) -> None:
    """Collect the server when this process started it, so that it does not stay as a zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def end_orphans(place: Place) -> None:
    """End the job processes of a server that died without ending them itself."""
    nodes.end_orphans(place.jobs)


def end_local_jobs(place: Place) -> int:
    """End the jobs that `dispatch` runs on this machine for the place's ledger, and return how many there were."""
    from dispatcher.backends.local import ending

    return ending.end_all(place.local_jobs)
