"""Jobs of queue `local` belong to the place's ledger: they end with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatcher.backends.local import ending
from localcloud import process
from localcloud.place import Place
from tests.localcloud.test_process import localcloud

pytestmark = pytest.mark.wire

JOB = """\
name: sleeper
image: none
command: [{python}, -c, "{program}"]
resources: {{cpu: 1, memory: 1Gi}}
"""
PATIENT = "import time; print('ready', flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {PATIENT}"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "place")
    yield place
    process.down(place)


def until(right: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not right():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def submitted(place: Place, folder: Path, program: str = PATIENT) -> tuple[int, Path]:
    """Submit a job of ten minutes as a person does, and return its process id and its directory."""
    file = folder / "job.yaml"
    file.write_text(JOB.format(python=sys.executable, program=program))
    dispatch = [sys.executable, "-m", "dispatcher", "submit", str(file), "-q", "local"]
    result = localcloud(place, "run", "--", *dispatch)
    assert result.returncode == 0, result.stderr
    (status,) = place.local_jobs.glob("jobs/*/status.json")
    until(lambda: b"ready" in (status.parent / "log").read_bytes())
    return int(json.loads(status.read_text())["pid"]), status.parent


def state(home: Path) -> str:
    return str(json.loads((home / "status.json").read_text())["state"])


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_down_ends_a_running_job_of_queue_local_and_says_so(place: Place, tmp_path: Path) -> None:
    pid, home = submitted(place, tmp_path)
    result = localcloud(place, "down")
    assert "ended 1 job of queue local" in result.stderr
    assert gone(pid)
    assert state(home) == "cancelled"
    assert "queue local" not in localcloud(place, "down").stderr


def test_a_job_that_hears_no_sigterm_is_killed(place: Place, tmp_path: Path) -> None:
    pid, _ = submitted(place, tmp_path, DEAF)
    assert ending.end_all(place.local_jobs, patience=0.5) == 1
    assert gone(pid)


def test_a_new_server_ends_the_local_jobs_of_the_ledger_it_clears(place: Place, tmp_path: Path) -> None:
    pid, _ = submitted(place, tmp_path)
    server = process.living(place)
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: process.living(place) is None)
    result = localcloud(place, "up")
    assert "ended 1 job of queue local" in result.stderr
    assert gone(pid)


def test_a_stranger_with_a_recorded_pid_is_left_alone(place: Place) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    home = place.local_jobs / "jobs" / "old"
    home.mkdir(parents=True)
    (home / "lock").touch()
    (home / "status.json").write_text(json.dumps({"state": "running", "pid": stranger.pid}))
    try:
        assert process.end_local_jobs(place) == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
