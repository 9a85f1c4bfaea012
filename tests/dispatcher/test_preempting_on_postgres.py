"""Two agents that find the same urgent job on one PostgreSQL: together they stop no more than are needed."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher.api import Dispatcher
from dispatcher.backends.base import State
from dispatcher.job import Priority
from dispatcher.scheduling import tick
from tests.dispatcher.conftest import job
from tests.dispatcher.doubles import ToyCloud
from tests.dispatcher.test_preempting import patient

pytestmark = pytest.mark.postgres
AGENTS, JOBS = 4, 6


def test_agents_at_the_same_time_stop_one_job_for_one_urgent_job(
    database_url: str, outputs: Path, tmp_path: Path
) -> None:
    cloud = ToyCloud()

    def opened() -> Dispatcher:
        return Dispatcher(database_url, environment={"USER": "ada"}, open_backend=lambda zone, **_: cloud)

    (tmp_path / "q.yaml").write_text(
        f"queues: [{{name: line, zone: aws-euc1, max_running: {JOBS}, shared: true}}]"
    )
    with opened() as one:
        one.sync(outputs=[outputs], queues=tmp_path / "q.yaml", project=tmp_path)
        for number in range(JOBS):
            cloud.end(str(one.submit(patient(f"low{number}"), "line").cloud_name), State.RUNNING)
        one.tick()
        urgent = one.enqueue(one.plan(job("urgent", Priority.CRITICAL), "line"))
        together(AGENTS, opened)
        gave = [json.loads(e.data) for entry in one.list() for e in one.events(entry.id) if e.kind == "gives way"]
        assert [event["to"] for event in gave] == [urgent.id]
        assert len(set(cloud.cancelled)) == 1
        cloud.end(cloud.cancelled[0], State.CANCELLED)
        together(AGENTS, opened)
        assert one.show(urgent.id).state == "pending"
        assert sum(entry.preemptions for entry in one.list()) == 1


def together(count: int, opened: Callable[[], Dispatcher]) -> None:
    """Let so many agents, each on a machine of its own, run one tick at the same moment."""
    start = threading.Barrier(count)

    def run(number: int) -> None:
        with opened() as dispatcher:
            work = dataclasses.replace(
                dispatcher.work(), owner=f"agent@host{number}#1", alive=lambda other: None, beside=None
            )
            start.wait(timeout=30)
            tick.tick(work)

    agents = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for agent in agents:
        agent.start()
    for agent in agents:
        agent.join(timeout=60)
