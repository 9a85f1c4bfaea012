"""Processes of a job: one group per node, ended together, and found again when a server died over them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_RECORD = "process"
# What a container runtime reports for a command that is not there, or not executable.
MISSING, NOT_EXECUTABLE = 127, 126


@dataclass
class Process:
    """A node's process group; `code` is what a container would report, None while it runs.

    `child` is None when the command could not even be started; `problem` says why.
    """

    child: subprocess.Popen[bytes] | None
    record: Path
    code: int | None = None
    problem: str = ""

    @property
    def pipe(self) -> int | None:
        """What the node prints, standard error included."""
        return self.child.stdout.fileno() if self.child and self.child.stdout else None

    def terminate(self) -> None:
        """SIGTERM to the first process alone, as a container runtime sends it."""
        self._signal(os.kill, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the whole group."""
        self._signal(os.killpg, signal.SIGKILL)

    def _signal(self, send: Callable[[int, int], None], number: int) -> None:
        if self.child and self.code is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                send(self.child.pid, number)


def start(
    argv: Sequence[str], directory: Path, environment: Mapping[str, str], record: Path, ended: Callable[[], None]
) -> Process:
    """Start a node in a group of its own and call `ended` (from another thread) when its first process ends.

    As in a container, nothing of the node outlives its first process. A command that is not there or cannot be
    executed gives a process that has ended with the code a container runtime reports.
    """
    try:
        child = subprocess.Popen(
            list(argv),
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except FileNotFoundError:
        return Process(None, record, MISSING, f'exec: "{argv[0]}": executable file not found in $PATH')
    except OSError as error:
        return Process(None, record, NOT_EXECUTABLE, f'exec: "{argv[0]}": {error.strerror}')
    process = Process(child, record)
    record.write_text(f"{child.pid} {_born(child.pid)}")
    threading.Thread(target=_wait, args=(process, child, ended), daemon=True).start()
    return process


def _wait(process: Process, child: subprocess.Popen[bytes], ended: Callable[[], None]) -> None:
    # Wait without collecting the child: its pid, and so its group, stays taken until the group is ended.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    process.kill()
    code = child.wait()
    process.record.unlink(missing_ok=True)
    # A container reports the signal that ended its program as 128 + signal.
    process.code = code if code >= 0 else 128 - code
    ended()


def _born(pid: int) -> str:
    """When a process started, in the kernel's clock ticks; tells a re-used pid. Empty where /proc is missing."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def orphans(jobs: Path) -> Iterator[int]:
    """Groups left by a server that died: recorded, still there, and born when the record says."""
    for record in jobs.glob(f"*/*/*/*/{_RECORD}"):
        pid, _, born = record.read_text().partition(" ")
        if pid.isdigit() and born and _born(int(pid)) == born:
            yield int(pid)


def end_orphans(jobs: Path) -> None:
    """End what `orphans` finds."""
    for pid in orphans(jobs):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def record(home: Path) -> Path:
    """Where the process of the node that lives in `home` is noted."""
    return home / _RECORD
