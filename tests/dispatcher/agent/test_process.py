"""`dispatch agent` as a process: it runs what others queue, and a SIGTERM ends it and nothing else."""

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

from dispatcher.api import Dispatcher
from dispatcher.job import Job

pytestmark = pytest.mark.process


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "USER": "ada", "DISPATCH_LEDGER": str(tmp_path / "ledger.db")}


@pytest.fixture
def dispatcher(environment: dict[str, str]) -> Iterator[Dispatcher]:
    """The ledger, on which this process only queues and looks."""
    with Dispatcher(environment=environment) as opened:
        yield opened


@pytest.fixture
def agent(environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start agents, which are gone at the end of the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "dispatcher", "agent", *words]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def queued(dispatcher: Dispatcher, program: str) -> str:
    plan = dispatcher.plan(Job(image="none", command=(sys.executable, "-c", program), name="work"), "local")
    return dispatcher.enqueue(plan).id


def test_it_runs_what_is_queued_and_a_sigterm_leaves_the_job_running(
    dispatcher: Dispatcher, agent: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    health = tmp_path / "health.json"
    dispatcher.ledger.meta("environment")
    process = agent("--health", str(health), "--log", "json", "--name", "one")
    id = queued(dispatcher, "import time; time.sleep(60)")
    until(lambda: dispatcher.show(id).state == "running")
    until(lambda: health.exists() and json.loads(health.read_text())["pid"] == process.pid)
    second = agent("--name", "one")
    assert "an agent named one is at work already" in second.communicate(timeout=30)[1]
    assert second.returncode == 2
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 0, said
    events = [json.loads(line)["event"] for line in said.splitlines()]
    assert events == ["started", "submitted", "stopped"]
    assert not health.exists()
    assert dispatcher.agents.list() == []
    assert dispatcher.refresh(id).state == "running"
    dispatcher.cancel(id)
    assert dispatcher.wait(id).state == "cancelled"


def test_a_killed_agent_is_followed_by_one_that_takes_up_its_jobs_and_its_name(
    dispatcher: Dispatcher, agent: Callable[..., subprocess.Popen[str]]
) -> None:
    dispatcher.ledger.meta("environment")
    first = agent("--name", "one")
    id = queued(dispatcher, "import time; time.sleep(1)")
    until(lambda: dispatcher.show(id).state in ("pending", "running"))
    first.kill()
    first.wait()
    agent("--name", "one")
    until(lambda: dispatcher.show(id).state == "succeeded")
    assert [event.kind for event in dispatcher.events(id)].count("submitted") == 1


def test_once_runs_one_round_and_leaves(
    dispatcher: Dispatcher, agent: Callable[..., subprocess.Popen[str]]
) -> None:
    id = queued(dispatcher, "print(1)")
    process = agent("--once")
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert dispatcher.show(id).started
