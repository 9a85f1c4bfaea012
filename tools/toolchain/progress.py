"""Run a long command with one line that says how long it has been running."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO


def run(
    what: str,
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    directory: Path,
    limit: float | None = None,
    out: TextIO | None = None,
) -> tuple[int | None, str]:
    """Run `command` and return its exit code (None: over `limit` seconds) and its last 4,000 characters.

    On a terminal the line is rewritten each second; elsewhere it grows every 20 s, so that a log shows life.
    The command's children end with it, also when this process is interrupted.
    """
    out = out or sys.stderr
    live = out.isatty()
    start, shown = time.monotonic(), 0.0
    out.write(what)
    out.flush()
    with tempfile.TemporaryFile("w+", errors="replace") as record:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=record,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while _still_running(process, 1.0):
                passed = time.monotonic() - start
                if limit is not None and passed > limit:
                    break
                if live:
                    out.write(f"\r{what} ... {passed:.0f} s")
                elif passed - shown >= 20:
                    shown = passed
                    out.write(f" ... {passed:.0f} s")
                out.flush()
        finally:
            if process.poll() is None:
                _end(process)
                code = None
            else:
                code = process.returncode
            passed = time.monotonic() - start
            ending = "done" if code == 0 else "failed" if code is not None else "stopped"
            out.write(
                f"\r{what} ... {ending} in {passed:.0f} s\n" if live else f" ... {ending} in {passed:.0f} s\n"
            )
            out.flush()
        size = record.seek(0, os.SEEK_END)
        record.seek(max(0, size - 4000))
        return code, record.read()


def _still_running(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    if _still_running(process, 5):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
