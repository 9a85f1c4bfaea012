"""Runs one job's command and writes down how it went; a process of its own, so that no job dies with a terminal.

Standard library only: it is started as a file, in Python's isolated mode, with nothing of the job's environment.
It reads one JSON document from standard input (`command`, `environment`, `directory`, `max_runtime`, `grace`,
`hands_on`: whether the command's first process passes signals on by itself), so that a secret in the environment
never touches the disk, and works in the directory given as its argument:

- `status.json`: replaced atomically at each step; `state` is running, stopping or a final word.
- `log`: one line per line the job printed, `<milliseconds since 1970> <text>`.
- `cancel`: when this file appears the job is asked to stop.

The lock that the starter took on `lock` is inherited and held until the end: whoever gets it knows that nobody
supervises the job any more.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

TICK = 0.1
"""Seconds between two looks at the clock and at `cancel`."""
DRAIN = 1.0
"""Seconds to wait for the last lines after the command has ended."""


def now() -> str:
    """Return the time as RFC 3339, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write(place: Path, status: dict[str, Any]) -> None:
    """Replace the status file, so that a reader sees the old one or the new one and never half of one."""
    draft = place / "status.json.new"
    draft.write_text(json.dumps(status))
    draft.replace(place / "status.json")


class Log:
    """Stamps each line with the time it came."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._rest = b""

    def add(self, data: bytes) -> None:
        """Take what the job printed; a line without its end waits for the rest."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        stamp = str(int(time.time() * 1000)).encode()
        self._file.write(b"".join(stamp + b" " + line.rstrip(b"\r") + b"\n" for line in lines))
        self._file.flush()

    def close(self) -> None:
        """Write a last line that had no end."""
        if self._rest:
            self.add(b"\n")


def supervise(place: Path, spec: dict[str, Any]) -> None:
    """Run the command to its end and leave the final status; never raises for what the job does."""
    started = now()
    status: dict[str, Any] = {"state": "running", "started_at": started}
    with (place / "log").open("ab") as file:
        log = Log(file)
        try:
            process = subprocess.Popen(
                spec["command"],
                cwd=spec["directory"],
                env=spec["environment"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            log.add(f"{error}\n".encode())
            end = {"state": "failed", "ended_at": now(), "exit_code": 127, "reason": f"cannot be started: {error}"}
            write(place, {**status, **end})
            acknowledge()
            return
        write(place, {**status, "pid": process.pid})
        acknowledge()
        stopped = _watch(process, place, spec, log, {**status, "pid": process.pid})
        _kill(process.pid)  # children the command left behind
        _drain(process, log)
        log.close()
    write(
        place,
        {**status, "ended_at": now(), "exit_code": process.returncode, **_verdict(process.returncode, stopped)},
    )


def acknowledge() -> None:
    """Tell the starter that the status file is there; it does not wait any longer."""
    with contextlib.suppress(OSError):
        os.write(1, b"ok\n")
        os.close(1)


def _verdict(code: int, stopped: str) -> dict[str, str]:
    if stopped == "timed_out":
        return {"state": "timed_out", "reason": "it ran into max_runtime"}
    if stopped == "cancelled":
        return {"state": "cancelled", "reason": ""}
    if code == 0:
        return {"state": "succeeded", "reason": ""}
    if code < 0:
        return {"state": "failed", "reason": f"ended by {signal.Signals(-code).name}"}
    return {"state": "failed", "reason": f"exit code {code}"}


def _watch(
    process: subprocess.Popen[bytes], place: Path, spec: dict[str, Any], log: Log, status: dict[str, Any]
) -> str:
    """Copy lines until the command ends; stop it when asked or when its time is up, and return which of them."""
    deadline = time.monotonic() + spec["max_runtime"]
    kill_at: float | None = None
    stopped = ""
    with selectors.DefaultSelector() as selector:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        selector.register(process.stdout, selectors.EVENT_READ)
        while process.poll() is None:
            if selector.get_map():
                for key, _ in selector.select(TICK):
                    data = os.read(key.fd, 65536)
                    log.add(data) if data else selector.unregister(key.fileobj)
            else:
                time.sleep(TICK)
            moment = time.monotonic()
            if not stopped and (moment >= deadline or (place / "cancel").exists()):
                stopped = "timed_out" if moment >= deadline else "cancelled"
                write(place, {**status, "state": "stopping"})
                _ask(process.pid, alone=spec["hands_on"])
                kill_at = moment + spec["grace"]
            if kill_at is not None and moment >= kill_at:
                _kill(process.pid)
                kill_at = None
    return stopped


def _ask(leader: int, *, alone: bool) -> None:
    """Ask to end, each process once: a second word while it saves is easily taken for "now"."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        (os.kill if alone else os.killpg)(leader, signal.SIGTERM)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _drain(process: subprocess.Popen[bytes], log: Log) -> None:
    assert process.stdout is not None
    until = time.monotonic() + DRAIN
    while time.monotonic() < until:
        try:
            data = os.read(process.stdout.fileno(), 65536)
        except BlockingIOError:
            time.sleep(TICK / 10)
            continue
        if not data:
            return
        log.add(data)


def main() -> None:
    """Read the job, let go of the starter (it reaps the first of two processes), and supervise."""
    spec = json.load(sys.stdin)
    if os.fork() == 0:
        supervise(Path(sys.argv[1]), spec)


if __name__ == "__main__":
    main()
